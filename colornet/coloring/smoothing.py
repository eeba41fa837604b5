"""Even grounds of one color: the network's chrominance smoothed within the edges of the luminance.

The network colors walls, skies and pavements in patches. The guided filter (K. He, J. Sun and
X. Tang, "Guided image filtering", 2013) makes chrominance a local linear function of luminance, on
the network's small map: patches within a ground even out, and color follows the edges between
grounds. Measured in docs/results.md.
"""

import functools

import numpy as np
from PIL import Image

REACH = 1 / 9  # of the map's longer side, that a window extends to each side
EDGE = 0.03  # of the luminance's [0, 1]: deviations in a window above it count as an edge


def smooth(ab: np.ndarray, luminance: np.ndarray) -> np.ndarray:
    """Chrominance without patches.

    Args:
        ab: float32 (small height, small width, 2).
        luminance: float32 (height, width) in [0, 1], of the same picture; of any size.

    Returns:
        float32 array of the shape of `ab`.
    """
    height, width = ab.shape[:2]
    image = Image.fromarray(np.ascontiguousarray(luminance, np.float32))
    light = np.asarray(image.resize((width, height), Image.Resampling.BOX))
    planes = np.moveaxis(ab, -1, 0)
    radius = round(REACH * max(height, width))
    stack = np.stack([light, light * light, *planes, *(light * planes)])
    means = _window_means(stack, radius)
    mean, square, mean_planes, products = means[0], means[1], means[2:4], means[4:]
    slopes = (products - mean * mean_planes) / (square - mean * mean + EDGE**2)
    offsets = mean_planes - slopes * mean
    lines = _window_means(np.concatenate([slopes, offsets]), radius)
    return np.moveaxis(lines[:2] * light + lines[2:], 0, -1)


def _window_means(planes: np.ndarray, radius: int) -> np.ndarray:
    """Means over square windows, cut off at the borders; planes are (count, height, width)."""
    height, width = planes.shape[1:]
    return _windows(height, radius) @ planes @ _windows(width, radius).T


@functools.lru_cache(16)
def _windows(length: int, radius: int) -> np.ndarray:
    """Matrix (length, length) that takes means; as a product, faster than running sums on a map."""
    places = np.arange(length)
    inside = (np.abs(places[:, None] - places) <= radius).astype(np.float32)
    return inside / inside.sum(axis=1, keepdims=True)
