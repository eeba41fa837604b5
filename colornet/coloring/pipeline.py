"""Many pictures at a time, each going one way: open, prepare, predict, join, save."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
from PIL import Image

from colornet import shell
from colornet.coloring.budget import Budget
from colornet.coloring.colorizer import Colorizer
from colornet.coloring.hints import open_strokes, strokes_of
from colornet.coloring.jobs import Job
from colornet.coloring.joining import gray_of
from colornet.pictures import opening, saving
from colornet.pictures.formats import MAX_PIXELS
from colornet.pictures.metadata import computed_colors

Item = TypeVar("Item")
Made = TypeVar("Made")

PIXELS_IN_FLIGHT = 50_000_000  # of pictures in memory at a time; a larger one comes alone
MOUNT = "its mount is left without color (--mount off colors it)"
AHEAD = 64  # pictures that may be finished before one that was begun earlier


def color_file(
    job: Job,
    reserve: opening.Reserve | None,
    colorizer: Colorizer,
    style: np.ndarray | None = None,
    *,
    hints: str | None = None,
    scenes: bool = False,
    overwrite: bool = False,
    quality: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> tuple[np.ndarray | None, str]:
    """Make what is missing of one picture's outputs; each is whole or not there.

    Args:
        job: a picture's.
        reserve: as `opening.open_picture` takes it.
        colorizer: colors it.
        style: global features (1, 256 width) to color by; None: the picture's own.
        hints: file with strokes of color, or folder of such files; None: none.
        scenes: whether the probabilities of its scenes are wanted.
        overwrite: whether outputs that are there are made again.
        quality: of JPEG and WebP, 1 to 100; None: `saving.QUALITY`.
        max_pixels: larger pictures are refused.

    Returns:
        (probabilities (classes) of its scenes or None, remark on how it was opened or "").

    Raises:
        ImageError, MemoryError: with the reason.
    """
    with shell.native_remarks_hidden():  # libtiff writes its own errors, too
        picture = opening.open_picture(job.source, max_pixels, reserve)
    wanted = job.wanted(overwrite)
    if not wanted:
        return colorizer.describe(picture.pixels)[1], picture.remark
    strokes = hints and strokes_of(hints, job.source)
    colored, probabilities = colorizer.color(
        picture.pixels, style, scenes,
        strokes=open_strokes(strokes, picture.pixels.shape) if strokes else None,
    )  # fmt: skip
    remark = picture.remark
    if picture.pixels[colorizer.within(picture.pixels)].shape != picture.pixels.shape:
        remark = "; ".join(filter(None, (remark, MOUNT)))
    if job.comparison in wanted:
        both = Image.fromarray(np.hstack([gray_of(picture.pixels), colored]))
        saving.save(both, job.comparison)
        del both
    del picture.pixels  # it is large, and Pillow needs a copy of the result to save it
    if job.target in wanted:
        image, quality = Image.fromarray(colored), quality or saving.QUALITY
        xmp = computed_colors(picture.metadata.xmp)
        metadata = dataclasses.replace(picture.metadata, xmp=xmp)
        saving.save(image, job.target, picture.alpha, metadata, quality)
    return probabilities, remark


def each_picture(
    work: Callable[[Item, opening.Reserve], Made],
    items: Iterable[Item],
    limit: int = PIXELS_IN_FLIGHT,
) -> Iterator[tuple[Item, Made | None, Exception | None]]:
    """Do something to many pictures in threads, within a budget of memory.

    Args:
        work: called in a thread with each item, and with a function that it calls with the number
            of pixels before it decodes them, which waits until there is memory for them.
        items: what there is to do.
        limit: pixels of pictures that are worked on at a time; a larger picture comes alone.

    Yields:
        (item, what `work` returned, None), or (item, None, the exception that it raised), in the
        order of items.
    """
    shell.keep_memory()
    budget = Budget(limit)

    def within_budget(item: Item) -> tuple[Item, Made | None, Exception | None]:
        try:
            with contextlib.ExitStack() as held:
                return item, work(item, lambda n: held.enter_context(budget.taken(n))), None
        except Exception as error:  # one that nobody foresaw ends one picture, not the run
            return item, None, error

    # One thread more than there are cores: one may wait for the disk.
    threads = concurrent.futures.ThreadPoolExecutor((os.cpu_count() or 1) + 1, "pictures")
    try:
        begun: collections.deque[concurrent.futures.Future] = collections.deque()
        for item in items:
            begun.append(threads.submit(within_budget, item))
            if len(begun) > AHEAD:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)
