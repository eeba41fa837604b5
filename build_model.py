"""Print the network's layers; `build_model` itself is in `colornet/network/model.py`."""

import sys
from collections.abc import Sequence

from colornet.network import table_command
from colornet.network.model import build_model
from config import PRESETS

__all__ = ["build_model", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    return table_command.main(argv, PRESETS)


if __name__ == "__main__":
    sys.exit(main())
