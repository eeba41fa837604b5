"""Reading, network and writing at the same time, for many pictures in little memory."""

import collections
import concurrent.futures
import dataclasses
import os

import numpy as np

import image_files

BATCH = 16  # pictures of one shape that the network colours at once
BATCH_PIXELS = 1 << 20  # pixels of the network's copies in one batch, at most
PIXELS_IN_FLIGHT = 50_000_000  # of pictures in memory at a time; a larger one comes alone


@dataclasses.dataclass
class Work:
    """A picture that was read and is not yet written.

    Attributes:
        job: its `coloured_files.Job`.
        picture: its `image_files.Picture`.
        local, whole: copies for the network's two paths, as of `Colorizer`.
    """

    job: object
    picture: image_files.Picture
    local: np.ndarray
    whole: np.ndarray


def color_all(jobs, colouring, failed, finished):
    """Colour jobs.

    Args:
        jobs: `coloured_files.Job`s.
        colouring: has `max_pixels`, and the steps `read(job)` to Work, `color(works)` of one shape
            to an ab for each, and `write(work, ab)`; reading and writing run in threads.
        failed: called with the job and the error of each picture that could not be coloured.
        finished: called with each job that was written.
    """
    threads = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    flow = _Flow(jobs, colouring, threads, failed, finished)
    try:
        for works in flow.batches():
            try:
                planes = colouring.color(works)
            except MemoryError as error:
                for work in works:
                    flow.fail(work.job, error)
                continue
            while works:
                flow.write(works.pop(0), planes.pop(0))
    finally:
        threads.shutdown(cancel_futures=True)


class _Flow:
    """Reads ahead of the network and writes behind it, within a budget of pixels."""

    def __init__(self, jobs, colouring, threads, failed, finished):
        self.jobs, self.colouring, self.threads = iter(jobs), colouring, threads
        self.failed, self.finished = failed, finished
        self.next_job = next(self.jobs, None)
        self.reading, self.writing = collections.deque(), collections.deque()
        self.pixels = {}  # by job, of those that were begun and not finished

    def batches(self):
        """Yield lists of Work whose network copies are of one shape."""
        waiting = {}  # by shape
        while True:
            self._read_ahead()
            if self.reading:
                work = self._result(*self.reading.popleft())
                if work:
                    works = waiting.setdefault(work.local.shape, [])
                    works.append(work)
                    if len(works) == BATCH or len(works) * work.local.size >= BATCH_PIXELS:
                        yield waiting.pop(work.local.shape)
            elif waiting:
                yield waiting.pop(next(iter(waiting)))
            elif self.writing:
                self._finish_one()
            else:
                return

    def _read_ahead(self):
        while self.next_job and len(self.reading) < 2 * BATCH:
            job = self.next_job
            try:
                width, height = image_files.picture_size(job.source, self.colouring.max_pixels)
            except image_files.ImageError:
                width = height = 0  # reading it gives the reason
            if self.pixels and sum(self.pixels.values()) + width * height > PIXELS_IN_FLIGHT:
                return
            self.pixels[job] = width * height
            self.reading.append((job, self.threads.submit(self.colouring.read, job)))
            self.next_job = next(self.jobs, None)

    def write(self, work, ab):
        self.writing.append((work.job, self.threads.submit(self.colouring.write, work, ab)))
        while len(self.writing) > BATCH:
            self._finish_one()

    def _finish_one(self):
        job, future = self.writing.popleft()
        self._result(job, future)
        if self.pixels.pop(job, None) is not None:
            self.finished(job)

    def _result(self, job, future):
        """What a thread made of a job; None, and the job reported, if it failed."""
        try:
            return future.result()
        except (image_files.ImageError, MemoryError) as error:
            self.fail(job, error)
            return None

    def fail(self, job, error):
        del self.pixels[job]
        self.failed(job, error)
