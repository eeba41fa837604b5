"""Color grayscale pictures with a trained network.

    from colornet import Colorizer
    rgb = Colorizer().colorize(pixels)

A picture is colored by three functions: `prepare` makes the small copies that the network sees,
`predict` has the network make chrominance of them, and `joining.join` brings the chrominance to the
picture's size and joins it with the picture's own luminance (section 3.2).
"""

import os
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from colornet.coloring.budget import Budget
from colornet.coloring.hints import apply_hints, strokes_within
from colornet.coloring.joining import join_within, lightness_of
from colornet.coloring.smoothing import smooth
from colornet.errors import ImageError
from colornet.files import PRETRAINED
from colornet.network.engines import Engine, load_engine
from colornet.pictures import colorspace, stretching
from colornet.pictures.depth import Scale, to_bytes, to_unit
from colornet.pictures.mounts import within_mount

SHRINKING: dict[str, Any] = dict(resample=Image.Resampling.BICUBIC, reducing_gap=3.0)
MOST_SQUEEZE = 2  # times that the longer side is shrunk more than the shorter, at most
SMALLEST = 8  # pixels; sides of the network's copy are at least this
NETWORK_PIXELS = 1 << 20  # of copies in the network at a time; a larger one has it to itself
WHITE = {np.uint8: 255, np.uint16: 65535, np.float16: 1, np.float32: 1, np.float64: 1}


class Inputs(NamedTuple):
    """What the network sees of pictures of one shape: float32 luminance in [0, 1].

    Attributes:
        local: (batch, height, width, 1), copies for the local path.
        global_: (batch, crop_size, crop_size, 1), the whole pictures, squeezed, for the global
            path.
    """

    local: np.ndarray
    global_: np.ndarray

    def stretched(self, stretch_range: np.ndarray | None) -> "Inputs":
        """Stretch the contrast from a range of `stretching.span_of`; None changes nothing."""
        if stretch_range is None:
            return self
        return Inputs(*(stretching.stretch(copy, stretch_range) for copy in self))


def prepare(pixels: np.ndarray, crop_size: int, working_size: int, stretch: bool) -> Inputs:
    """Make the copies of a picture that the network sees.

    Args:
        pixels: uint8 (height, width, 3) sRGB, of which only the luminance is used; or gray
            (height, width), uint8 or float32 in [0, 1].
        crop_size: side of the global copy in pixels, a setting of the network.
        working_size: longest side of the local copy in pixels; 0: the picture's own size.
        stretch: whether the contrast of both copies is stretched.

    Returns:
        Inputs of a batch of 1.
    """
    height, width = working_shape(pixels.shape[:2], working_size)
    image = Image.fromarray(pixels)
    if image.size != (width, height):
        image = image.resize((width, height), **SHRINKING)
    small = np.asarray(image)
    if small.dtype != np.uint8:  # cubic curves overshoot
        small = np.clip(small, 0, 1)
    local = colorspace.encode_luminance(lightness_of(small))
    square = Image.fromarray(local).resize((crop_size, crop_size), **SHRINKING)
    global_ = np.clip(np.asarray(square), 0, 1)
    inputs = Inputs(local[None, ..., None], global_[None, ..., None])
    return inputs.stretched(stretching.span_of(inputs.global_) if stretch else None)


def predict(
    engine: Engine, inputs: Inputs, style: np.ndarray | None, smoothing: bool, chroma: float
) -> np.ndarray:
    """Predict the chrominance of pictures.

    Args:
        engine: the inference engine.
        inputs: of `prepare`.
        style: global features (batch, 256 width) to color by (section 4.5); None: the pictures'
            own.
        smoothing: whether patches within a ground are evened out.
        chroma: factor on the chrominance.

    Returns:
        float32 ab in Lab units, (batch, ceil(height/2), ceil(width/2), 2).

    Raises:
        ImageError: the network produced NaN or infinite values.
        MemoryError: the copies are too large for the network.
    """
    features = engine.describe(inputs.global_)[0] if style is None else style
    encoded = engine.color(inputs.local, features)
    if not np.isfinite(encoded).all():
        raise ImageError(
            f"{engine.source} produced NaN or infinite values; retrain, or use other weights"
        )
    ab = colorspace.decode_chrominance(encoded)
    if smoothing:
        ab = np.stack([smooth(*each) for each in zip(ab, inputs.local[..., 0])])
    return ab * chroma


class Colorizer:
    """A trained network and how it colors, for pictures of any size, from any thread.

    Args:
        path: run folder, weights file, or exported file; the pretrained weights by default.
        engine: inference engine: "auto", "litert", or "tensorflow".
        precision: of the TensorFlow engine, "float32" or "bfloat16".
        device: "auto", "cpu", "gpu", or "gpu:1" for the second GPU.
        at_once: number of pictures that are going to be colored at a time, which share the cores.
        chroma: factor on the chrominance; None: the network's own setting.
        working_size: longest side in pixels of the copy that the network sees, which is squeezed
            towards a square; 0: the picture's own size; None: the network's own setting.
        mount: whether the mount of a scanned print stays without color; None: the network's own
            setting.

    Raises:
        UserError: a file is missing or damaged, or the arguments do not fit together.

    Attributes:
        config: the network's `Config`, with class_names.
        engine: the inference engine.
        chroma, working_size, mount: as given, or the network's.
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
        mount: bool | None = None,
    ) -> None:
        self.engine = load_engine(path, engine, precision, device, at_once)
        self.config = self.engine.config
        self.chroma = self.config.chroma if chroma is None else chroma
        self.working_size = self.config.working_size if working_size is None else working_size
        self.mount = self.config.mount if mount is None else mount
        self._budget = Budget(NETWORK_PIXELS)

    def colorize(
        self, pixels: np.ndarray, style: np.ndarray | None = None, hints: np.ndarray | None = None
    ) -> np.ndarray:
        """Color a picture; its own luminance is kept, within 1.0 of L* at every pixel.

        Args:
            pixels: uint8, uint16, or float in [0, 1], in one of these shapes: gray (height,
                width), gray with alpha (height, width, 2), sRGB (height, width, 3), or sRGB with
                alpha (height, width, 4). Of sRGB only the luminance is used.
            style: another picture, of any of these kinds and any size, whose global features are
                used in place of the picture's own (section 4.5).
            hints: uint8 RGBA (any height, any width, 4) of the picture's shape: strokes of color on
                a transparent ground, which the colors follow; gray ones take color away.

        Returns:
            uint8 sRGB (height, width, 3) for gray and sRGB. With alpha (height, width, 4), whose
            alpha is the picture's own, rounded to 8 bits where it has more.

        Raises:
            ValueError: another kind of array, or a style for a network without global features.
            ImageError: the network produced NaN or infinite values.
            MemoryError: the working size is too large for the network.
        """
        opaque, alpha = _split(pixels)
        if style is not None and not self.config.use_global_features:
            raise ValueError(f"{self.engine.source} has no global features; expected style=None")
        features = None if style is None else self.describe(_split(style)[0])[0]
        strokes = None if hints is None else Image.fromarray(hints, "RGBA")
        colored = self.color(opaque, features, scenes=False, strokes=strokes)[0]
        return colored if alpha is None else np.dstack([colored, alpha])

    def color(
        self,
        pixels: np.ndarray,
        style: np.ndarray | None = None,
        scenes: bool = True,
        shown: np.ndarray | None = None,
        strokes: Image.Image | None = None,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Color a picture without alpha by global features, and tell its scenes.

        Args:
            pixels: as `prepare` takes them.
            style: global features (1, 256 width); None: the picture's own.
            scenes: whether the probabilities are wanted where `style` does without them.
            shown: pixels that the network sees in place of the picture's; None: the picture's.
            strokes: RGBA image of hints, of the picture's shape.

        Returns:
            (uint8 (height, width, 3) sRGB, probabilities (classes) of its scenes or None).
        """
        inside = self.within(pixels)
        inputs = self.prepare((pixels if shown is None else shown)[inside])
        probabilities = None
        if style is None or scenes:
            own, probabilities = self.engine.describe(inputs.global_)
            style = own if style is None else style
        ab = self.predict(inputs, style)[0]
        if strokes is not None:
            drawn = strokes_within(np.asarray(strokes), inside, pixels.shape)
            ab = apply_hints(ab, inputs.local[0, ..., 0], drawn)
        colored = join_within(pixels, inside, ab)
        return colored, None if probabilities is None else probabilities[0]

    def describe(self, pixels: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Describe a picture as a whole, without its mount.

        Args:
            pixels: as `prepare` takes them.

        Returns:
            (global features (1, 256 width), to pass on as `style`; probabilities (classes) of its
            scenes). None for what the network does not have.
        """
        inputs = self.prepare(pixels[self.within(pixels)])
        features, probabilities = self.engine.describe(inputs.global_)
        return features, None if probabilities is None else probabilities[0]

    def within(self, pixels: np.ndarray) -> tuple[slice, slice]:
        """Return the rows and columns that are colored: all, or those within a mount."""
        height, width = pixels.shape[:2]
        return within_mount(pixels) if self.mount else (slice(0, height), slice(0, width))

    def prepare(self, pixels: np.ndarray) -> Inputs:
        """Make the copies of a picture that this network sees, by the function `prepare`."""
        config = self.config
        return prepare(pixels, config.crop_size, self.working_size, config.stretching)

    def predict(self, inputs: Inputs, style: np.ndarray | None = None) -> np.ndarray:
        """Predict the chrominance of pictures, by the function `predict`; few at a time."""
        with self._budget.taken(inputs.local.size):
            return predict(self.engine, inputs, style, self.config.smoothing, self.chroma)

    def likeliest_scenes(self, probabilities: np.ndarray, count: int) -> list[tuple[str, float]]:
        """Return the `count` likeliest scenes of one picture: [(name, probability)]."""
        names = self.config.class_names or [f"class {i}" for i in range(len(probabilities))]
        best = np.argsort(-probabilities)[:count]
        return [(names[i], float(probabilities[i])) for i in best]


def _split(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Split an array that `Colorizer.colorize` takes into pixels for `prepare` and uint8 alpha."""
    array = np.asarray(picture)
    white = WHITE.get(array.dtype.type)
    planes = array[..., None] if array.ndim == 2 else array
    in_range = array.size and (white != 1 or (array.min() >= 0 and array.max() <= 1))
    if not (white and in_range and planes.ndim == 3 and 1 <= planes.shape[2] <= 4):
        raise ValueError(
            "expected uint8, uint16, or float in [0, 1] of shape (height, width), or (height, "
            f"width, 2 to 4) with alpha or colors; got {array.dtype} {array.shape}"
            + (f" from {array.min()} to {array.max()}" if white == 1 and array.size else "")
        )
    scale, channels = Scale(0, white), planes.shape[2]
    alpha = None if channels % 2 else to_bytes(planes[..., -1], scale)
    if channels > 2:
        return to_bytes(np.ascontiguousarray(planes[..., :3]), scale), alpha
    gray = np.ascontiguousarray(planes[..., 0])
    return gray if white == 255 else to_unit(gray, scale), alpha


def working_shape(shape: tuple[int, ...], working_size: int) -> tuple[int, ...]:
    """Return (height, width) of the network's copy: no side over working_size (0: as it is).

    Other shapes than squares are squeezed, as the training pictures were (section 3.4).
    """
    if not working_size:
        return shape
    most = MOST_SQUEEZE * working_size / max(shape)
    return tuple(
        max(min(SMALLEST, side), round(side * min(1, working_size / side, most))) for side in shape
    )
