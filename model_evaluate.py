"""Measure colored pictures; see `colornet/evaluation/command.py`."""

import sys

from colornet.evaluation.command import main

if __name__ == "__main__":
    sys.exit(main())
