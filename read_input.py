"""Show a batch as training sees it; see `colornet/records/show_command.py`."""

import sys
from collections.abc import Sequence

from colornet.records import show_command
from config import PRESETS


def main(argv: Sequence[str] | None = None) -> int:
    return show_command.main(argv, PRESETS)


if __name__ == "__main__":
    sys.exit(main())
