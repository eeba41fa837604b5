"""A shard: one file of records, with a summary beside it that marks it as finished."""

import dataclasses
import hashlib
import itertools
import os
from collections.abc import Collection, Iterable

from colornet.errors import UserError
from colornet.records import storage


@dataclasses.dataclass(frozen=True)
class Shard:
    """One of the `count` shards of a split.

    Attributes:
        folder: the records folder.
        split: "train" or "val".
        number: from 0.
        positions: its own among those of its split: of photographs where it is made, of the
            pictures that were kept where it is read.
    """

    folder: str
    split: str
    number: int
    count: int
    positions: range

    @property
    def name(self) -> str:
        return f"{self.split}-{self.number:05d}-of-{self.count:05d}.tfrecord"

    @property
    def path(self) -> str:
        return os.path.join(self.folder, self.name)

    @property
    def summary_path(self) -> str:
        return self.path.removesuffix("tfrecord") + "json"

    def is_finished(self, names: Collection[str]) -> bool:
        """Whether both of its files are among the `names` in its folder."""
        return self.name in names and os.path.basename(self.summary_path) in names

    def summary(self) -> dict:
        """What its maker wrote beside it; raises OSError, or UserError where that is damaged."""
        try:
            return storage.read_json(self.summary_path)
        except ValueError:
            raise UserError(
                f"{self.summary_path}: damaged; delete it and run input_create.py again"
            ) from None


def new_digest() -> "hashlib.blake2b":
    """To be fed a shard's bytes; its hexdigest is the digest that summary and dataset.json hold."""
    return hashlib.blake2b(digest_size=16)


def shards_of(folder: str, split: str, lengths: Iterable[int]) -> list[Shard]:
    """All shards of a split, from how many photographs or pictures each of them has."""
    ends = [0, *itertools.accumulate(lengths)]
    ranges = map(range, ends, ends[1:])
    return [Shard(folder, split, n, len(ends) - 1, each) for n, each in enumerate(ranges)]
