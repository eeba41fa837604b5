"""Files that are there whole or not at all, whatever happens while they are written."""

import contextlib
import os
import socket
import threading


def write_whole(path, write):
    """Have `write(partial_path)` make a file; give it its name only once it is whole.

    Raises:
        OSError: what `write` raised; nothing is left behind.
    """
    path = os.fspath(path)
    folder, name = os.path.split(path)
    # Short, so that a long name still fits; the ending tells writers the format.
    writer = f"{_partial_prefix()}{os.getpid()}-{threading.get_ident():x}"
    partial = os.path.join(folder, writer + os.path.splitext(name)[1])
    try:
        write(partial)
        os.replace(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.remove(partial)
        raise


def remove_leftovers(folder):
    """Remove what processes of this machine were writing there when they were killed."""
    prefix = _partial_prefix()
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            process = name.removeprefix(prefix).partition("-")[0]
            if name.startswith(prefix) and process.isdecimal() and not _is_running(int(process)):
                os.remove(os.path.join(folder, name))


def _partial_prefix():
    return f".partial-{socket.gethostname()[:32]}-"


def _is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def printable(path):
    """A path on one line of valid text, whatever bytes it holds."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
