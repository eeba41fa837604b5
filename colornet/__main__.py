"""`python -m colornet`: the command `colornet`."""

import sys

from colornet.coloring.command import main

if __name__ == "__main__":
    sys.exit(main())
