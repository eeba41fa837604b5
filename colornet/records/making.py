"""Photographs to shards, in several processes: one shard at a time each, whole or not at all."""

import collections
import concurrent.futures
import concurrent.futures.process
import multiprocessing
import os
import signal
import sys
import threading
import time

import numpy as np

from colornet import shell
from colornet.errors import ImageError, UserError
from colornet.pictures import colorspace, opening
from colornet.records import format as record_format
from colornet.records import storage

SAMPLES_A_SHARD = 8  # photographs next to the colour threshold that a shard remembers
GRAYSCALE, LITTLE_COLOR = "grayscale", "little colour variance"


# --- In the worker processes ----------------------------------------------------------------


def convert(path, config):
    """One photograph to the two planes of a record.

    Returns:
        (planes, reason, deviation): planes is (luminance, chrominance) as in `format`, or
        None if the photograph is left out for `reason`; deviation of its chroma in Lab units, or
        None if it could not be read.
    """
    try:
        rgb = opening.open_square(path, config.picture_size, config.min_side)
    except ImageError as error:
        return None, str(error), None
    luminance, chrominance, mean, deviation = lab_planes(rgb)
    if mean < config.min_chroma:
        return None, GRAYSCALE, deviation
    if deviation < config.min_chroma_deviation:
        return None, LITTLE_COLOR, deviation
    return (luminance, chrominance), None, deviation


def lab_planes(rgb):
    """uint8 RGB (size, size, 3) to a record's planes, mean chroma and chroma deviation."""
    lab = colorspace.rgb_to_lab(rgb)
    a, b = _halved(lab[..., 1]), _halved(lab[..., 2])
    mean = float(np.sqrt(a * a + b * b).mean())
    deviation = float(np.sqrt(a.var() + b.var()))
    luminance = colorspace.to_bytes(colorspace.encode_luminance(lab[..., 0]))
    chrominance = colorspace.to_bytes(colorspace.encode_chrominance(np.stack([a, b], axis=-1)))
    return luminance, chrominance, mean, deviation


def _halved(plane):
    """Averages of 2 x 2 pixels; ten times as fast as a mean over axes of a reshaped array."""
    rows = plane[0::2] + plane[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]) / 4


def _make_shard(config, shard, entries, class_names):
    """Write a shard and then its summary, which marks it as finished.

    Args:
        entries: `photographs.PhotographList.entry` of each photograph.
    """
    summary = {
        "pictures": 0,
        "bytes": 0,
        "classes": collections.Counter(),
        "rejected": [],
        "samples": {"kept": [], "left out": []},
        "chrominance": np.zeros(2),
    }
    records = _records(config, entries, shard.positions.start, class_names, summary)
    storage.write_bytes(shard.path, records)
    for kind, samples in summary["samples"].items():
        samples.sort(reverse=kind == "left out")
        del samples[SAMPLES_A_SHARD:]
    summary["chrominance"] = list(summary["chrominance"])
    storage.write_json(shard.summary_path, summary)


def _records(config, entries, first, class_names, summary):
    """Yield the records of a shard and fill in its summary."""
    for position, (path, name, label) in enumerate(entries, first):
        if _worker.stop.value:
            raise InterruptedError("another process failed")
        planes, reason, deviation = convert(path, config)
        class_name = "" if label == record_format.NO_CLASS else class_names[label]
        if reason is None:
            record = record_format.record_bytes(record_format.example_bytes(*planes, label, name))
            yield record
            summary["pictures"] += 1
            summary["bytes"] += len(record)
            summary["classes"][class_name] += 1
            # Sum over pictures. One channel at a time: a mean over leading axes is slow.
            summary["chrominance"] += [planes[1][..., channel].mean() for channel in (0, 1)]
        else:
            summary["rejected"].append([os.fsdecode(name), reason, class_name])
        if deviation is not None:
            kind = "left out" if reason else "kept"
            summary["samples"][kind].append([round(deviation, 3), position])
        with _worker.done.get_lock():
            _worker.done.value += 1


class _worker:
    """What a worker process knows of the others."""

    done = None  # photographs done by all of them
    stop = None  # whether to give up


def _start_worker(done, stop, parent):
    """Share the counters, leave Ctrl-C to the parent, and die with it even if it is killed."""
    _worker.done, _worker.stop = done, stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    shell.keep_memory()

    def watch():
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


# --- In the main process --------------------------------------------------------------------


def make_shards(config, splits, shards, folder, workers):
    """Make those shards that are not finished yet.

    Args:
        config: a `config.Config`.
        splits: shuffled `photographs.PhotographList` by split.
        shards: `shards.Shard`s of the folder; those of no other machine.
        workers: processes.

    Raises:
        OSError: a shard cannot be written.
        UserError: a process was killed.
    """
    found = set(storage.names(folder))
    todo = [shard for shard in shards if not shard.is_finished(found)]
    total = sum(len(shard.positions) for shard in todo)
    print(
        f"{len(shards)} shards, {len(shards) - len(todo)} already made, "
        f"{total} photographs to read, {workers} processes",
        flush=True,
    )
    if not todo:
        return
    started = time.monotonic()
    try:
        _run_workers(config, splits, todo, storage.is_remote(folder), workers, total)
    except concurrent.futures.process.BrokenProcessPool:
        raise UserError(
            "a worker process was killed, perhaps for want of memory; finished shards are kept, "
            f"run the same command again with fewer than --workers {workers}"
        ) from None
    seconds = time.monotonic() - started
    print(f"{total} photographs in {seconds:.1f} s, {total / seconds:.0f} pictures/s")


def _run_workers(config, splits, todo, remote, workers, total):
    # A process forked off TensorFlow, which remote paths need, may hang.
    fork = sys.platform == "linux" and not remote
    context = multiprocessing.get_context("fork" if fork else "spawn")
    done, stop = context.Value("q", 0), context.Value("b", 0)
    with (
        concurrent.futures.ProcessPoolExecutor(
            workers, context, _start_worker, (done, stop, os.getpid())
        ) as pool,
        _Progress(total, done) as progress,
    ):
        waiting, running = iter(todo), set()
        try:
            while True:
                # Few at a time: a queue of all would hold every name twice.
                while len(running) < 2 * workers and (shard := next(waiting, None)):
                    photographs = splits[shard.split]
                    entries = [photographs.entry(i) for i in shard.positions]
                    running.add(
                        pool.submit(_make_shard, config, shard, entries, photographs.class_names)
                    )
                if not running:
                    break
                finished, running = concurrent.futures.wait(
                    running, 0.2, concurrent.futures.FIRST_COMPLETED
                )
                for future in finished:
                    future.result()
                progress.show()
        except BaseException:
            stop.value = 1
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Progress:
    """`shell.progress` of a count that all processes share."""

    def __init__(self, total, done):
        self.bar, self.done = shell.progress(total, "photographs"), done

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bar.close()

    def show(self):
        self.bar.update(self.done.value - self.bar.n)
