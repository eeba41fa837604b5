"""Photographs to make records of: one, and a list of them."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from colornet.errors import ImageError, UserError
from colornet.files import printable
from colornet.records import archives

FILE, MISSING = -1, -3  # starts: a file of its own; listed, but not there


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
            raise ImageError("no such file or directory")
        if self.start == archives.LINK:
            raise ImageError("a link in an archive, which is not followed; unpack the archive")
        if self.start == archives.SPARSE:
            raise ImageError("stored as a sparse file, which cannot be read in place")
        try:
            data = archives.read_member(self.path, self.start, self.size)
        except OSError as error:
            raise ImageError((error.strerror or str(error)).lower()) from None
        if len(data) < self.size:
            raise ImageError("the archive is cut short")
        return data


@dataclasses.dataclass
class PhotographList:
    """Photographs in some order.

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
    names: list[bytes]
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

    def places(self) -> np.ndarray:
        """int64, hashes of where each one's bytes lie: equal for one photograph; 0 for nowhere."""
        roots = [os.fsencode(os.path.realpath(path)) + b"/" for path in self.paths]

        def place(row: int) -> int:
            root, start = roots[self.path_numbers[row]], int(self.starts[row])
            name = self.names[row]
            if start == FILE:
                return hash(root + name)
            # With its name: hard links, of the same bytes in an archive, are files in a folder.
            return hash((root, start, name.rpartition(b"/")[2])) if start >= 0 else 0

        return np.fromiter(map(place, self.order.tolist()), np.int64, len(self))

    def fingerprint(self) -> str:
        """A hash of names and labels in their order; where the folders lie does not count."""
        digest = hashlib.sha256("\0".join(self.class_names).encode())
        for row in self.order:
            digest.update(b"%d\0%b\0" % (self.labels[row], self.names[row]))
        return digest.hexdigest()


def check_distinct(train: PhotographList, val: PhotographList | None) -> None:
    """Raise UserError where a photograph comes twice, or in training and in validation."""
    places = train.places()
    for photographs, held in [(train, places)] + ([(val, val.places())] if val else []):
        once = np.zeros(len(held), bool)
        once[np.unique(held, return_index=True)[1]] = True
        _refuse(
            photographs,
            ~once & (held != 0),
            "photographs that come twice",
            "expected each once: no folder within another, no name twice in a list",
        )
    if val:
        _refuse(
            val,
            np.isin(held, places[places != 0]),
            "photographs for training and for validation",
            "expected others for validation, which would else flatter: folders apart, or "
            "--val-fraction",
        )


def _refuse(photographs: PhotographList, which: np.ndarray, what: str, advice: str) -> None:
    rows = np.flatnonzero(which)
    if len(rows):
        name = printable(photographs.entry(rows[0]).name)
        raise UserError(f"{what}: {len(rows)}, such as {name}; {advice}")


class Listing(NamedTuple):
    """What one source of the command line holds; as in PhotographList."""

    paths: list[str]
    names: list[bytes]
    path_numbers: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray


def joined(parts: Sequence[Listing], labels: np.ndarray, class_names: list[str]) -> PhotographList:
    """One PhotographList of several parts."""
    offsets = np.cumsum([0] + [len(part.paths) for part in parts])
    numbers = [part.path_numbers + offset for part, offset in zip(parts, offsets)]
    return PhotographList(
        [path for part in parts for path in part.paths],
        [name for part in parts for name in part.names],
        np.concatenate(numbers).astype(np.int32),
        np.concatenate([part.starts for part in parts]),
        np.concatenate([part.sizes for part in parts]),
        labels,
        class_names,
        np.arange(len(labels)),
    )
