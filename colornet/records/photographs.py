"""The photographs to make records of, in folders and archives, by their classes or by lists."""

import array
import dataclasses
import hashlib
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from colornet.errors import ImageError, UserError
from colornet.files import printable
from colornet.pictures.finding import find_files, say_left_out
from colornet.records import archives
from colornet.records.classes import classes_of
from colornet.records.format import NO_CLASS
from colornet.records.names import Names

FILE, MISSING = -1, -3  # starts: a file of its own; listed, but not in any archive
SHOWN = 10  # names in a message
PROBED = 1000  # listed names by which the folder that they start from is found


class Entry(NamedTuple):
    """One photograph: where it lies, its name below the folder given, its class's number."""

    path: str
    name: bytes
    label: int
    start: int = FILE  # in the archive at `path`
    size: int = 0

    def content(self) -> str | bytes:
        """What `opening.open_square` takes; raises ImageError."""
        if self.start == FILE:
            return self.path
        if self.start == MISSING:
            raise ImageError("no such file in the archive")
        if self.start == archives.LINK:
            raise ImageError("a link in the archive")
        try:
            data = archives.read_member(self.path, self.start, self.size)
        except OSError as error:
            raise ImageError((error.strerror or str(error)).lower()) from None
        if len(data) < self.size:
            raise ImageError("the archive is cut short")
        return data


@dataclasses.dataclass
class PhotographList:
    """Photographs in some order; compact, for millions of them.

    Attributes:
        paths: folders and archives that hold them.
        names: each one's path below the folder given.
        path_numbers: int32, index into `paths`.
        starts, sizes: int64, of each one's bytes in its archive; FILE outside archives.
        labels: int32, index into class_names, or NO_CLASS.
        class_names: in the order of their numbers.
        order: indices into the others.
    """

    paths: list[str]
    names: Names
    path_numbers: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    labels: np.ndarray
    class_names: list[str]
    order: np.ndarray

    def __len__(self) -> int:
        return len(self.order)

    def entry(self, index: int) -> Entry:
        row = self.order[index]
        path, name = self.paths[self.path_numbers[row]], self.names[row]
        start = int(self.starts[row])
        if start == FILE:
            path = os.path.join(path, os.fsdecode(name))
        return Entry(path, name, int(self.labels[row]), start, int(self.sizes[row]))

    def select(self, indices: np.ndarray) -> "PhotographList":
        """The photographs at some indices, in that order."""
        return dataclasses.replace(self, order=self.order[indices])

    def shuffled(self, seed: int) -> "PhotographList":
        """The same in an order that depends on the seed alone."""
        return self.select(np.random.default_rng(seed).permutation(len(self)))

    def fingerprint(self) -> str:
        """A hash of names and labels in their order; where the folders lie does not count."""
        digest = hashlib.sha256("\0".join(self.class_names).encode())
        for row in self.order:
            digest.update(b"%d\0%b\0" % (self.labels[row], self.names[row]))
        return digest.hexdigest()


class _Part(NamedTuple):
    """What one source of the command line holds; as in PhotographList."""

    paths: list[str]
    names: Names
    path_numbers: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray


def _joined(parts: Sequence[_Part], labels: np.ndarray, class_names: list[str]) -> PhotographList:
    """One PhotographList of several parts."""
    offsets = np.cumsum([0] + [len(part.paths) for part in parts])
    data = [part.names.data for part in parts]
    shifts = np.cumsum([0] + [len(each) for each in data])
    ends = [part.names.ends[1:] + shift for part, shift in zip(parts, shifts)]
    numbers = [part.path_numbers + offset for part, offset in zip(parts, offsets)]
    return PhotographList(
        [path for part in parts for path in part.paths],
        Names(np.concatenate(data), np.concatenate([np.zeros(1, np.int64), *ends])),
        np.concatenate(numbers).astype(np.int32),
        np.concatenate([part.starts for part in parts]),
        np.concatenate([part.sizes for part in parts]),
        labels,
        class_names,
        np.arange(len(labels)),
    )


# --- Sources as they are --------------------------------------------------------------------


def from_sources(
    sources: Sequence[str],
    index_folder: str,
    known: list[str] | None = None,
    unlabeled: bool = False,
) -> PhotographList:
    """Every file of some folders and archives.

    The classes are the folders that hold photographs, see `classes.classes_of`; those of the same
    name in several sources are one. Photographs of a source itself have none.

    Args:
        sources: paths of folders, of .tar archives, or of folders in archives (x.tar/train).
        index_folder: where the indices of archives are kept.
        known: class names of the training photographs, for those of validation.
        unlabeled: leave photographs without a class that are of none of the `known`.

    Raises:
        UserError: a source is missing, holds no file, or holds classes that are not known.
    """
    parts = [_listed(source, index_folder, len(sources) == 1) for source in sources]
    classes = []
    found: set[str] = set()
    for part, source in zip(parts, sources):
        folders: dict[bytes, int] = {}
        numbers = array.array("i")
        for name in part.names:
            numbers.append(folders.setdefault(name.rpartition(b"/")[0], len(folders)))
        of_folder = classes_of([printable(folder) for folder in folders], printable(source))
        names = [of_folder[printable(folder)] for folder in folders]
        classes.append((np.frombuffer(numbers, np.int32), names))
        found.update(name for name in names if name is not None)
    class_names = sorted(found) if known is None else known
    _check_known(found - set(class_names), class_names, unlabeled)
    labels: dict[str | None, int] = {name: number for number, name in enumerate(class_names)}
    of_rows = [
        np.array([labels.get(name, NO_CLASS) for name in names], np.int32)[numbers]
        for numbers, names in classes
    ]
    return _joined(parts, np.concatenate(of_rows), class_names)


def _check_known(unknown: set[str], class_names: list[str], unlabeled: bool) -> None:
    if unknown and not unlabeled and class_names:
        named = ", ".join(sorted(unknown)[:SHOWN])
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        raise UserError(
            f"--val-images: {len(unknown)} folders are no class of the training photographs: "
            f"{named}{more}; rename or remove them, or give --unlabeled to use what they hold "
            "without a class"
        )


def _listed(source: str, index_folder: str, alone: bool) -> _Part:
    """The _Part of a source; `alone`: whether it is the only one."""
    archive, inner = _archive_of(source)
    if not archive:
        return _listed_folder(source, index_folder)
    names, starts, sizes = archives.index(archive, index_folder)[1:]
    if len(names) and not (inner and any(name.startswith(inner) for name in names)):
        names = _below_top(names, alone or bool(inner))
    if inner:
        inside = np.array([name.startswith(inner) for name in names], bool)
        names = Names.of(name[len(inner) :] for name in names if name.startswith(inner))
        starts, sizes = starts[inside], sizes[inside]
    if not len(names):
        raise UserError(f"{printable(source)}: expected photographs, found no file")
    return _Part([archive], names, np.zeros(len(names), np.int32), starts, sizes)


def _archive_of(source: str) -> tuple[str, bytes]:
    """(archive, b"folder in it/"); the archive is "" for a source that is none."""
    path, inner = source, ""
    while path and not os.path.exists(path) and os.path.dirname(path) != path:
        path, name = os.path.split(path)
        inner = f"{name}/{inner}" if name else inner
    if os.path.isfile(path) and (path == source or archives.is_archive(path)):
        return path, os.fsencode(inner)
    return "", b""


def _below_top(names: Names, alone: bool) -> Names:
    """Names below the one folder that an archive is of, as if that folder had been given.

    An archive of one folder of photographs among others is that of a class, whose name stays.
    """
    top = names[0].partition(b"/")[0] + b"/"
    if not (names[0].startswith(top) and names[len(names) - 1].startswith(top)):  # in order
        return names
    if not alone and not any(b"/" in name[len(top) :] for name in names):
        return names
    return Names.of(name[len(top) :] for name in names)


def _listed_folder(folder: str, index_folder: str) -> _Part:
    paths, numbers = [folder], array.array("i")
    starts, sizes = array.array("q"), array.array("q")
    hidden: list[str] = []

    def names() -> Iterator[bytes]:
        for path in find_files(folder, hidden):
            name = os.fsencode(os.path.relpath(path, folder))
            if not archives.is_archive(path):
                numbers.append(0)
                starts.append(FILE)
                sizes.append(0)
                yield name
                continue
            held = archives.index(path, index_folder)
            numbers.extend([len(paths)] * len(held.names))
            paths.append(path)
            starts.extend(held.starts.tolist())
            sizes.extend(held.sizes.tolist())
            top = os.path.basename(name[:-4]) + b"/"
            yield from (name[:-4] + b"/" + below.removeprefix(top) for below in held.names)

    found = Names.of(names())
    say_left_out(folder, hidden)  # all else is used, or named in rejected.tsv
    if not len(found):
        raise UserError(f"{printable(folder)}: expected photographs, found no file")
    return _Part(
        paths,
        found,
        np.frombuffer(numbers, np.int32),
        np.frombuffer(starts, np.int64),
        np.frombuffer(sizes, np.int64),
    )


# --- By lists -------------------------------------------------------------------------------


def from_list(
    names: Names,
    labels: np.ndarray,
    class_names: list[str],
    sources: Sequence[str],
    index_folder: str,
) -> PhotographList:
    """The photographs that a list names, in its order, whether they are there or not.

    Args:
        names, labels: of `lists.read_list`.
        class_names: in the order of their numbers.
        sources: one folder; or archives.
        index_folder: where the indices of archives are kept.

    Raises:
        UserError: a source is missing.
    """
    count = len(names)
    if len(sources) == 1 and os.path.isdir(sources[0]):
        paths, numbers = [_start_of(sources[0], names)], np.zeros(count, np.int32)
        starts, sizes = np.full(count, FILE, np.int64), np.zeros(count, np.int64)
        part = _Part(paths, names, numbers, starts, sizes)
        return _joined([part], labels, class_names)
    starts, sizes = np.full(count, MISSING, np.int64), np.zeros(count, np.int64)
    numbers = np.zeros(count, np.int32)
    for number, source in enumerate(sources):
        if not os.path.isfile(source):
            raise UserError(
                f"{printable(source)}: expected the folder or the archives that hold the "
                "listed photographs"
            )
        archive = archives.index(source, index_folder)
        found = archive.names.positions(names, _prefix_of(archive, names))
        here = np.flatnonzero((found >= 0) & (starts == MISSING))
        starts[here], sizes[here] = archive.starts[found[here]], archive.sizes[found[here]]
        numbers[here] = number
    part = _Part(list(sources), names, numbers, starts, sizes)
    return _joined([part], labels, class_names)


def _start_of(folder: str, names: Names) -> str:
    """The folder that listed names start from: the one given, or one that it holds alone."""
    probed = [os.fsdecode(names[i]) for i in range(min(len(names), PROBED))]
    below = folder
    while not any(os.path.exists(os.path.join(below, name)) for name in probed):
        with os.scandir(below) as entries:
            inside = [entry for entry in entries if not entry.name.startswith(".")]
        if len(inside) != 1 or not inside[0].is_dir():
            return folder
        below = inside[0].path
    return below


def _prefix_of(archive: archives.Archive, names: Names) -> bytes:
    """What an archive's names have before the listed ones."""
    if not len(archive.names):
        return b""
    probed = [names[i] for i in range(min(len(names), PROBED))]
    ends = archive.names[0], archive.names[len(archive.names) - 1]  # in order
    shared = os.path.commonprefix([name.split(b"/")[:-1] for name in ends])
    for depth in range(len(shared) + 1):
        prefix = b"".join(part + b"/" for part in shared[:depth])
        if (archive.names.positions(probed, prefix) >= 0).any():
            return prefix
    return b""
