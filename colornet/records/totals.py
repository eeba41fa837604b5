"""What a finished records folder says of itself: dataset.json, rejected.tsv and samples.png."""

import collections
import io
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from colornet.errors import ImageError
from colornet.files import printable
from colornet.pictures import colorspace, opening, sheets
from colornet.records import storage
from colornet.records.dataset import DATASET, SPLITS
from colornet.records.photographs import Entry, PhotographList
from colornet.records.shard_writing import SAMPLES_A_SHARD
from colornet.records.shards import Shard

REJECTED = "rejected.tsv"
SAMPLES = "samples.png"
SAMPLE_ROWS = 4  # of kept photographs, and as many of those left out
SAMPLE_SIDE = 128  # pixels


def write_totals(
    plan: dict[str, Any], shards: list[Shard], splits: Mapping[str, PhotographList], folder: str
) -> dict[str, Any]:
    """Write the three files from the shards' summaries; returns the content of dataset.json.

    Args:
        plan: the content of plan.json.
        shards: every `shards.Shard` of the folder; all are finished.
        splits: by split, the `photographs.PhotographList` that its shards are made of.
        folder: the records folder.

    Raises:
        OSError: a file cannot be read or written.
    """
    totals = _Totals()
    # One summary at a time: together they may hold every name.
    storage.write_bytes(os.path.join(folder, REJECTED), _rejected_lines(shards, totals))
    _write_samples(totals.samples, splits, os.path.join(folder, SAMPLES))
    dataset = {
        **{key: plan[key] for key in ("schema", "settings", "class_names")},
        "encoding": colorspace.ENCODING,
        "left_out": {"reasons": totals.reasons, "classes": totals.left_out_of_class},
        "mean_color": totals.mean_color(),
        **totals.splits,
    }
    storage.write_json(os.path.join(folder, DATASET), dataset)
    return dataset


class _Totals:
    """Sums over the shards' summaries."""

    def __init__(self) -> None:
        self.splits: dict[str, dict[str, Any]] = {
            split: {"pictures": 0, "classes": collections.Counter(), "shards": []}
            for split in SPLITS
        }
        self.reasons: collections.Counter[str] = collections.Counter()
        self.left_out_of_class: dict[str, collections.Counter[str]] = collections.defaultdict(
            collections.Counter
        )
        # (deviation, split, position)
        self.samples: dict[str, list[tuple[float, str, int]]] = {"kept": [], "left out": []}
        self.chrominance = np.zeros(2)  # bytes, summed over the training pictures

    def add(self, shard: Shard, summary: dict[str, Any]) -> None:
        total = self.splits[shard.split]
        total["pictures"] += summary["pictures"]
        total["classes"].update(summary["classes"])
        total["shards"].append(
            {"file": shard.name, **{key: summary[key] for key in ("pictures", "bytes", "digest")}}
        )
        for _, reason, class_name in summary["rejected"]:
            kind = reason.partition(":")[0]
            self.reasons[kind] += 1
            self.left_out_of_class[class_name][kind] += 1
        for kind, samples in summary["samples"].items():
            self.samples[kind] += [
                (deviation, shard.split, position) for deviation, position in samples
            ]
        if shard.split == "train":
            self.chrominance += summary["chrominance"]

    def mean_color(self) -> list[float]:
        """Mean [a*, b*] of the training pictures in Lab units; [] where there are none."""
        pictures = self.splits["train"]["pictures"]
        if not pictures:
            return []
        mean = colorspace.from_bytes(self.chrominance / pictures)
        return colorspace.decode_chrominance(mean).tolist()


def _rejected_lines(shards: list[Shard], totals: _Totals) -> Iterator[bytes]:
    """Yield the lines of rejected.tsv and add every summary to `totals`."""
    yield b"split\tname\treason\n"
    for shard in shards:
        summary = shard.summary()
        totals.add(shard, summary)
        for name, reason, _ in summary["rejected"]:
            line = f"{shard.split}\t{printable(name)}\t{reason}\n"
            yield line.encode("utf-8", "backslashreplace")


def _write_samples(
    samples: Mapping[str, list[tuple[float, str, int]]],
    splits: Mapping[str, PhotographList],
    path: str,
) -> None:
    """The least colourful photographs kept, and the most colourful left out for their colour."""
    rows, captions = [], []
    for kind, found in samples.items():
        found = sorted(found, reverse=kind == "left out")[: SAMPLE_ROWS * SAMPLES_A_SHARD]
        for start in range(0, len(found), SAMPLES_A_SHARD):
            chunk = found[start : start + SAMPLES_A_SHARD]
            rows.append(
                [
                    tile
                    for _, split, position in chunk
                    for tile in _tile(splits[split].entry(position))
                ]
            )
            captions.append(f"{kind}: chroma deviation " + ", ".join(f"{d:.1f}" for d, *_ in chunk))
    title = "least colourful kept; most colourful left out"
    buffer = io.BytesIO()
    sheets.sheet(rows, SAMPLE_SIDE, captions, title).save(buffer, "PNG")
    storage.write_bytes(path, [buffer.getvalue()])


def _tile(entry: Entry) -> list[np.ndarray]:
    """The photograph alone in a list; none if it is gone since its shard was made."""
    try:
        return [opening.open_square(entry.content(), SAMPLE_SIDE)]
    except ImageError:
        return []
