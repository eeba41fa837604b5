"""Grey pictures to colour with a trained network: the functions behind model_transform.py.

    colorizer = Colorizer()
    rgb = colorize(pixels, colorizer)

A picture goes one way: copies for the network, chrominance, join. The network sees small copies of
the picture; its chrominance is brought to full size and joined with the picture's own luminance
(section 3.2) in strips of rows, so that memory follows the picture and not the network.
"""

import os
from typing import Any

import numpy as np
from PIL import Image

from colornet.coloring.budget import Budget
from colornet.coloring.joining import join_within, lightness_of
from colornet.coloring.smoothing import smooth
from colornet.errors import ImageError
from colornet.files import PRETRAINED
from colornet.network.engines import load_engine
from colornet.pictures import colorspace, stretching
from colornet.pictures.mounts import within_mount

SHRINKING: dict[str, Any] = dict(resample=Image.Resampling.BICUBIC, reducing_gap=3.0)
MOST_SQUEEZE = 2  # times that the longer side is shrunk more than the shorter, at most
SMALLEST = 8  # pixels; sides of the network's copy are at least this
NETWORK_PIXELS = 1 << 20  # of copies in the network at a time; a larger one has it to itself


class Colorizer:
    """A trained network and how it colours; for pictures of any size, from any thread.

    Args:
        path, engine, precision, device, at_once: as of `engines.load_engine`.
        chroma: multiplies the chrominance; None: the network's own setting.
        working_size: most pixels of a side of the copy that the network sees, which is squeezed
            towards a square; 0: the picture as it is; None: the network's own setting.

    Raises:
        UserError: as `engines.load_engine`.

    Attributes:
        config: the network's `Config`, with class_names.
        engine: what computes it.
        chroma, working_size: as given, or the network's.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = PRETRAINED,
        *,
        engine: str = "auto",
        precision: str = "float32",
        device: str = "auto",
        at_once: int = 1,
        chroma: float | None = None,
        working_size: int | None = None,
    ) -> None:
        self.engine = load_engine(path, engine, precision, device, at_once)
        self.config = self.engine.config
        self.chroma = self.config.chroma if chroma is None else chroma
        self.working_size = self.config.working_size if working_size is None else working_size
        self._budget = Budget(NETWORK_PIXELS)

    def describe(self, luminance: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Global features and scene probabilities of pictures: `describe` of the engine."""
        return self.engine.describe(luminance)

    def chrominance(self, luminance: np.ndarray, global_features: np.ndarray | None) -> np.ndarray:
        """ab in Lab units, (batch, ceil(height/2), ceil(width/2), 2): `color` of the engine."""
        with self._budget.taken(luminance.size):
            encoded = self.engine.color(luminance, global_features)
        if not np.isfinite(encoded).all():
            raise ImageError(f"no finite colors come from {self.engine.source}; train it anew")
        return colorspace.decode_chrominance(encoded)

    def color(
        self,
        pixels: np.ndarray,
        style: np.ndarray | None = None,
        scenes: bool = True,
        shown: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """A picture in color: everything but films is colored here.

        Args:
            pixels, style: as of `colorize`.
            scenes: whether the probabilities are wanted where `style` does without them.
            shown: pixels that the network sees in place of the picture's; None: the picture's.

        Returns:
            (uint8 (height, width, 3) sRGB, probabilities (classes) of its scenes or None).
        """
        inside = within_mount(pixels)
        seen = (pixels if shown is None else shown)[inside]
        ab, probabilities = self.colors_of(seen, style, scenes)
        return join_within(pixels, inside, ab), probabilities

    def colors_of(
        self, pixels: np.ndarray, style: np.ndarray | None = None, scenes: bool = True
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """What the network makes of a picture without its mount.

        Args:
            pixels, style: as of `colorize`.
            scenes: whether the probabilities are wanted where `style` does without them.

        Returns:
            (ab (small height, small width, 2) in Lab units, to be joined with the picture;
            probabilities (classes) of its scenes, or None).
        """
        local_copy, global_copy = self.copies(pixels)
        features, probabilities = style, None
        if style is None or scenes:
            own, probabilities = self.describe(global_copy[None])
            features = own if style is None else style
        ab = self.adjusted(self.chrominance(local_copy[None], features)[0], local_copy)
        return ab, None if probabilities is None else probabilities[0]

    def adjusted(self, ab: np.ndarray, local_copy: np.ndarray) -> np.ndarray:
        """Chrominance of a picture as it is joined with it: smoothed, and of the strength set."""
        if self.config.smoothing:
            ab = smooth(ab, local_copy[..., 0])
        return ab * self.chroma

    def scenes_of(self, pixels: np.ndarray) -> np.ndarray | None:
        """Probabilities (classes) of a picture's scenes, as of `color`; None without classes."""
        probabilities = self._described(pixels)[1]
        return None if probabilities is None else probabilities[0]

    def style_of(self, pixels: np.ndarray) -> np.ndarray | None:
        """Global features (1, 256 width) of a picture, to pass on as `style`."""
        return self._described(pixels)[0]

    def _described(self, pixels: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Global features and scene probabilities, each (1, …), of a picture without its mount."""
        return self.describe(self.copies(pixels[within_mount(pixels)])[1][None])

    def copies(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the network's two paths see of a picture.

        Args:
            pixels: as of `colorize`.

        Returns:
            (local, global), as of `luminance_copies`, `seen`.
        """
        local_copy, global_copy = self.luminance_copies(pixels)
        span = self.span_of(global_copy)
        return self.seen(local_copy, span), self.seen(global_copy, span)

    def luminance_copies(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Small copies of a picture, before its contrast is stretched.

        Args:
            pixels: as of `colorize`.

        Returns:
            (local, global), float32 luminance in [0, 1]: (height, width, 1), and the same squeezed
            to (crop_size, crop_size, 1), the whole picture as in the authors' release.
        """
        local_copy = small_luminance(pixels, working_shape(pixels.shape[:2], self.working_size))
        square = 2 * (self.config.crop_size,)
        global_copy = Image.fromarray(local_copy[..., 0]).resize(square, **SHRINKING)
        return local_copy, np.clip(np.asarray(global_copy), 0, 1)[..., None]

    def span_of(self, luminance: np.ndarray) -> np.ndarray | None:
        """`stretching.span_of` of a copy; None for a network that sees luminance as it is."""
        return stretching.span_of(luminance) if self.config.stretching else None

    def seen(self, luminance: np.ndarray, span: np.ndarray | None) -> np.ndarray:
        """Luminance as the network sees it: stretched, if there is a span of `span_of`."""
        return luminance if span is None else stretching.stretch(luminance, span)

    def likeliest_scenes(self, probabilities: np.ndarray, count: int) -> list[tuple[str, float]]:
        """The `count` likeliest scenes of one picture: [(name, probability)]."""
        names = self.config.class_names or [f"class {i}" for i in range(len(probabilities))]
        best = np.argsort(-probabilities)[:count]
        return [(names[i], float(probabilities[i])) for i in best]


def colorize(
    pixels: np.ndarray, colorizer: Colorizer, style: np.ndarray | None = None
) -> np.ndarray:
    """Colour one picture.

    Args:
        pixels: uint8 (height, width, 3) sRGB, of which only the luminance is used; or grey
            (height, width), uint8 or float32 in [0, 1].
        colorizer: a `Colorizer`.
        style: of `Colorizer.style_of`, to take another picture's colours (section 4.5).

    Returns:
        uint8 (height, width, 3) sRGB, whose L* is within 1.0 of the picture's at every pixel.
    """
    return colorizer.color(pixels, style, scenes=False)[0]


def working_shape(shape: tuple[int, int], working_size: int) -> tuple[int, int]:
    """(height, width) of the network's copy: no side over working_size (0: as it is).

    Other shapes than squares are squeezed, as the training pictures were (section 3.4).
    """
    if not working_size:
        return shape
    most = MOST_SQUEEZE * working_size / max(shape)
    height, width = (
        max(min(SMALLEST, side), round(side * min(1, working_size / side, most))) for side in shape
    )
    return height, width


def small_luminance(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Luminance (height, width, 1) float32 in [0, 1] of a picture resized to `shape`."""
    height, width = shape
    image = Image.fromarray(pixels)
    if image.size != (width, height):
        image = image.resize((width, height), **SHRINKING)
    small = np.asarray(image)
    if small.dtype != np.uint8:  # cubic curves overshoot
        small = np.clip(small, 0, 1)
    return colorspace.encode_luminance(lightness_of(small))[..., None]
