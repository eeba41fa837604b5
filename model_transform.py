"""Gray pictures and films to color; see `colornet/coloring/command.py`."""

import sys

from colornet.coloring.command import main

if __name__ == "__main__":
    sys.exit(main())
