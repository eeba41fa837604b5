"""Photographs coloured from their own luminance and measured: the work of model_evaluate.py.

evaluation = Evaluation("weights", build_model)
photographs = [Photograph(path) for path in paths]
measuring.measure_all(photographs)
"""

import concurrent.futures
import dataclasses
import itertools
import os
import sys

import numpy as np

from colornet import shell
from colornet.coloring.colorizer import Colorizer, join
from colornet.errors import ImageError
from colornet.evaluation import aging, metrics
from colornet.files import printable
from colornet.pictures import colorspace, opening
from colornet.pictures.psnr import psnr

MODEL, GRAY, MEAN_COLOR, TRUTH = "model", "gray", "mean_color", "truth"
CHUNK = 16  # photographs read, coloured and measured at a time
CHUNK_PIXELS = 1 << 20  # of a chunk, at most; a larger photograph comes alone


@dataclasses.dataclass
class Photograph:
    """A photograph to evaluate, and what is known of it so far.

    Attributes:
        path: its file.
        truth: uint8 (height, width, 3), while it is being worked on.
        copies: (local, global) luminance for the network, likewise.
        label: index of its scene into class_names, or None.
        probabilities: of the scenes; None without a classifier.
        measures: {method: {measure: value}}, as `Evaluation.measure` makes them; None if it failed.
    """

    path: str
    truth: np.ndarray | None = None
    copies: tuple = ()
    label: int | None = None
    probabilities: np.ndarray | None = None
    measures: dict | None = None


class Evaluation:
    """A network, the settings of a comparison, and the steps for each photograph.

    Args:
        model, build_model: as of `Colorizer`.
        chroma, working_size: as of `colorize`; None: the network's own settings.
        resolution: photographs are squeezed to a square of so many pixels; None: full size.
        mean_color: (a*, b*) of the baseline; None: the network's own, () where it has none.
        aged: whether the network is shown each photograph as `aging` leaves it.
    """

    def __init__(
        self,
        model,
        build_model,
        chroma=None,
        working_size=None,
        resolution=None,
        mean_color=None,
        aged=False,
    ):
        self.colorizer = Colorizer(model, build_model)
        config = self.colorizer.config
        self.class_names = config.class_names if config.use_classification else ()
        self.chroma = config.chroma if chroma is None else chroma
        self.working_size = config.working_size if working_size is None else working_size
        self.resolution = resolution
        self.mean_color = tuple(config.mean_color if mean_color is None else mean_color)
        self.aged = aged

    def measure_all(self, photographs):
        """Fill in the measures of photographs; names each that fails on standard error."""
        shell.keep_memory()
        chunks = list(self._chunks(photographs))
        with (
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads,
            shell.progress(len(photographs), "pictures") as bar,
        ):
            reading, measuring = [], []
            # While the network colours a chunk, the next is read and the one before measured.
            for chunk in [*chunks, [], []]:
                opened, measured = _results(reading, bar), measuring
                reading = [(p, threads.submit(self.read, p)) for p in chunk]
                measuring = [
                    (photograph, threads.submit(self.measure, photograph, ab))
                    for photograph, ab in self._color_chunk(opened, bar)
                ]
                bar.update(len(_results(measured, bar)))

    def _chunks(self, photographs):
        """Lists of at most CHUNK photographs, those of one size together."""
        sized = sorted(((_size(p.path), p) for p in photographs), key=lambda pair: pair[0])
        chunk, pixels = [], 0
        for (width, height), photograph in sized:
            count = self.resolution**2 if self.resolution else width * height
            if chunk and (len(chunk) == CHUNK or pixels + count > CHUNK_PIXELS):
                yield chunk
                chunk, pixels = [], 0
            chunk.append(photograph)
            pixels += count
        if chunk:
            yield chunk

    def _color_chunk(self, photographs, bar):
        """[(photograph, ab)] of opened photographs, batched by the shape of their copies."""
        colored = []

        def shape(photograph):
            return photograph.copies[0].shape

        for _, batch in itertools.groupby(sorted(photographs, key=shape), shape):
            batch = list(batch)
            try:
                colored += zip(batch, self.color(batch))
            except MemoryError as error:
                for photograph in batch:
                    _fail(photograph, error, bar)
        return colored

    def truth_of(self, path):
        """uint8 (height, width, 3) of a photograph at the evaluation's resolution.

        Raises:
            ImageError: unreadable, without colour, or too small to be measured.
        """
        if self.resolution:
            pixels = opening.open_square(path, self.resolution)
        else:
            pixels = opening.open_picture(path).pixels
        if pixels.ndim == 2 or (pixels == pixels[..., :1]).all():
            raise ImageError("grayscale: no colours to compare with")
        if min(pixels.shape[:2]) < metrics.SMALLEST_SIDE:
            raise ImageError(f"too small to be measured: {pixels.shape[1]} x {pixels.shape[0]}")
        return pixels

    def shown(self, truth):
        """What the network is shown of a photograph, as `colorize` takes it."""
        return aging.aged(truth) if self.aged else truth

    def read(self, photograph):
        """Open a photograph, make the network's copies of it and look up its scene."""
        photograph.truth = self.truth_of(photograph.path)
        photograph.copies = self.colorizer.copies(self.shown(photograph.truth), self.working_size)
        folder = os.path.basename(os.path.dirname(os.path.abspath(photograph.path)))
        if folder in self.class_names:
            photograph.label = self.class_names.index(folder)

    def color(self, photographs):
        """Chrominance (batch, ...) in Lab units of photographs whose copies are of one shape."""
        local, whole = (np.stack(copies) for copies in zip(*(p.copies for p in photographs)))
        features, probabilities = self.colorizer.describe(whole)
        if probabilities is not None:
            for photograph, shares in zip(photographs, probabilities):
                photograph.probabilities = shares
        return self.colorizer.chrominance(local, features) * self.chroma

    def measure(self, photograph, ab):
        """Measure the coloured picture and the baselines, and let go of the pixels."""
        truth = photograph.truth
        true_ab = colorspace.rgb_to_lab(truth)[..., 1:]
        pictures = {MODEL: join(truth, ab), GRAY: of_one_color(truth, (0, 0))}
        if self.mean_color:
            pictures[MEAN_COLOR] = of_one_color(truth, self.mean_color)
        measures = {
            method: measures_of(picture, truth, true_ab) for method, picture in pictures.items()
        }
        measures[TRUTH] = {"colorfulness": metrics.colorfulness(truth)}
        if photograph.label is not None:
            for name, count in (("top1", 1), ("top5", 5)):
                measures[MODEL][name] = metrics.in_top(
                    photograph.probabilities, photograph.label, count
                )
        photograph.truth, photograph.copies, photograph.measures = None, (), measures


def of_one_color(pixels, ab):
    """uint8 RGB of the same L* and one (a*, b*) everywhere, as far as sRGB holds it."""
    return join(pixels, np.float32(ab).reshape(1, 1, 2))


def measures_of(picture, truth, true_ab):
    """{measure: value} of uint8 RGB against the true one, whose ab in Lab units is `true_ab`."""
    ab = colorspace.rgb_to_lab(picture)[..., 1:]
    return {
        "ab_squared_error": metrics.ab_squared_error(ab, true_ab),
        "psnr": min(psnr(picture, truth), metrics.PSNR_LIMIT),
        "ssim": metrics.ssim(picture, truth),
        "auc": metrics.area_under_curve(ab, true_ab),
        "colorfulness": metrics.colorfulness(picture),
    }


def _size(path):
    try:
        return opening.picture_size(path)
    except ImageError:
        return 0, 0  # reading it gives the reason


def _results(pairs, bar):
    """The photographs whose futures succeeded."""
    done = []
    for photograph, future in pairs:
        try:
            future.result()
            done.append(photograph)
        except (ImageError, OSError, MemoryError) as error:
            _fail(photograph, error, bar)
    return done


def _fail(photograph, error, bar):
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    print(f"{printable(photograph.path)}: {text or type(error).__name__}", file=sys.stderr)
    photograph.truth, photograph.copies = None, ()
    bar.update()
