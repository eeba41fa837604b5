"""Locks of folders that two processes would spoil."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator

from colornet.errors import UserError


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
        with contextlib.suppress(OSError):  # its folder may have been moved, and made again
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                os.remove(path)  # while it is held: who opened it meanwhile sees that it is gone
        os.close(descriptor)


def _locked_file(path: str | os.PathLike[str], what: str) -> int:
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
