"""Files that are there whole or not at all, whatever happens while they are written."""

import contextlib
import errno
import itertools
import os
import socket
from collections.abc import Callable, Iterator
from typing import BinaryIO

from colornet.errors import UserError

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
PRETRAINED = os.path.join(_PACKAGE, "weights")
SAMPLES = os.path.join(os.path.dirname(_PACKAGE), "samples")  # in a checkout, not in the wheel

_counter = itertools.count()


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A new binary file that gets its name once all of it is on the disk.

    Raises:
        OSError: what opening, writing or closing it raised; nothing is left behind.
    """
    with whole_path(path) as partial, open(partial, "w+b") as file:
        yield file


@contextlib.contextmanager
def whole_path(path: str | os.PathLike[str]) -> Iterator[str]:
    """As `whole_file`, for what writes to a path alone: one with the same ending."""
    path = replaceable(path)
    folder, name = os.path.split(path)
    # Short, so that a long name still fits.
    writer = f"{_partial_prefix()}{os.getpid()}-{next(_counter)}"
    partial = os.path.join(folder, writer + os.path.splitext(name)[1])
    try:
        yield partial
        with open(partial, "r+b") as file:
            os.fsync(file.fileno())  # a disk or a server may refuse as late as here
        os.replace(partial, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.remove(partial)
        if isinstance(error, OSError) and error.errno and error.filename == partial:
            raise OSError(error.errno, error.strerror, path) from None
        raise


def check_folder(path: str | os.PathLike[str], what: str) -> None:
    """Raise UserError where a path can be no folder: it, or one above it, is a file.

    Args:
        what: which path that is, for the message.
    """
    nearest = os.fspath(path)
    while nearest and not os.path.lexists(nearest):
        nearest = os.path.dirname(nearest)
    if nearest and not os.path.isdir(nearest):
        raise UserError(
            f"{what}: expected a folder, but {printable(nearest)} is a file; name another folder"
        )


def replaceable(path: str | os.PathLike[str]) -> str:
    """The file that a path stands for, links followed; raises OSError for devices and pipes."""
    real = os.path.realpath(path)
    if os.path.exists(real) and not (os.path.isfile(real) or os.path.isdir(real)):
        raise OSError(errno.EINVAL, "expected a file, this is a device or a pipe", os.fspath(path))
    return real


def check_output(option: str, path: str, is_own: Callable[[str], bool]) -> None:
    """Look at where a file is to be written, before the work for it is done.

    Args:
        option: that gave the path, for the message.
        path: what is there already is to be replaced only if it is the program's own.
        is_own: whether a file is one that an earlier run wrote.

    Raises:
        UserError: it cannot be written, or what is there is somebody else's.
    """
    name = f"{option} {printable(path)}"
    try:
        real = replaceable(path)
    except OSError as error:
        raise UserError(f"{name}: {error.strerror}") from None
    folder = os.path.dirname(real)
    if os.path.isdir(real):
        raise UserError(f"{name}: expected the name of a file, this is a folder")
    if not (os.path.isdir(folder) and os.access(folder, os.W_OK)):
        raise UserError(f"{name}: no such folder to write to, or it cannot be written")
    if os.path.isfile(real) and os.path.getsize(real) and not is_own(real):
        raise UserError(
            f"{name}: would replace a file that no earlier run of this script wrote; expected a "
            "new name"
        )


def identity(path: str) -> tuple[int, int] | None:
    """What two names of one file share; None if there is no such file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def remove_leftovers(folder: str) -> None:
    """Remove what processes of this machine were writing there when they were killed."""
    prefix = _partial_prefix()
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            process = name.removeprefix(prefix).partition("-")[0]
            if name.startswith(prefix) and process.isdecimal() and not _is_running(int(process)):
                os.remove(os.path.join(folder, name))


def _partial_prefix() -> str:
    return f".partial-{socket.gethostname()[:32]}-"


def _is_running(process: int) -> bool:
    with contextlib.suppress(OSError):  # ended, though nobody has taken note of its end yet
        with open(f"/proc/{process}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] == "Z":
                return False
    if os.name == "nt":  # os.kill would stop it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def printable(path: str | bytes | os.PathLike[str]) -> str:
    """A path on one line of valid text, whatever bytes it holds."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
