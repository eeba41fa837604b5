"""Millions of photographs to records: whether memory and time a photograph grow; of records.py."""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence

import numpy as np
from PIL import Image
from shared import ROOT

from colornet.records import reading, sources
from colornet.records.dataset import read_dataset

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


def tiny_photographs(count: int = 40) -> list[bytes]:
    """JPEG files of 32 px, of varied colours."""
    files, random = [], np.random.default_rng(0)
    for _ in range(count):
        buffer = io.BytesIO()
        pixels = random.integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(pixels).resize((32, 32), Image.Resampling.BICUBIC).save(buffer, "JPEG")
        files.append(buffer.getvalue())
    return files


def write_archives(folder: str, count: int, contents: Sequence[bytes]) -> list[str]:
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


def made_by_script(images: Sequence[str], records: str, workers: int) -> tuple[float, float, float]:
    """input_create.py in a process of its own.

    Returns:
        (seconds, seconds of all cores together, MB of the main process).
    """
    command = [sys.executable, "-c", SCRIPT, str(ROOT), "--images", *images, "--records", records]
    changes = ["--set", "picture_size=32", "--set", "min_side=16", "--workers", str(workers)]
    result = subprocess.run(command + changes, capture_output=True, text=True, check=True)
    seconds, of_cores, kilobytes = map(float, result.stdout.splitlines()[-1].split())
    return seconds, of_cores, kilobytes / 1024


def first_batch(folder: str, step: int) -> float:
    """Seconds to the first batch of a reader that begins at a step."""
    reader = reading.TrainingReader(
        reading.SplitReader(folder, read_dataset(folder), "train"), 0, 128, 4096
    )
    started = time.perf_counter()
    reader.batch(step)
    return time.perf_counter() - started


def sizes(count: int, workers: int) -> None:
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


def names(count: int, workers: int) -> None:
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
        found = sources.from_sources([folder], folder)
        print(f"  listed as photographs in {time.perf_counter() - started:.1f} s: {len(found):,}")
    with tempfile.TemporaryDirectory() as folder:
        archives = write_archives(folder, count, [*tiny_photographs(1), *[b""] * 999])
        took, _, memory = made_by_script(archives, os.path.join(folder, "records"), workers)
        print(
            f"{count:,} files in archives, one in a thousand a photograph: {took:.0f} s, main "
            f"process {memory:.0f} MB ({'met' if memory <= MEMORY_WANTED else 'MISSED'}: "
            f"{MEMORY_WANTED})"
        )


def _most(value: float) -> str:
    return f"wanted {GROWTH_WANTED} at most: {'met' if value <= GROWTH_WANTED else 'MISSED'}"
