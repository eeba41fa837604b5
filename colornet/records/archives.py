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
from colornet.records import storage
from colornet.records.packed_names import Names

LINK = -2  # a start: the archive holds a link instead of the photograph

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
        starts: int64, of each file's bytes; LINK for a link.
        sizes: int64, bytes of each file.
    """

    path: str
    names: Names
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
    if storage.exists(kept):
        try:
            with np.load(io.BytesIO(storage.read_bytes(kept))) as arrays:
                names = Names(arrays["data"], arrays["ends"])
                return Archive(path, names, arrays["starts"], arrays["sizes"])
        except (ValueError, KeyError, EOFError, OSError):
            pass  # a damaged index is made anew
    print(f"{printable(path)}: listing what it holds", flush=True)
    archive = _sorted(path, *_contents(path))
    buffer = io.BytesIO()
    names, starts, sizes = archive[1:]
    np.savez(buffer, data=names.data, ends=names.ends, starts=starts, sizes=sizes)
    storage.make_folder(folder)
    storage.write_bytes(kept, [buffer.getvalue()])
    return archive


def _contents(path: str) -> tuple[Names, np.ndarray, np.ndarray]:
    """(Names with NUL for "/", starts, sizes) of the files of an archive, in its order."""
    starts, sizes = array.array("q"), array.array("q")

    def names() -> Iterator[bytes]:
        with open(path, "rb") as file:
            for name, start, size in _files(path, file, 0):
                starts.append(start)
                sizes.append(size)
                yield name.replace(b"/", b"\0")

    found = Names.of(names())
    return found, np.frombuffer(starts, np.int64), np.frombuffer(sizes, np.int64)


def _files(path: str, file: IO[bytes], offset: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, start, size) of the files of an opened archive that begins at `offset`."""
    file.seek(offset)
    _refuse_packed(path, file.read(8))
    file.seek(offset)
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            while (member := tar.next()) is not None:
                # tarfile would keep them all.
                tar.members.clear()  # type: ignore[attr-defined]  # its stubs lack it
                name = os.fsencode(os.path.normpath(member.name)).lstrip(b"/")
                if member.isdir() or any(part.startswith(b".") for part in name.split(b"/")):
                    continue
                if not member.isreg():
                    yield name, LINK, 0
                elif name.lower().endswith(b".tar") and (inside := tar.extractfile(member)):
                    inner = name[:-4]
                    for below, start, size in _files(f"{path}, {member.name}", inside, 0):
                        below = below.removeprefix(os.path.basename(inner) + b"/")
                        start = start if start == LINK else start + member.offset_data
                        yield inner + b"/" + below, start, size
                else:
                    yield name, member.offset_data, member.size
            file.seek(tar.offset)
            # tarfile takes damage, and the end of a file that is cut short, for the archive's end.
            if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                raise tarfile.ReadError(f"damaged or cut short after {tar.offset} bytes")
    except tarfile.TarError as error:
        raise UserError(f"{printable(path)}: expected a whole .tar archive: {error}") from None


def _refuse_packed(path: str, beginning: bytes) -> None:
    for first, (kind, command) in _PACKED.items():
        if beginning.startswith(first):
            mend = "unpack it and give the folder"
            if command:
                plain = path
                for ending in _ENDINGS:
                    plain = plain.removesuffix(ending)
                plain = plain.removesuffix(".tar") + ("-plain.tar" if plain == path else ".tar")
                mend = f"run: {command} {shlex.quote(path)} > {shlex.quote(plain)}"
            raise UserError(
                f"{printable(path)}: expected a .tar archive that is not compressed, "
                f"got {kind}, which cannot be read in place; {mend}"
            )


def _sorted(path: str, names: Names, starts: np.ndarray, sizes: np.ndarray) -> Archive:
    """The archive in the order in which a folder of the same files is listed."""
    order = sorted(range(len(names)), key=names.__getitem__)  # NUL sorts before every character
    # Of files of one name the last counts, as when the archive is unpacked.
    order = [i for i, j in zip(order, [*order[1:], -1]) if j < 0 or names[i] != names[j]]
    ordered = Names.of(names[i].replace(b"\0", b"/") for i in order)
    rows = np.array(order, np.int64)
    return Archive(path, ordered, starts[rows], sizes[rows])


def read_member(path: str, start: int, size: int) -> bytes:
    """The bytes of a file in an archive; raises OSError."""
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(size)
