"""Photographs colored from their own luminance and measured.

evaluator = Evaluator({"model": Colorizer()})
photographs = [Photograph(path) for path in paths]
for photograph, error in evaluator.measure_all(photographs): ...
"""

import dataclasses
import os
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np

from colornet.coloring.colorizer import Colorizer
from colornet.coloring.joining import gray_of, of_one_color
from colornet.coloring.pipeline import each_picture
from colornet.errors import ImageError
from colornet.evaluation import metrics, photograph_aging
from colornet.pictures import opening

GRAY, MEAN_COLOR, TRUTH = "gray", "mean_color", "truth"
PIXELS_IN_FLIGHT = 4_000_000  # measuring takes 20 times the memory of coloring


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
        """Return the class that its folders name, such as kitchen or bath/indoor, or None."""
        folders = os.path.dirname(os.path.abspath(self.path)).split(os.sep)
        names = ["/".join(folders[first:]) for first in range(len(folders))]  # the longest first
        return next((name for name in names if name in class_names), None)


class Evaluator:
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
        self.methods = [*colorizers]

    def open(self, path: str) -> tuple[np.ndarray, np.ndarray]:
        """Open a photograph at the evaluation's resolution.

        Returns:
            The photograph, uint8 (height, width, 3), and what the networks are shown of it: the
            same, or the aged one, float32 (height, width) in [0, 1].

        Raises:
            ImageError: unreadable, without color, or too small to be measured.
        """
        if self.resolution:
            truth = opening.open_square(path, self.resolution)
        else:
            truth = opening.open_picture(path).pixels
        if truth.ndim == 2 or (truth == truth[..., :1]).all():
            raise ImageError("grayscale: no colors to compare with")
        if min(truth.shape[:2]) < metrics.SMALLEST_SIDE:
            raise ImageError(f"too small to be measured: {truth.shape[1]} x {truth.shape[0]}")
        return truth, photograph_aging.aged(truth) if self.aged else truth

    def color(self, photograph: Photograph) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Open a photograph, and make each method's picture of it; keeps its probabilities.

        Returns:
            (truth, shown, {method: uint8 picture of the truth's shape}), the first two of `open`.

        Raises:
            ImageError, MemoryError: with the reason.
        """
        truth, shown = self.open(photograph.path)
        pictures = {}
        for model, colorizer in self.colorizers.items():
            pictures[model], probabilities = colorizer.color(truth, shown=shown)
            if probabilities is not None:
                photograph.probabilities[model] = probabilities
        pictures[GRAY] = gray_of(truth)
        if self.mean_color:
            pictures[MEAN_COLOR] = of_one_color(truth, self.mean_color)
        return truth, shown, pictures

    def measure(self, photograph: Photograph) -> None:
        """Color a photograph with each network, and measure that and the baselines.

        Raises:
            ImageError, MemoryError: with the reason.
        """
        truth, _, pictures = self.color(photograph)
        true_lab = metrics.lab_of(truth)
        measures = {
            method: metrics.measures_of(picture, truth, true_lab)
            for method, picture in pictures.items()
        }
        for model, probabilities in photograph.probabilities.items():
            names = self.colorizers[model].config.class_names
            if (scene := photograph.scene_of(names)) is not None:
                measures[model] |= metrics.hits(probabilities, names.index(scene))
        photograph.measures = measures | {TRUTH: metrics.measures_alone(truth)}

    def measure_all(
        self, photographs: Iterable[Photograph]
    ) -> Iterator[tuple[Photograph, Exception | None]]:
        """Yield (photograph, None) of each that was measured, (photograph, error) of the others."""
        flow = each_picture(
            self.measure, photographs, lambda photograph: photograph.path, limit=PIXELS_IN_FLIGHT
        )
        for photograph, _, error in flow:
            yield photograph, error
