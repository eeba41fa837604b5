"""Photographs to shards, in several processes: one shard at a time each, whole or not at all."""

import collections
import concurrent.futures
import concurrent.futures.process
import contextlib
import dataclasses
import hashlib
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from multiprocessing.sharedctypes import Synchronized
from typing import Any, Self

import numpy as np

from colornet import shell
from colornet.errors import UserError
from colornet.progress import progress
from colornet.records import storage
from colornet.records.conversion import convert
from colornet.records.format import NO_CLASS, Record, record_bytes
from colornet.records.photographs import Entry, PhotographList
from colornet.records.shards import Shard
from config import Config

SAMPLES_A_SHARD = 8  # photographs next to the colour threshold that a shard remembers


# --- In the worker processes ----------------------------------------------------------------


class _Summary:
    """What a shard's maker writes beside it."""

    def __init__(self) -> None:
        self.record_bytes: list[int] = []
        self.classes: collections.Counter[str] = collections.Counter()
        self.rejected: list[list[str]] = []
        self.samples: dict[str, list[list[float]]] = {"kept": [], "left out": []}
        self.chrominance = np.zeros(2)  # bytes, summed over the pictures
        self.digest = hashlib.blake2b(digest_size=16)

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


def _make_shards(
    config: Config, job: "Job", entries: Iterable[Entry], class_names: list[str]
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
    job: "Job",
    entries: Iterable[Entry],
    class_names: list[str],
    summaries: list[_Summary],
    for_validation: list[bytes],
) -> Iterator[bytes]:
    """Yield the records of a job's first shard; fill in those of the second, and the summaries."""
    kept = 0
    for position, entry in enumerate(entries, job.positions.start):
        if _worker.stop.value:
            raise InterruptedError("another process failed")
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
        with _worker.done.get_lock():
            _worker.done.value += 1


def to_validation(share: float, kept: int) -> bool:
    """Whether a photograph goes to validation when `kept` have been kept before it.

    Every share-th one does: the second at the latest, but never the first.
    """
    first = max(0, 1 - 2 * share)
    return math.floor(share * (kept + 1) + first) > math.floor(share * kept + first)


class _worker:
    """What a worker process knows of the others."""

    done: "Synchronized[int]"  # photographs done by all of them
    stop: "Synchronized[int]"  # whether to give up


def _start_worker(done: "Synchronized[int]", stop: "Synchronized[int]", parent: int) -> None:
    """Share the counters, leave Ctrl-C to the parent, and die with it even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _worker.done, _worker.stop = done, stop
    shell.keep_memory()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


# --- In the main process --------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Job:
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


def make_shards(
    config: Config,
    splits: Mapping[str, PhotographList],
    jobs: Sequence[Job],
    folder: str,
    workers: int,
) -> None:
    """Make those shards that are not finished yet.

    Args:
        config: a `config.Config`.
        splits: shuffled `photographs.PhotographList` by split.
        jobs: `Job`s; those of no other machine.
        folder: the records folder.
        workers: processes.

    Raises:
        OSError: a shard cannot be written.
        UserError: a process was killed.
    """
    found = set(storage.names(folder))
    todo = [job for job in jobs if not all(shard.is_finished(found) for shard in job.shards)]
    total = sum(len(job.positions) for job in todo)
    count, left = (sum(len(job.shards) for job in some) for some in (jobs, todo))
    print(
        f"{count} shards, {count - left} already made, "
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


def _run_workers(
    config: Config,
    splits: Mapping[str, PhotographList],
    todo: Sequence[Job],
    remote: bool,
    workers: int,
    total: int,
) -> None:
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
        waiting = iter(todo)
        running: set[concurrent.futures.Future[None]] = set()
        try:
            while True:
                # Few at a time: a queue of all would hold every name twice.
                while len(running) < 2 * workers and (job := next(waiting, None)):
                    photographs = splits[job.shards[0].split]
                    entries = [photographs.entry(i) for i in job.positions]
                    with _interrupts_held():  # processes start here, with what is held
                        running.add(
                            pool.submit(_make_shards, config, job, entries, photographs.class_names)
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


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits, also in processes that start meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Progress:
    """`progress` of a count that all processes share."""

    def __init__(self, total: int, done: "Synchronized[int]") -> None:
        self.bar, self.done = progress(total, "photographs"), done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def show(self) -> None:
        self.bar.update(self.done.value - self.bar.n)
