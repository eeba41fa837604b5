"""Millions of names in little memory: one after the other in a single array of bytes."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np


class Names:
    """A sequence of bytes objects, each of which is made when it is asked for.

    Attributes:
        data: uint8 (bytes of all names,).
        ends: int64 (names + 1,); name i is data[ends[i] : ends[i + 1]].
    """

    def __init__(self, data: np.ndarray, ends: np.ndarray) -> None:
        self.data, self.ends = data, ends
        self._view = data.data  # a memoryview

    @classmethod
    def of(cls, names: Iterable[bytes]) -> "Names":
        """Of names that come one by one."""
        data, ends = bytearray(), [np.zeros(1, np.int64)]
        lengths: list[int] = []
        for name in names:
            data += name
            lengths.append(len(data))
            if len(lengths) == 1 << 16:
                ends.append(np.array(lengths, np.int64))
                lengths = []
        ends.append(np.array(lengths, np.int64))
        return cls(np.frombuffer(data, np.uint8), np.concatenate(ends))

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, index: int) -> bytes:
        return self._view[self.ends[index] : self.ends[index + 1]].tobytes()

    def __iter__(self) -> Iterator[bytes]:
        start = 0
        for end in self.ends[1:].tolist():
            yield self._view[start:end].tobytes()
            start = end

    def hashes(self, skipped: int = 0) -> np.ndarray:
        """int64 hashes of the names without so many of their first bytes."""
        return np.fromiter((hash(name[skipped:]) for name in self), np.int64, len(self))

    def positions(self, wanted: Iterable[bytes]) -> np.ndarray:
        """Where each of some names first stands; -1 for those not here."""
        hashes = self.hashes()
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        found = [np.zeros(0, np.int64)]
        wanted = iter(wanted)
        while some := list(itertools.islice(wanted, 1 << 16)):
            places = np.searchsorted(hashes, np.fromiter(map(hash, some), np.int64, len(some)))
            found.append(
                np.array([self._at(order[place:], name) for place, name in zip(places, some)])
            )
        return np.concatenate(found)

    def _at(self, candidates: np.ndarray, name: bytes) -> int:
        """The first of some positions, which may hold names of the same hash, if it holds it."""
        for position in candidates[:4]:  # four names of one 64-bit hash do not occur
            if self[position] == name:
                return position
        return -1
