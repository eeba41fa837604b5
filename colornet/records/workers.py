"""Shards made by several processes, one at a time each."""

import concurrent.futures
import concurrent.futures.process
import contextlib
import functools
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from multiprocessing.context import BaseContext
from multiprocessing.sharedctypes import Synchronized
from typing import Self

from colornet import shell
from colornet.config import Config
from colornet.errors import UserError
from colornet.files import printable
from colornet.progress import progress
from colornet.records.photographs import Entry, PhotographList
from colornet.records.shard_writing import ShardJob, write_shards

# --- In the worker processes ----------------------------------------------------------------


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


def _write(config: Config, job: ShardJob, entries: Iterable[Entry], class_names: list[str]) -> None:
    write_shards(config, job, _counted(entries), class_names)


def _counted(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the photographs; each counts as done when the next one is asked for."""
    for entry in entries:
        if _worker.stop.get_obj().value:
            raise InterruptedError("another process failed")
        yield entry
        with _worker.done.get_lock():
            _worker.done.value += 1


# --- In the main process --------------------------------------------------------------------


def make_shards(
    config: Config,
    splits: Mapping[str, PhotographList],
    jobs: Sequence[ShardJob],
    folder: str,
    workers: int,
) -> None:
    """Make those shards that are not finished yet.

    Args:
        splits: shuffled `photographs.PhotographList` by split.
        jobs: `ShardJob`s; those of no other machine.
        folder: the records folder.
        workers: processes.

    Raises:
        OSError: a shard cannot be written.
        UserError: a process was killed.
    """
    found = set(os.listdir(folder))
    todo = [job for job in jobs if not all(shard.is_finished(found) for shard in job.shards)]
    total = sum(len(job.positions) for job in todo)
    count, left = (sum(len(job.shards) for job in some) for some in (jobs, todo))
    print(
        f"{count} shards, {count - left} already made, "
        f"{total} photographs to read, {workers} processes",
        flush=True,
    )
    unfinished = set(todo)
    _name_changed(splits, [job for job in jobs if job not in unfinished])
    if not todo:
        return
    started = time.monotonic()
    try:
        _run_workers(config, splits, todo, _context(), workers, total)
    except concurrent.futures.process.BrokenProcessPool:
        raise UserError(
            "a worker process was killed, perhaps for want of memory; finished shards are kept, "
            f"run the same command again with fewer than --workers {workers}"
        ) from None
    seconds = time.monotonic() - started
    print(f"{total} photographs in {seconds:.1f} s, {total / seconds:.0f} pictures/s")


def _name_changed(splits: Mapping[str, PhotographList], made: Sequence[ShardJob]) -> None:
    """Say which photographs are younger than the shards that hold them as they were."""
    time_of = functools.lru_cache(64)(lambda path: os.stat(path).st_mtime_ns)  # of archives
    changed = []
    for job in made:
        photographs, shard = splits[job.shards[0].split], job.shards[0]
        for position in job.positions:
            entry = photographs.entry(position)
            with contextlib.suppress(OSError):
                if time_of(entry.path) > time_of(shard.summary_path):
                    changed.append((entry, shard))
    if changed:
        entry, shard = changed[0]
        print(
            f"{len(changed)} photographs, such as {printable(entry.name)} of {shard.name}, are "
            "younger than their finished shards, which stay as they are; delete those to make them "
            "anew",
            file=sys.stderr,
        )


def _context() -> BaseContext:
    """Return how worker processes start; one forked off TensorFlow's threads may hang."""
    fork = sys.platform == "linux" and "tensorflow" not in sys.modules
    return multiprocessing.get_context("fork" if fork else "spawn")


def _run_workers(
    config: Config,
    splits: Mapping[str, PhotographList],
    todo: Sequence[ShardJob],
    context: BaseContext,
    workers: int,
    total: int,
) -> None:
    done, stop = context.Value("q", 0), context.Value("b", 0)
    with (
        concurrent.futures.ProcessPoolExecutor(
            workers, context, _start_worker, (done, stop, os.getpid())
        ) as pool,
        _Progress(total, done) as shown,
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
                            pool.submit(_write, config, job, entries, photographs.class_names)
                        )
                if not running:
                    break
                finished, running = concurrent.futures.wait(
                    running, 0.2, concurrent.futures.FIRST_COMPLETED
                )
                for future in finished:
                    future.result()
                shown.show()
        except BaseException:
            stop.get_obj().value = 1
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
        # Without the lock: a worker that was killed may hold it for good.
        self.bar.update(self.done.get_obj().value - self.bar.n)
