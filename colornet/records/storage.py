"""Files of a records folder: read in parts, written whole or not at all."""

import json
from collections.abc import Iterable
from typing import Any

from colornet import files


def read_bytes(path: str, start: int = 0, count: int = -1) -> bytes:
    """Read `count` bytes of a file from `start` on; to its end by default."""
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(count)


def read_json(path: str) -> Any:
    """Read a JSON file; raises OSError, or ValueError where it is damaged."""
    try:
        return json.loads(read_bytes(path))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def write_bytes(path: str, chunks: Iterable[bytes]) -> None:
    """Write chunks of bytes to `path`, whole or not at all.

    Raises:
        OSError: what writing, or the making of a chunk, raised; nothing is left behind.
    """
    with files.whole_file(path) as file:
        file.writelines(chunks)


def write_json(path: str, value: object) -> None:
    """Write a JSON file, whole or not at all."""
    write_bytes(path, [(json.dumps(value, indent=1, sort_keys=True) + "\n").encode()])
