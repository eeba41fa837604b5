"""Photographs to the bytes of shards, whole or not at all, and the summaries beside them."""

import collections
import dataclasses
import math
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from colornet.config import Config
from colornet.records import storage
from colornet.records.format import NO_CLASS, Record, record_bytes
from colornet.records.photographs import Entry
from colornet.records.planes import convert
from colornet.records.shards import Shard, new_digest

SAMPLES_A_SHARD = 8  # photographs next to the colour threshold that a shard remembers


@dataclasses.dataclass(frozen=True)
class ShardJob:
    """What a worker makes at a time: one shard, or one of each split from the same photographs.

    Attributes:
        shards: one; or that of the training split and then that of the validation split.
        share: of the photographs kept, for validation.
    """

    shards: tuple[Shard, ...]
    share: float = 0.0

    @property
    def positions(self) -> range:
        return self.shards[0].positions


class _Summary:
    """What a shard's maker writes beside it."""

    def __init__(self) -> None:
        self.record_bytes: list[int] = []
        self.classes: collections.Counter[str] = collections.Counter()
        self.rejected: list[list[str]] = []
        self.samples: dict[str, list[list[float]]] = {"kept": [], "left out": []}
        self.chrominance = np.zeros(2)  # bytes, summed over the pictures
        self.digest = new_digest()

    def keep(self, data: bytes, chrominance: np.ndarray, class_name: str) -> None:
        self.record_bytes.append(len(data))
        self.classes[class_name] += 1
        # One channel at a time: a mean over leading axes is slow.
        self.chrominance += [chrominance[..., channel].mean() for channel in (0, 1)]
        self.digest.update(data)

    def values(self) -> dict[str, Any]:
        samples = {
            kind: sorted(found, reverse=kind == "left out")[:SAMPLES_A_SHARD]
            for kind, found in self.samples.items()
        }
        return {
            "pictures": len(self.record_bytes),
            "bytes": sum(self.record_bytes),
            "record_bytes": self.record_bytes,
            "classes": self.classes,
            "rejected": self.rejected,
            "samples": samples,
            "chrominance": list(self.chrominance),
            "digest": self.digest.hexdigest(),
        }


def write_shards(
    config: Config, job: ShardJob, entries: Iterable[Entry], class_names: list[str]
) -> None:
    """Write a job's shards and then their summaries, which mark them as finished.

    Args:
        entries: `photographs.PhotographList.entry` of each photograph.
    """
    summaries = [_Summary() for _ in job.shards]
    for_validation: list[bytes] = []
    records = _records(config, job, entries, class_names, summaries, for_validation)
    for shard, summary, data in zip(job.shards, summaries, (records, for_validation)):
        storage.write_bytes(shard.path, data)
        storage.write_json(shard.summary_path, summary.values())


def _records(
    config: Config,
    job: ShardJob,
    entries: Iterable[Entry],
    class_names: list[str],
    summaries: list[_Summary],
    for_validation: list[bytes],
) -> Iterator[bytes]:
    """Yield the records of a job's first shard; fill in those of the second, and the summaries."""
    kept = 0
    for position, entry in enumerate(entries, job.positions.start):
        planes, reason, deviation = convert(entry, config)
        class_name = "" if entry.label == NO_CLASS else class_names[entry.label]
        summary = summaries[0]
        if planes is not None:
            data = record_bytes(Record(*planes, entry.label, entry.name))
            if to_validation(job.share, job.positions.start + kept):
                summary = summaries[1]
                for_validation.append(data)
            else:
                yield data
            kept += 1
            summary.keep(data, planes[1], class_name)
        else:
            summary.rejected.append([os.fsdecode(entry.name), str(reason), class_name])
        if deviation is not None:
            kind = "left out" if reason else "kept"
            summary.samples[kind].append([round(deviation, 3), position])


def to_validation(share: float, kept: int) -> bool:
    """Whether a photograph goes to validation when `kept` have been kept before it.

    Every share-th one does: the second at the latest, but never the first.
    """
    first = max(0, 1 - 2 * share)
    return math.floor(share * (kept + 1) + first) > math.floor(share * kept + first)
