"""Files that are there whole or not at all, whatever happens while they are written."""

import contextlib
import fcntl
import os
import socket
import threading
from collections.abc import Iterator

from colornet.errors import UserError


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
    with contextlib.suppress(OSError):  # ended, though nobody has taken note of its end yet
        with open(f"/proc/{process}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] == "Z":
                return False
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


@contextlib.contextmanager
def locked(path: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Hold a lock for the time of a `with`; it ends with its process, however that ends.

    Args:
        path: file that stands for the lock; made here and removed at the end.
        what: what two processes would spoil, for the message.

    Raises:
        UserError: another process holds the lock; the text names it.
        OSError: the file cannot be made.
    """
    descriptor = _locked_file(path, what)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        os.remove(path)  # while it is held: whoever opened it meanwhile sees that it is gone
        os.close(descriptor)


def _locked_file(path, what):
    """Descriptor of the file at `path`, locked by this process alone."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    return descriptor
        except BlockingIOError:
            holder = os.pread(descriptor, 300, 0).decode(errors="replace")
            os.close(descriptor)
            raise UserError(
                f"{what}: in use by {holder or 'another process'}; wait for it or stop it"
            ) from None
        os.close(descriptor)  # its holder removed it between our opening and locking it
