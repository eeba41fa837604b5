"""Photographs colored from their own luminance and measured.

evaluator = Evaluator({"model": Colorizer()})
photographs = [Photograph(path) for path in paths]
for photograph in photographs:
    evaluator.measure(photograph)
"""

import dataclasses
import os
from collections.abc import Collection, Mapping

import numpy as np
from PIL import Image

from colornet.coloring.colorizer import Colorizer
from colornet.coloring.joining import gray_of, of_one_color
from colornet.errors import ImageError
from colornet.evaluation import metrics, photograph_aging
from colornet.evaluation.photograph_sets import name_of
from colornet.pictures import opening, saving

GRAY, MEAN_COLOR, TRUTH = "gray", "mean_color", "truth"


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


@dataclasses.dataclass(frozen=True)
class Evaluator:
    """What photographs are measured with, and how.

    Attributes:
        colorizers: {model: `Colorizer`}.
        colored: {other program: {name of a photograph: the picture that it made}}.
        resolution: photographs are squeezed to a square of so many pixels; None: full size.
        crop: whether only the largest square in their middle is measured; before the resolution.
        mean_color: (a*, b*) of the baseline; (): it is left out.
        aged: whether the networks are shown each photograph as an old one, by `photograph_aging`.
        save_folder: gets every measured picture, as METHOD/NAME.png; None: nothing is saved.
    """

    colorizers: Mapping[str, Colorizer]
    colored: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    resolution: int | None = None
    crop: bool = False
    mean_color: tuple[float, ...] = ()
    aged: bool = False
    save_folder: str | None = None

    @property
    def methods(self) -> list[str]:
        """Names of networks and other programs, in the order of tables."""
        return [*self.colorizers, *self.colored]

    def open(
        self, path: str, reserve: opening.Reserve | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Open a photograph at the evaluation's resolution.

        Args:
            path: its file.
            reserve: as `opening.open_picture` takes it.

        Returns:
            The photograph, uint8 (height, width, 3), and what the networks are shown of it: the
            same, or the aged one, float32 (height, width) in [0, 1].

        Raises:
            ImageError: unreadable, without color, or too small to be measured.
        """
        if self.resolution and not self.crop:
            truth = opening.open_square(path, self.resolution, reserve=reserve)
        else:
            truth = opening.open_picture(path, reserve=reserve).pixels
        if self.crop:
            truth = _center(truth, self.resolution)
        if truth.ndim == 2 or (truth == truth[..., :1]).all():
            raise ImageError("grayscale: no colors to compare with")
        if min(truth.shape[:2]) < metrics.SMALLEST_SIDE:
            raise ImageError(f"too small to be measured: {truth.shape[1]} x {truth.shape[0]}")
        return truth, photograph_aging.aged(truth) if self.aged else truth

    def color(
        self, photograph: Photograph, reserve: opening.Reserve | None = None
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Open a photograph, and make each method's picture of it; keeps its probabilities.

        Returns:
            (truth, shown, {method: uint8 picture of the truth's shape}), the first two of `open`.

        Raises:
            ImageError, MemoryError: with the reason.
        """
        truth, shown = self.open(photograph.path, reserve)
        pictures = {}
        for model, colorizer in self.colorizers.items():
            pictures[model], probabilities = colorizer.color(truth, shown=shown)
            if probabilities is not None:
                photograph.probabilities[model] = probabilities
        for program in self.colored:
            pictures[program] = self._made_by(program, photograph.path, truth.shape)
        pictures[GRAY] = gray_of(truth)
        if self.mean_color:
            pictures[MEAN_COLOR] = of_one_color(truth, self.mean_color)
        return truth, shown, pictures

    def _made_by(self, program: str, path: str, shape: tuple[int, ...]) -> np.ndarray:
        """Open another program's picture of a photograph."""
        made = self.colored[program].get(name_of(path))
        if made is None:
            raise ImageError(f"{program} has no picture called {name_of(path)}; expected one")
        pixels = opening.open_picture(made).pixels
        if pixels.shape[:2] != shape[:2]:
            sizes = [f"{width} x {height}" for height, width in (shape[:2], pixels.shape[:2])]
            raise ImageError(f"{program}: expected {sizes[0]}, as measured; got {sizes[1]}")
        return gray_of(pixels) if pixels.ndim == 2 else pixels

    def measure(self, photograph: Photograph, reserve: opening.Reserve | None = None) -> None:
        """Color a photograph with each network, and measure that and the baselines.

        Raises:
            ImageError, MemoryError: with the reason.
        """
        truth, _, pictures = self.color(photograph, reserve)
        if self.save_folder:
            for method, picture in [*pictures.items(), (TRUTH, truth)]:
                name = name_of(photograph.path) + ".png"
                saving.save(Image.fromarray(picture), os.path.join(self.save_folder, method, name))
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


def _center(pixels: np.ndarray, resolution: int | None) -> np.ndarray:
    """The largest square in the middle of a picture, resized to a resolution where one is given."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    if not resolution or square.ndim == 2:  # gray pictures are refused
        return square
    size = (resolution, resolution)
    return np.asarray(Image.fromarray(square).resize(size, Image.Resampling.BICUBIC))
