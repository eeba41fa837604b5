"""Files of a records folder, on this machine or under a path such as gs://bucket/records.

Paths with "://" go through TensorFlow's file layer, whose errors become OSError here.
"""

import contextlib
import errno
import functools
import json
import os
import types
from collections.abc import Iterable, Iterator
from typing import Any

from colornet import files


def is_remote(path: str) -> bool:
    return "://" in path


@contextlib.contextmanager
def _layer(path: str) -> Iterator[types.SimpleNamespace]:
    """File functions for a path."""
    if not is_remote(path):
        yield _LOCAL
        return
    import tensorflow as tf

    gfile = tf.io.gfile
    try:
        yield types.SimpleNamespace(
            open=gfile.GFile,
            exists=gfile.exists,
            size=lambda path: gfile.stat(path).length,
            names=gfile.listdir,
            make_folder=gfile.makedirs,
            write=functools.partial(_write_remote, gfile),
        )
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, error.message, path) from None
    except tf.errors.OpError as error:
        raise OSError(errno.EIO, error.message, path) from None


def _write_local(path: str, chunks: Iterable[bytes]) -> None:
    with files.whole_file(path) as file:
        file.writelines(chunks)


def _write_remote(gfile: Any, path: str, chunks: Iterable[bytes]) -> None:
    folder, name = os.path.split(path)
    partial = os.path.join(folder, f".{name}.partial")  # what a kill leaves is overwritten
    try:
        with gfile.GFile(partial, "wb") as file:
            file.write(b"")  # TensorFlow makes no file before something is written
            for chunk in chunks:
                file.write(chunk)
        gfile.rename(partial, path, overwrite=True)
    except BaseException:
        if gfile.exists(partial):
            gfile.remove(partial)
        raise


_LOCAL = types.SimpleNamespace(
    open=open,
    exists=os.path.exists,
    size=os.path.getsize,
    names=os.listdir,
    make_folder=functools.partial(os.makedirs, exist_ok=True),
    write=_write_local,
)


def exists(path: str) -> bool:
    with _layer(path) as layer:
        return layer.exists(path)


def size(path: str) -> int:
    """Bytes of a file; raises FileNotFoundError."""
    with _layer(path) as layer:
        return layer.size(path)


def names(folder: str) -> list[str]:
    """Names of what lies in a folder."""
    with _layer(folder) as layer:
        return [name.rstrip("/") for name in layer.names(folder)]


def make_folder(path: str) -> None:
    """Make a folder, and those above it, unless it is there."""
    with _layer(path) as layer:
        layer.make_folder(path)


def read_bytes(path: str, start: int = 0, count: int = -1) -> bytes:
    """`count` bytes of a file from `start` on; all that follow by default."""
    with _layer(path) as layer, layer.open(path, "rb") as file:
        if start:
            file.seek(start)
        return file.read(count)


def read_json(path: str) -> Any:
    """The content of a JSON file; raises OSError, or ValueError where it is damaged."""
    try:
        return json.loads(read_bytes(path))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def write_bytes(path: str, chunks: Iterable[bytes]) -> None:
    """Write chunks of bytes to `path`, whole or not at all.

    Raises:
        OSError: what writing, or the making of a chunk, raised; nothing is left behind.
    """
    with _layer(path) as layer:
        layer.write(path, chunks)


def write_json(path: str, value: object) -> None:
    """Write a JSON file, whole or not at all."""
    write_bytes(path, [(json.dumps(value, indent=1, sort_keys=True) + "\n").encode()])
