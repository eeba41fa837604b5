"""`python -m colornet`: the command `colornet`."""

import sys

from colornet.coloring.command import main

if __name__ == "__main__":
    sys.argv[0] = "colornet"  # for messages; it is the path of this file
    sys.exit(main())
