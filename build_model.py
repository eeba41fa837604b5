"""Print the network's layers, and export `build_model`; see `colornet/network/model.py`."""

import sys
from collections.abc import Sequence
from typing import Any

from colornet.network import table_command
from config import PRESETS


def __getattr__(name: str) -> Any:
    if name != "build_model":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from colornet.network import model  # Keras takes seconds to import

    return model.build_model


def main(argv: Sequence[str] | None = None) -> int:
    return table_command.main(argv, PRESETS)


if __name__ == "__main__":
    sys.exit(main())
