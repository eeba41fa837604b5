"""Photographs coloured from their own luminance and measured: the work of model_evaluate.py.

measuring = Measuring({"model": Colorizer()})
photographs = [Photograph(path) for path in paths]
for photograph, error in measure_all(photographs, measuring): ...
"""

import dataclasses
import os
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np

from colornet.coloring.colorizer import Colorizer
from colornet.coloring.joining import gray_of, of_one_color
from colornet.coloring.pipeline import each_picture
from colornet.config import Config
from colornet.errors import ImageError
from colornet.evaluation import metrics, photograph_aging
from colornet.pictures import colorspace, opening
from colornet.pictures.psnr import psnr

GRAY, MEAN_COLOR, TRUTH = "gray", "mean_color", "truth"
PIXELS_IN_FLIGHT = 4_000_000  # measuring takes 20 times the memory of colouring


@dataclasses.dataclass
class Photograph:
    """A photograph to evaluate, and what is known of it so far.

    Attributes:
        path: its file.
        measures: {method: {measure: value}}; empty until it was measured.
        probabilities: {model: of its scenes}, likewise; without those of networks that tell none.
    """

    path: str
    measures: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    probabilities: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def scene_of(self, class_names: Collection[str]) -> str | None:
        """The class that its folders name, such as kitchen or bath/indoor; None if it is none."""
        folders = os.path.dirname(os.path.abspath(self.path)).split(os.sep)
        names = ["/".join(folders[first:]) for first in range(len(folders))]  # the longest first
        return next((name for name in names if name in class_names), None)


class Measuring:
    """What photographs are measured with.

    Args:
        colorizers: {model: `Colorizer`}.
        resolution: photographs are squeezed to a square of so many pixels; None: full size.
        mean_color: (a*, b*) of the baseline; (): it is left out.
        aged: whether the networks are shown each photograph as an old one, by `photograph_aging`.
    """

    def __init__(
        self,
        colorizers: Mapping[str, Colorizer],
        resolution: int | None = None,
        mean_color: tuple[float, ...] = (),
        aged: bool = False,
    ) -> None:
        self.colorizers, self.resolution = colorizers, resolution
        self.mean_color, self.aged = mean_color, aged

    def opened(self, path: str) -> tuple[np.ndarray, np.ndarray]:
        """A photograph at the evaluation's resolution, as it is and as the networks are shown it.

        Returns:
            (uint8 (height, width, 3), pixels as of `colorize`).

        Raises:
            ImageError: unreadable, without colour, or too small to be measured.
        """
        if self.resolution:
            truth = opening.open_square(path, self.resolution)
        else:
            truth = opening.open_picture(path).pixels
        if truth.ndim == 2 or (truth == truth[..., :1]).all():
            raise ImageError("grayscale: no colours to compare with")
        if min(truth.shape[:2]) < metrics.SMALLEST_SIDE:
            raise ImageError(f"too small to be measured: {truth.shape[1]} x {truth.shape[0]}")
        return truth, photograph_aging.aged(truth) if self.aged else truth

    def measure(self, photograph: Photograph) -> None:
        """Color a photograph with each network, and measure that and the baselines.

        Raises:
            ImageError, MemoryError: with the reason.
        """
        truth, shown = self.opened(photograph.path)
        true_ab = colorspace.rgb_to_lab(truth)[..., 1:]
        pictures = {GRAY: gray_of(truth)}
        if self.mean_color:
            pictures[MEAN_COLOR] = of_one_color(truth, self.mean_color)
        measures: dict[str, dict[str, float]] = {}
        for model, colorizer in self.colorizers.items():
            colored, probabilities = colorizer.color(truth, shown=shown)
            measures[model] = measures_of(colored, truth, true_ab)
            if probabilities is not None:
                photograph.probabilities[model] = probabilities
                measures[model] |= _hits(photograph, colorizer.config, probabilities)
        for baseline, picture in pictures.items():
            measures[baseline] = measures_of(picture, truth, true_ab)
        measures[TRUTH] = {"colorfulness": metrics.colorfulness(truth)}
        photograph.measures = measures


def measure_all(
    photographs: Iterable[Photograph], measuring: Measuring
) -> Iterator[tuple[Photograph, Exception | None]]:
    """Yields (photograph, None) of each that was measured, (photograph, error) of the others."""
    flow = each_picture(
        measuring.measure, photographs, lambda photograph: photograph.path, limit=PIXELS_IN_FLIGHT
    )
    for photograph, _, error in flow:
        yield photograph, error


def _hits(photograph: Photograph, config: Config, probabilities: np.ndarray) -> dict[str, float]:
    """Whether the scene is among the likeliest; nothing where the network does not know it."""
    scene = photograph.scene_of(config.class_names)
    if scene is None:
        return {}
    label = config.class_names.index(scene)
    return {
        name: metrics.in_top(probabilities, label, count)
        for name, count in (("top1", 1), ("top5", 5))
    }


def measures_of(picture: np.ndarray, truth: np.ndarray, true_ab: np.ndarray) -> dict[str, float]:
    """{measure: value} of uint8 RGB against the true one, whose ab in Lab units is `true_ab`."""
    ab = colorspace.rgb_to_lab(picture)[..., 1:]
    return {
        "ab_squared_error": metrics.ab_squared_error(ab, true_ab),
        "psnr": min(psnr(picture, truth), metrics.PSNR_LIMIT),
        "ssim": metrics.ssim(picture, truth),
        "auc": metrics.area_under_curve(ab, true_ab),
        "colorfulness": metrics.colorfulness(picture),
    }
