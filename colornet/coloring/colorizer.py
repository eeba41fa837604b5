"""Grey pictures to colour with a trained network: the functions behind model_transform.py.

    colorizer = Colorizer("weights", build_model)
    rgb = colorize(pixels, colorizer)

The network sees a small copy of the picture; its chrominance is brought to full size and joined
with the picture's own luminance (section 3.3) in strips of rows, so that memory follows the
picture and not the network.
"""

import concurrent.futures
import functools
import os

import numpy as np
from PIL import Image

from colornet.network.engines import load_engine
from colornet.pictures import colorspace

STRIP_PIXELS = 1 << 16  # pixels joined at a time, so that memory follows the picture alone
SHRINKING = dict(resample=Image.Resampling.BICUBIC, reducing_gap=3.0)
MOST_SQUEEZE = 2  # times that the longer side is shrunk more than the shorter, at most
SMALLEST = 8  # pixels; sides of the network's copy are at least this


class Colorizer:
    """A trained network, ready for pictures of any size.

    Args, raises: as `engines.load_engine`.

    Attributes:
        config: the network's `config.Config`, with class_names.
        engine: of `engines.load_engine`.
    """

    def __init__(self, path, build_model, precision="float32", engine="auto"):
        self.engine = load_engine(path, build_model, engine, precision)
        self.config = self.engine.config
        self.describe = self.engine.describe

    def chrominance(self, luminance, global_features):
        """ab in Lab units, (batch, ceil(height/2), ceil(width/2), 2); as `color` of the engine."""
        return colorspace.decode_chrominance(self.engine.color(luminance, global_features))

    def style_of(self, pixels):
        """Global features (1, 256 width) of a picture, to pass on as `style`."""
        copies = self.copies(pixels, self.config.working_size)
        return self.describe(copies[1][None])[0]

    def copies(self, pixels, working_size):
        """What the network's two paths see of a picture.

        Args:
            pixels: as of `colorize`.
            working_size: as of `colorize`.

        Returns:
            (local, whole), float32 luminance in [0, 1]: (height, width, 1), and the same squeezed
            to a square, of which (crop_size, crop_size, 1) shows as much as a training crop can.
        """
        local = small_luminance(pixels, working_shape(pixels.shape[:2], working_size))
        crop = self.config.crop_size
        side = round(self.config.picture_size * crop / self.config.crop_sides[1])
        whole = Image.fromarray(local[..., 0]).resize((side, side), **SHRINKING)
        edge = (side - crop) // 2
        middle = np.asarray(whole)[edge : edge + crop, edge : edge + crop]
        return local, np.clip(middle, 0, 1)[..., None]

    def class_names_of(self, probabilities, count):
        """The `count` likeliest scenes of one picture: [(name, probability)]."""
        best = np.argsort(-probabilities)[:count]
        return [(self.config.class_names[i], float(probabilities[i])) for i in best]


def colorize(pixels, colorizer, style=None, chroma=None, working_size=None):
    """Colour one picture.

    Args:
        pixels: uint8 (height, width, 3) sRGB, of which only the luminance is used; or float32
            (height, width) grey in [0, 1].
        colorizer: a `Colorizer`.
        style: of `Colorizer.style_of`, to take another picture's colours (section 5.3).
        chroma: multiplies the chrominance; None: the network's own setting.
        working_size: most pixels of a side of the copy that the network sees, which is squeezed
            towards a square; 0: the picture as it is; None: the network's setting.

    Returns:
        uint8 (height, width, 3) sRGB, whose L* is within 1.0 of the picture's at every pixel.
    """
    size = colorizer.config.working_size if working_size is None else working_size
    local, whole = colorizer.copies(pixels, size)
    features = colorizer.describe(whole[None])[0] if style is None else style
    ab = colorizer.chrominance(local[None], features)[0]
    return join(pixels, ab * (colorizer.config.chroma if chroma is None else chroma))


def working_shape(shape, working_size):
    """(height, width) of the network's copy: no side over working_size (0: as it is).

    Other shapes than squares are squeezed, as the training pictures were (section 4).
    """
    if not working_size:
        return tuple(shape)
    most = MOST_SQUEEZE * working_size / max(shape)
    return tuple(
        max(min(SMALLEST, side), round(side * min(1, working_size / side, most))) for side in shape
    )


def small_luminance(pixels, shape):
    """Luminance (height, width, 1) float32 in [0, 1] of a picture resized to `shape`."""
    height, width = shape
    image = Image.fromarray(pixels)
    if image.size != (width, height):
        image = image.resize((width, height), **SHRINKING)
    small = np.clip(np.asarray(image), 0, 1) if pixels.ndim == 2 else np.asarray(image)
    return colorspace.encode_luminance(lightness_of(small))[..., None]


def lightness_of(pixels):
    """L* (height, width) of pixels as `colorize` takes them."""
    if pixels.ndim == 2:
        return colorspace.gray_to_lightness(pixels)
    return colorspace.rgb_to_lightness(pixels)


def join(pixels, ab):
    """A picture's own luminance with chrominance of any size, brought to its size bilinearly.

    Args:
        pixels: as of `colorize`.
        ab: float32 (small height, small width, 2) in Lab units.

    Returns:
        uint8 (height, width, 3).
    """
    height, width = pixels.shape[:2]
    planes = [Image.fromarray(np.ascontiguousarray(ab[..., i], np.float32)) for i in range(2)]
    result = np.empty((height, width, 3), np.uint8)
    rows = max(1, STRIP_PIXELS // width)
    scale = ab.shape[0] / height

    def strip(top):
        bottom = min(top + rows, height)
        box = (0, top * scale, ab.shape[1], min(bottom * scale, ab.shape[0]))
        size = (width, bottom - top)
        full = np.stack([p.resize(size, Image.Resampling.BILINEAR, box=box) for p in planes])
        lightness = lightness_of(pixels[top:bottom])
        result[top:bottom] = colorspace.lab_to_rgb(lightness, np.moveaxis(full, 0, -1))

    tops = range(0, height, rows)
    list(_threads().map(strip, tops) if len(tops) > 1 else map(strip, tops))
    return result


@functools.cache
def _threads():
    """Threads for the strips of large pictures; made once, as small pictures come by thousands."""
    return concurrent.futures.ThreadPoolExecutor(os.cpu_count(), "strips")
