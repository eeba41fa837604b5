"""Photographs to records; see `colornet/records/create_command.py`."""

import sys
from collections.abc import Sequence

from colornet.records import create_command
from config import PRESETS


def main(argv: Sequence[str] | None = None) -> int:
    return create_command.main(argv, PRESETS)


if __name__ == "__main__":
    sys.exit(main())
