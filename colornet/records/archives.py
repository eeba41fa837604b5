"""Photographs inside .tar archives, read in place: an index says where each one lies."""

import array
import hashlib
import io
import os
import shlex
import tarfile
from collections.abc import Iterator
from typing import IO, NamedTuple

import numpy as np

from colornet.errors import UserError
from colornet.files import printable
from colornet.pictures.finding import say_left_out
from colornet.records import storage

# Starts of what has no bytes of its own in one piece.
LINK = -2  # to what the archive does not hold
SPARSE = -4  # stored without its zeros

# First bytes of what is no plain archive: what it is, and the command that unpacks it.
_PACKED = {
    b"\x1f\x8b": ("gzip", "gzip -dc"),
    b"BZh": ("bzip2", "bzip2 -dc"),
    b"\xfd7zXZ\0": ("xz", "xz -dc"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", "zstd -dc"),
    b"PK\x03\x04": ("zip", ""),
    b"7z\xbc\xaf": ("7z", ""),
}
_ENDINGS = (".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst")


class Archive(NamedTuple):
    """Where the photographs of an archive lie, depth first in the order of their names.

    Attributes:
        path: of the archive.
        names: of the files in it; those of an inner archive x.tar begin with x/.
        starts: int64, of each file's bytes; or LINK, SPARSE.
        sizes: int64, bytes of each file.
    """

    path: str
    names: list[bytes]
    starts: np.ndarray
    sizes: np.ndarray


def is_archive(path: str) -> bool:
    """Whether a path is taken for an archive: a file by this name."""
    return path.lower().endswith(".tar") and os.path.isfile(path)


def index(path: str, folder: str) -> Archive:
    """The index of an archive; made once and kept in `folder`.

    Raises:
        UserError: it is compressed, cut short, or no archive.
        OSError: the index cannot be written.
    """
    status = os.stat(path)
    stamp = f"{os.path.realpath(path)}\0{status.st_size}\0{status.st_mtime_ns}"
    name = f"archive-{hashlib.sha256(os.fsencode(stamp)).hexdigest()[:16]}.npz"
    kept = os.path.join(folder, name)
    if os.path.exists(kept):
        try:
            with np.load(io.BytesIO(storage.read_bytes(kept))) as arrays:
                names = arrays["names"].tobytes().split(b"\0")[:-1]
                return Archive(path, names, arrays["starts"], arrays["sizes"])
        except (ValueError, KeyError, EOFError, OSError):
            pass  # a damaged index is made anew
    print(f"{printable(path)}: listing what it holds", flush=True)
    archive = _contents(path)
    buffer = io.BytesIO()
    names, starts, sizes = archive[1:]
    packed = np.frombuffer(b"".join(name + b"\0" for name in names), np.uint8)
    np.savez(buffer, names=packed, starts=starts, sizes=sizes)
    os.makedirs(folder, exist_ok=True)
    storage.write_bytes(kept, [buffer.getvalue()])
    return archive


class _File(NamedTuple):
    """A file of an archive, as in `Archive`."""

    name: bytes
    start: int
    size: int


def _contents(path: str) -> Archive:
    """The files of an archive; says which hidden ones are left out."""
    starts, sizes = array.array("q"), array.array("q")
    hidden: list[str] = []

    def names() -> Iterator[bytes]:
        with open(path, "rb") as file:
            for found in _files(path, file, hidden):
                starts.append(found.start)
                sizes.append(found.size)
                yield found.name.replace(b"/", b"\0")

    found = list(names())
    say_left_out(path, hidden)
    return _sorted(path, found, np.frombuffer(starts, np.int64), np.frombuffer(sizes, np.int64))


def _files(path: str, file: IO[bytes], hidden: list[str], inner: bool = False) -> Iterator[_File]:
    """Yield the files of an opened archive; hidden ones are added to `hidden`."""
    _refuse_packed(path, file.read(8), inner)
    file.seek(0)
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            while (member := tar.next()) is not None:
                # tarfile would keep them all.
                tar.members.clear()  # type: ignore[attr-defined]  # its stubs lack it
                name = _name(member.name)
                if member.isdir():
                    continue
                if any(part.startswith(b".") for part in name.split(b"/")):
                    if not os.path.basename(name).startswith(b"._"):  # one a file, by macOS
                        hidden.append(os.fsdecode(name))
                elif member.issparse():
                    yield _File(name, SPARSE, 0)
                elif not member.isreg():
                    yield _File(name, LINK, 0)
                elif name.lower().endswith(b".tar") and (inside := tar.extractfile(member)):
                    for found in _files(f"{path}, {member.name}", inside, hidden, inner=True):
                        yield _moved(found, name[:-4], member.offset_data)
                else:
                    yield _File(name, member.offset_data, member.size)
            _check_end(file, tar.offset)
    except tarfile.TarError as error:
        raise UserError(f"{printable(path)}: expected a whole .tar archive: {error}") from None


def _name(path: str) -> bytes:
    return os.fsencode(os.path.normpath(path)).lstrip(b"/")


def _moved(file: _File, folder: bytes, offset: int) -> _File:
    """A file of an inner archive, as one of the folder that stands for it."""
    top = os.path.basename(folder) + b"/"
    start = file.start if file.start < 0 else file.start + offset
    return _File(folder + b"/" + file.name.removeprefix(top), start, file.size)


def _check_end(file: IO[bytes], end: int) -> None:
    """Raise ReadError unless the archive ends there, and nothing follows."""
    file.seek(end)
    # tarfile takes damage, and the end of a file that is cut short, for the archive's end.
    if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"damaged or cut short after {end} bytes")
    if b"ustar" in file.read(tarfile.RECORDSIZE):
        raise tarfile.ReadError(
            f"another one follows after {end} bytes; join archives by tar -A, or give each"
        )


def _refuse_packed(path: str, beginning: bytes, inner: bool) -> None:
    for first, (kind, command) in _PACKED.items():
        if beginning.startswith(first):
            mend = "unpack it and give the folder"
            if inner:
                mend = "unpack both and give the folder"
            elif command:
                plain = path
                for ending in _ENDINGS:
                    plain = plain.removesuffix(ending)
                plain = plain.removesuffix(".tar") + ("-plain.tar" if plain == path else ".tar")
                mend = f"run: {command} {shlex.quote(path)} > {shlex.quote(plain)}"
            raise UserError(
                f"{printable(path)}: expected a .tar archive that is not compressed, "
                f"got {kind}, which cannot be read in place; {mend}"
            )


def _sorted(path: str, names: list[bytes], starts: np.ndarray, sizes: np.ndarray) -> Archive:
    """The archive in the order in which a folder of the same files is listed."""
    order = sorted(range(len(names)), key=names.__getitem__)  # NUL sorts before every character
    # Of files of one name the last counts, as when the archive is unpacked.
    order = [i for i, j in zip(order, [*order[1:], -1]) if j < 0 or names[i] != names[j]]
    ordered = [names[i].replace(b"\0", b"/") for i in order]
    rows = np.array(order, np.int64)
    return Archive(path, ordered, starts[rows], sizes[rows])


def read_member(path: str, start: int, size: int) -> bytes:
    """The bytes of a file in an archive; raises OSError."""
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(size)
