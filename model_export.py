"""Weights to LiteRT, SavedModel, or smaller weights; see `colornet/network/export_command.py`."""

import sys

from colornet.network.export_command import main

if __name__ == "__main__":
    sys.exit(main())
