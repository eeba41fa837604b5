"""Rates of making and of reading records; of records.py."""

import concurrent.futures
import contextlib
import io
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from colornet import shell
from colornet.config import Config, load_config
from colornet.pictures import colorspace, opening
from colornet.records import batches as chains
from colornet.records import photographs, records_folder, sources
from config import PRESETS

PLACES205 = 2_448_872  # photographs
SHARE_WANTED = 0.85  # of the bare rate
READING_WANTED = 4000  # pictures/s
BATCH = 32
# Fewer than usual, so that no process waits long at the end for another's last shard; with
# millions of photographs that end does not count.
SHARD_PICTURES = 128


def _bare_work(paths: Sequence[Any], size: int) -> None:
    for path in paths:
        colorspace.luminance_bytes_and_half_lab(opening.open_square(path, size))


def bare_seconds(paths: Sequence[Any], config: Config, workers: int) -> float:
    """Seconds in which `workers` processes decode, resize and convert photographs to Lab."""
    step = config.shard_pictures
    chunks = [paths[i : i + step] for i in range(0, len(paths), step)]
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    started = time.perf_counter()
    with concurrent.futures.ProcessPoolExecutor(workers, context, shell.keep_memory) as pool:
        list(pool.map(_bare_work, chunks, [config.picture_size] * len(chunks)))
    return time.perf_counter() - started


def creating(
    config: Config, found: photographs.PhotographList, folder: str, workers: int
) -> tuple[float, float, dict[str, Any]]:
    """(bare pictures/s, creating pictures/s, dataset.json)."""
    mixed = found.shuffled(config.seed)
    paths = [mixed.entry(i).content() for i in range(len(mixed))]
    half = len(paths) // 2
    # Before and after, so that a machine that slows down or speeds up favours neither.
    bare = bare_seconds(paths[:half], config, workers)
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = records_folder.create_records(
            config, mixed, mixed.select(np.arange(0)), folder, workers
        )
    made = time.perf_counter() - started
    assert dataset, "all shards are made here"
    bare += bare_seconds(paths[half:], config, workers)
    return len(paths) / bare, len(paths) / made, dataset


def rate(batches: Iterable[Any], steps: int) -> float:
    """Pictures/s of `steps` batches of BATCH, after as many have warmed up the chain."""
    iterator = iter(batches)
    for _ in range(steps):
        next(iterator)
    started = time.perf_counter()
    for _ in range(steps):
        next(iterator)
    return steps * BATCH / (time.perf_counter() - started)


def reading(
    config: Config, folder: str, dataset: dict[str, Any], steps: int
) -> tuple[float, float]:
    """(raw records/s, shuffled crops/s)."""
    import tensorflow as tf

    files = [os.path.join(folder, shard["file"]) for shard in dataset["train"]["shards"]]
    raw = tf.data.TFRecordDataset(files, buffer_size=4 << 20).repeat()
    crops = chains.training_batches(config, folder, dataset)
    return rate(raw.batch(BATCH), steps), rate(crops, steps)


def table(
    config: Config,
    dataset: dict[str, Any],
    bare: float,
    made: float,
    raw: float,
    crops: float,
    workers: int,
) -> None:
    shards = dataset["train"]["shards"]
    pictures = dataset["train"]["pictures"]
    size = sum(shard["bytes"] for shard in shards) / pictures
    rows = [
        (f"decode, resize and Lab alone, {workers} processes", f"{bare:,.0f} pictures/s", ""),
        ("creating records", f"{made:,.0f} pictures/s", ""),
        ("  share of the former", f"{made / bare:.2f}", _bar(made / bare, SHARE_WANTED)),
        ("raw records", f"{raw:,.0f} pictures/s", ""),
        (
            f"shuffled {config.crop_size} px crops, batch {BATCH}",
            f"{crops:,.0f} pictures/s",
            _bar(crops, READING_WANTED),
        ),
        ("a picture on disk", f"{size:,.0f} bytes", ""),
        ("Places205 on disk, by calculation", f"{size * PLACES205 / 1e9:,.0f} GB", ""),
        ("Places205 to create, by calculation", f"{PLACES205 / made / 3600:.1f} hours", ""),
    ]
    for name, value, note in rows:
        print(f"{name:50} {value:>18}  {note}".rstrip())


def _bar(value: float, wanted: float) -> str:
    return f"wanted {wanted:,}: {'met' if value >= wanted else 'MISSED'}"


def measure(images: Sequence[str], preset: str, workers: int, steps: int) -> None:
    """Print the table of some photographs: `steps` batches are read to measure."""
    config = load_config(
        PRESETS, preset, [f"batch_size={BATCH}", f"shard_pictures={SHARD_PICTURES}"]
    )
    with tempfile.TemporaryDirectory() as folder:
        found = sources.from_sources(images, folder)
        bare, made, dataset = creating(config, found, folder, workers)
        raw, crops = reading(config, folder, dataset, steps)
        table(config, dataset, bare, made, raw, crops, workers)
