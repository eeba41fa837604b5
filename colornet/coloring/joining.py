"""A picture's own luminance joined with chrominance (section 3.2)."""

import concurrent.futures
import functools
import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from colornet.pictures import colorspace

STRIP_PIXELS = 1 << 16  # pixels joined at a time, so that memory follows the picture alone


def lightness_of(pixels: np.ndarray) -> np.ndarray:
    """Return L* (height, width) of pixels as `join` takes them."""
    if pixels.ndim == 2:
        return colorspace.gray_to_lightness(pixels)
    return colorspace.rgb_to_lightness(pixels)


def gray_of(pixels: np.ndarray) -> np.ndarray:
    """A picture's own luminance without color: uint8 (height, width, 3)."""
    return of_one_color(pixels, (0, 0))


def of_one_color(pixels: np.ndarray, ab: Sequence[float]) -> np.ndarray:
    """uint8 RGB of a picture's own luminance and one (a*, b*), as far as sRGB holds it."""
    return join(pixels, np.array(ab, np.float32).reshape(1, 1, 2))


def join_within(pixels: np.ndarray, inside: tuple[slice, slice], ab: np.ndarray) -> np.ndarray:
    """Join the part of a picture inside its mount with chrominance; the mount stays gray.

    Args:
        pixels, ab: as `join` takes them, `ab` for the part alone.
        inside: rows and columns of that part, of `mounts.within_mount`.
    """
    part = pixels[inside]
    if part.shape == pixels.shape:
        return join(pixels, ab)
    result = gray_of(pixels)
    result[inside] = join(part, ab)
    return result


def join(pixels: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """Join a picture's own luminance with chrominance, brought to its size bilinearly.

    Args:
        pixels: uint8 (height, width, 3) sRGB; or gray (height, width), uint8 or float32 in [0, 1].
        ab: float32 (small height, small width, 2) in Lab units.

    Returns:
        uint8 (height, width, 3).
    """
    height, width = pixels.shape[:2]
    planes = [Image.fromarray(np.ascontiguousarray(ab[..., i], np.float32)) for i in range(2)]
    result = np.empty((height, width, 3), np.uint8)
    rows = max(1, STRIP_PIXELS // width)
    scale = ab.shape[0] / height

    def strip(top: int) -> None:
        bottom = min(top + rows, height)
        box = (0, top * scale, ab.shape[1], min(bottom * scale, ab.shape[0]))
        size = (width, bottom - top)
        full = np.stack(
            [np.asarray(p.resize(size, Image.Resampling.BILINEAR, box=box)) for p in planes]
        )
        lightness = lightness_of(pixels[top:bottom])
        result[top:bottom] = colorspace.lab_to_rgb(lightness, np.moveaxis(full, 0, -1))

    tops = range(0, height, rows)
    list(_threads().map(strip, tops) if len(tops) > 1 else map(strip, tops))
    return result


@functools.cache
def _threads() -> concurrent.futures.ThreadPoolExecutor:
    """Threads for the strips of large pictures; made once, as small pictures come by thousands."""
    return concurrent.futures.ThreadPoolExecutor(os.cpu_count(), "strips")
