"""Rates of making and of reading records, beside what the machine can do at best; and their size.

    python benchmarks/records.py --images photographs/train
    python benchmarks/records.py --photographs 2400000 --names 2400000

Making is compared with the same processes that only decode, resize and convert to Lab; reading of
crops with reading the bytes alone. The second command makes so many tiny photographs in archives,
and as many empty files in a folder and an archive (which cost little beside their names), and shows
that neither memory nor time a photograph grows. All is made in a temporary folder and deleted.
"""

import argparse
import concurrent.futures
import contextlib
import io
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time

import numpy as np
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from colornet import shell
from colornet.pictures import colorspace, opening
from colornet.records import creation, photographs
from colornet.records import reading as reading_room
from colornet.records.dataset import read_dataset
from config import load_config

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACES205 = 2_448_872  # photographs
SHARE_WANTED = 0.85  # of the bare rate
READING_WANTED = 4000  # pictures/s
BATCH = 32
# Fewer than usual, so that no process waits long at the end for another's last shard; with
# millions of photographs that end does not count.
SHARD_PICTURES = 128


def _bare_work(paths, size):
    for path in paths:
        colorspace.luminance_bytes_and_half_lab(opening.open_square(path, size))


def bare_seconds(paths, config, workers):
    """Seconds in which `workers` processes decode, resize and convert photographs to Lab."""
    step = config.shard_pictures
    chunks = [paths[i : i + step] for i in range(0, len(paths), step)]
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    started = time.perf_counter()
    with concurrent.futures.ProcessPoolExecutor(workers, context, shell.keep_memory) as pool:
        list(pool.map(_bare_work, chunks, [config.picture_size] * len(chunks)))
    return time.perf_counter() - started


def creating(config, found, folder, workers):
    """(bare pictures/s, creating pictures/s, dataset.json)."""
    mixed = found.shuffled(config.seed)
    paths = [mixed.entry(i).content() for i in range(len(mixed))]
    half = len(paths) // 2
    # Before and after, so that a machine that slows down or speeds up favours neither.
    bare = bare_seconds(paths[:half], config, workers)
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = creation.create_records(
            config, mixed, mixed.select(np.arange(0)), folder, workers
        )
    made = time.perf_counter() - started
    bare += bare_seconds(paths[half:], config, workers)
    return len(paths) / bare, len(paths) / made, dataset


def rate(batches, steps):
    """Pictures/s of `steps` batches of BATCH, after as many have warmed up the chain."""
    iterator = iter(batches)
    for _ in range(steps):
        next(iterator)
    started = time.perf_counter()
    for _ in range(steps):
        next(iterator)
    return steps * BATCH / (time.perf_counter() - started)


def reading(config, folder, dataset, steps):
    """(raw records/s, shuffled crops/s)."""
    import tensorflow as tf

    import read_input

    files = [os.path.join(folder, shard["file"]) for shard in dataset["train"]["shards"]]
    raw = tf.data.TFRecordDataset(files, buffer_size=4 << 20).repeat()
    crops = read_input.training_batches(config, folder, dataset)
    return rate(raw.batch(BATCH), steps), rate(crops, steps)


def table(config, dataset, bare, made, raw, crops, workers):
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


def _bar(value, wanted):
    return f"wanted {wanted:,}: {'met' if value >= wanted else 'MISSED'}"


# --- Size -----------------------------------------------------------------------------------

SCRIPT = """
import os, re, sys, time
sys.path.insert(0, sys.argv.pop(1))
import input_create
started = time.perf_counter()
code = input_create.main(sys.argv[1:])
seconds = time.perf_counter() - started, sum(os.times()[:4])
print(*seconds, *re.findall(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read()))
"""
MEMORY_WANTED = 600  # MB of the main process
GROWTH_WANTED = 1.1  # time a photograph beside that of a hundredth of the photographs
ARCHIVED = 100_000  # photographs an archive


def tiny_photographs(count=40):
    """JPEG files of 32 px, of varied colours."""
    files, random = [], np.random.default_rng(0)
    for _ in range(count):
        buffer = io.BytesIO()
        pixels = random.integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(pixels).resize((32, 32), Image.Resampling.BICUBIC).save(buffer, "JPEG")
        files.append(buffer.getvalue())
    return files


def write_archives(folder, count, contents):
    """Archives of `count` files in 205 folders, as Places has them; returns their paths."""
    paths = []
    for first in range(0, count, ARCHIVED):
        paths.append(os.path.join(folder, f"{first // ARCHIVED:03d}.tar"))
        with open(paths[-1], "wb") as file:
            for number in range(first, min(first + ARCHIVED, count)):
                kind, data = number % 205, contents[number % len(contents)]
                letter = "abcdefghijklmnopqrstuvwxyz"[kind % 26]
                member = tarfile.TarInfo(f"data/{letter}/{letter}_scene_{kind}/{number:08d}.jpg")
                member.size = len(data)
                file.write(member.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512))
            file.write(bytes(2 * tarfile.BLOCKSIZE))
    return paths


def made_by_script(images, records, workers):
    """input_create.py in a process of its own.

    Returns:
        (seconds, seconds of all cores together, MB of the main process).
    """
    command = [sys.executable, "-c", SCRIPT, str(ROOT), "--images", *images, "--records", records]
    changes = ["--set", "picture_size=32", "--set", "min_side=16", "--workers", str(workers)]
    result = subprocess.run(command + changes, capture_output=True, text=True, check=True)
    seconds, of_cores, kilobytes = map(float, result.stdout.splitlines()[-1].split())
    return seconds, of_cores, kilobytes / 1024


def first_batch(folder, step):
    """Seconds to the first batch of a reader that begins at a step."""
    reader = reading_room.TrainingReader(
        reading_room.SplitReader(folder, read_dataset(folder), "train"), 0, 128, 4096
    )
    started = time.perf_counter()
    reader.step(step)
    return time.perf_counter() - started


def sizes(count, workers):
    """Making and reading `count` tiny photographs in archives, beside a hundredth of them."""
    contents, seconds = tiny_photographs(), {}
    for photographs_made in (count // 100, count):
        with tempfile.TemporaryDirectory() as folder:
            archives = write_archives(folder, photographs_made, contents)
            records = os.path.join(folder, "records")
            took, of_cores, memory = made_by_script(archives, records, workers)
            seconds[photographs_made] = of_cores / photographs_made
            print(
                f"{photographs_made:,} photographs in {len(archives)} archives: {took:.0f} s, "
                f"{1e3 * of_cores / photographs_made:.3f} ms of a core each, "
                f"main process {memory:.0f} MB "
                f"({'met' if memory <= MEMORY_WANTED else 'MISSED'}: {MEMORY_WANTED})"
            )
            for epochs in (0, 0.5, 7.9):
                step = int(epochs * photographs_made / 128)
                print(f"  first batch at step {step:,}: {first_batch(records, step):.2f} s")
    few, many = seconds.values()
    print(f"time a photograph: {many / few:.2f} of that of a hundredth  {_most(many / few)}")


def names(count, workers):
    """Listing `count` empty files in a folder, and a whole run over as many in archives."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        for number in range(count):
            if number % 10_000 == 0:
                below = os.path.join(folder, f"class_{number // 10_000:03d}")
                os.mkdir(below)
            os.close(os.open(os.path.join(below, f"{number:08d}.jpg"), os.O_CREAT))
        print(f"{count:,} files made in {time.perf_counter() - started:.0f} s")
        started = time.perf_counter()
        found = photographs.from_sources([folder], folder)
        print(f"  listed as photographs in {time.perf_counter() - started:.1f} s: {len(found):,}")
    with tempfile.TemporaryDirectory() as folder:
        archives = write_archives(folder, count, [*tiny_photographs(1), *[b""] * 999])
        took, _, memory = made_by_script(archives, os.path.join(folder, "records"), workers)
        print(
            f"{count:,} files in archives, one in a thousand a photograph: {took:.0f} s, main "
            f"process {memory:.0f} MB ({'met' if memory <= MEMORY_WANTED else 'MISSED'}: "
            f"{MEMORY_WANTED})"
        )


def _most(value):
    return f"wanted {GROWTH_WANTED} at most: {'met' if value <= GROWTH_WANTED else 'MISSED'}"


def main(argv=None):
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--images", nargs="+", metavar="PATH", help="photographs, as for input_create.py"
    )
    arguments.add_argument(
        "--photographs", type=int, metavar="N", help="make N tiny ones and records of them"
    )
    arguments.add_argument("--names", type=int, metavar="N", help="list N empty files")
    arguments.add_argument("--preset", default="paper", help="of config.py (paper)")
    arguments.add_argument("--workers", type=int, default=os.cpu_count(), metavar="N")
    arguments.add_argument(
        "--steps", type=int, default=500, metavar="N", help="batches read to measure (500)"
    )
    options = arguments.parse_args(argv)
    config = load_config(
        options.preset, [f"batch_size={BATCH}", f"shard_pictures={SHARD_PICTURES}"]
    )
    if options.photographs:
        sizes(options.photographs, options.workers)
    if options.names:
        names(options.names, options.workers)
    if not options.images:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        found = photographs.from_sources(options.images, folder)
        bare, made, dataset = creating(config, found, folder, options.workers)
        raw, crops = reading(config, folder, dataset, options.steps)
        table(config, dataset, bare, made, raw, crops, options.workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
