"""Color grayscale pictures and films: the command `colornet`, from a checkout."""

import sys

from colornet.coloring.command import main, parser

__all__ = ["main", "parser"]

if __name__ == "__main__":
    sys.exit(main())
