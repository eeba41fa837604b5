"""Reading, network and writing at the same time, for many pictures in little memory."""

import collections
import concurrent.futures
import dataclasses
import os

import numpy as np

from colornet.errors import ImageError
from colornet.pictures import decoding, opening

BATCH = 16  # pictures of one shape that the network colours at once
BATCH_PIXELS = 1 << 20  # pixels of the network's copies in one batch, at most
NETWORK_CALLS = 2  # batches in the network at a time: where one waits for a core, the other goes on
PIXELS_IN_FLIGHT = 50_000_000  # of pictures in memory at a time; a larger one comes alone


@dataclasses.dataclass
class Work:
    """A picture that was read and is not yet written.

    Attributes:
        job: its `outputs.Job`.
        picture: its `decoding.Picture`.
        local, whole: copies for the network's two paths, as of `Colorizer.copies`.
        probabilities: of its scenes, once the network has seen it; None without classes.
    """

    job: object
    picture: decoding.Picture
    local: np.ndarray
    whole: np.ndarray
    probabilities: np.ndarray | None = None


def color_all(jobs, coloring, failed, finished):
    """Colour jobs.

    Args:
        jobs: `outputs.Job`s.
        colouring: has `max_pixels`, and the steps `read(job)` to Work, `color(works)` of one shape
            to an ab for each, and `write(work, ab)`; all of them run in threads.
        failed: called with the job and the error of each picture that could not be coloured.
        finished: called with the Work of each picture that was written.
    """
    flow = _Flow(jobs, coloring, failed, finished)
    try:
        flow.run()
    finally:
        flow.files.shutdown(cancel_futures=True)
        flow.network.shutdown(cancel_futures=True)


class _Flow:
    """Reads ahead of the network and writes behind it, within a budget of pixels."""

    def __init__(self, jobs, coloring, failed, finished):
        self.jobs, self.coloring = iter(jobs), coloring
        self.failed, self.finished = failed, finished
        self.files = concurrent.futures.ThreadPoolExecutor(os.cpu_count(), "files")
        self.network = concurrent.futures.ThreadPoolExecutor(NETWORK_CALLS, "network")
        self.next_job = next(self.jobs, None)
        # First in, first out: (job, future), (list of Work, future), (Work, future).
        self.reading, self.in_network, self.writing = (collections.deque() for _ in range(3))
        self.pixels = {}  # by job, of those that were begun and not finished

    def run(self):
        """Until every job is finished or failed."""
        waiting = {}  # lists of Work, by the shape of their network copies
        while True:
            self._read_ahead()
            if self.reading:
                work = self._result(*self.reading.popleft())
                if work:
                    works = waiting.setdefault(work.local.shape, [])
                    works.append(work)
                    if len(works) == BATCH or len(works) * work.local.size >= BATCH_PIXELS:
                        self._color(waiting.pop(work.local.shape))
            elif waiting:
                self._color(waiting.pop(next(iter(waiting))))
            elif self.in_network:
                self._write_oldest()
            elif self.writing:
                self._finish_oldest()
            else:
                return

    def _read_ahead(self):
        while self.next_job and len(self.reading) < 2 * BATCH:
            job = self.next_job
            try:
                width, height = opening.picture_size(job.source, self.coloring.max_pixels)
            except ImageError:
                width = height = 0  # reading it gives the reason
            if self.pixels and sum(self.pixels.values()) + width * height > PIXELS_IN_FLIGHT:
                return
            self.pixels[job] = width * height
            self.reading.append((job, self.files.submit(self.coloring.read, job)))
            self.next_job = next(self.jobs, None)

    def _color(self, works):
        # A picture larger than a batch may want all memory: it has the network to itself.
        most = NETWORK_CALLS if len(works) * works[0].local.size <= BATCH_PIXELS else 1
        while len(self.in_network) >= most:
            self._write_oldest()
        self.in_network.append((works, self.network.submit(self.coloring.color, works)))
        if most == 1:
            self._write_oldest()

    def _write_oldest(self):
        """Hand the batch that has been in the network for longest to the writers."""
        works, future = self.in_network.popleft()
        try:
            planes = future.result()
        except MemoryError as error:
            for work in works:
                self._fail(work.job, error)
            return
        while works:
            work = works.pop(0)
            self.writing.append((work, self.files.submit(self.coloring.write, work, planes.pop(0))))
            if len(self.writing) > BATCH:
                self._finish_oldest()

    def _finish_oldest(self):
        work, future = self.writing.popleft()
        self._result(work.job, future)
        if self.pixels.pop(work.job, None) is not None:
            self.finished(work)

    def _result(self, job, future):
        """What a thread made of a job; None, and the job reported, if it failed."""
        try:
            return future.result()
        except (ImageError, MemoryError) as error:
            self._fail(job, error)
            return None

    def _fail(self, job, error):
        del self.pixels[job]
        self.failed(job, error)
