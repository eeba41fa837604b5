"""Records to weights; see `colornet/training/command.py`."""

import sys
from collections.abc import Sequence

from colornet.training import command
from config import PRESETS


def main(argv: Sequence[str] | None = None) -> int:
    return command.main(argv, PRESETS)


if __name__ == "__main__":
    sys.exit(main())
