"""Strokes of color that a person painted, spread over the network's chrominance.

The correction, stroke minus network, spreads to neighbors of similar luminance (A. Levin,
D. Lischinski, and Y. Weiss, "Colorization using optimization", 2004, solved for the correction). It
is pulled gently to zero, so that it stays near its stroke. `web/` computes the same on its page.
"""

import os

import numpy as np
from PIL import Image

from colornet.errors import ImageError
from colornet.pictures import colorspace, opening

GRID = 112  # cells of the longer side of the grid that corrections are solved on
EDGE = 0.03  # luminance difference, of [0, 1], over which a correction hardly spreads
PULL = 0.001  # weight of "no correction"; that of a neighbor of the same luminance is 1
STROKE = 100.0  # weight of the stroke's color in a cell that strokes cover
ITERATIONS = 500  # of conjugate gradients, at most
RESIDUAL = 1e-5  # of the right-hand side, at which they stop
SHAPE_TOLERANCE = 0.02  # by which the aspect ratios of picture and strokes may differ
NEIGHBORS = ((0, 1), (1, 0), (1, 1), (1, -1))  # (down, right); the other four mirror these


def strokes_of(path: str, picture: str) -> str | None:
    """Return the file with the strokes of a picture: `path`, or that of its name in a folder."""
    if not os.path.isdir(path):
        return path
    stem = os.path.splitext(os.path.basename(picture))[0]
    found = (os.path.join(path, stem + ending) for ending in (".png", ".webp", ".tif", ".tiff"))
    return next(filter(os.path.isfile, found), None)


def open_strokes(path: str, shape: tuple[int, ...]) -> Image.Image:
    """Open a picture of strokes: transparent but for strokes of color, gray for "no color".

    Args:
        path: PNG or another format with transparency.
        shape: (height, width) of the picture that they belong to, in pixels.

    Returns:
        RGBA image, of that aspect ratio.

    Raises:
        ImageError: the file cannot be read, has no transparency, or has another aspect ratio.
    """
    picture = opening.open_picture(path)
    if picture.alpha is None:
        raise ImageError(
            f"hints {path}: expected strokes on a transparent picture, got an opaque one"
        )
    pixels = picture.pixels
    height, width = pixels.shape[:2]
    if abs(width / height * shape[0] / shape[1] - 1) > SHAPE_TOLERANCE:
        raise ImageError(
            f"hints {path}: expected the shape of the picture, {shape[1]} x {shape[0]}, got "
            f"{width} x {height}"
        )
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return Image.fromarray(np.dstack([rgb, picture.alpha]))


def strokes_within(
    strokes: np.ndarray, inside: tuple[slice, slice], shape: tuple[int, ...]
) -> np.ndarray:
    """Cut strokes to the part of a picture inside its mount, at the strokes' own size.

    Args:
        strokes: uint8 RGBA (any height, any width, 4).
        inside: rows and columns of that part in the picture.
        shape: (height, width, ...) of the picture.
    """
    part = []
    for lines, own, length in zip(inside, strokes.shape, shape):
        start, stop = (int(place * own / length + 0.5) for place in (lines.start, lines.stop))
        part.append(slice(start, max(start + 1, stop)))
    return strokes[tuple(part)]


def apply_hints(ab: np.ndarray, luminance: np.ndarray, strokes: np.ndarray) -> np.ndarray:
    """Correct chrominance by strokes.

    Args:
        ab: float32 (small height, small width, 2), the network's, in Lab units.
        luminance: float32 (height, width) in [0, 1], of the same picture; of any size.
        strokes: uint8 RGBA (any height, any width, 4) of the same picture.

    Returns:
        float32 (grid height, grid width, 2) in Lab units, the longer side GRID.
    """
    height, width = ab.shape[:2]
    scale = GRID / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    opaque = strokes[..., 3:] / np.float32(255)
    colors = colorspace.rgb_to_lab(strokes[..., :3])[..., 1:]
    coverage = _resized(opaque, size, Image.Resampling.BOX)
    covered = _resized(opaque * colors, size, Image.Resampling.BOX) / np.maximum(coverage, 1e-6)
    light = _resized(luminance[..., None], size, Image.Resampling.BOX)[..., 0]
    own = _resized(ab, size, Image.Resampling.BILINEAR)
    return own + spread(covered - own, coverage[..., 0], light)


def _resized(planes: np.ndarray, size: tuple[int, int], resampling: Image.Resampling) -> np.ndarray:
    """Resize float32 (height, width, planes) to `size`, (width, height)."""
    images = (Image.fromarray(np.ascontiguousarray(plane, np.float32)) for plane in planes.T)
    return np.stack([np.asarray(image.resize(size[::-1], resampling)) for image in images]).T


def spread(correction: np.ndarray, coverage: np.ndarray, luminance: np.ndarray) -> np.ndarray:
    """Spread corrections over a grid, by least squares with conjugate gradients.

    Args:
        correction: float32 (height, width, channels); counts where there is coverage.
        coverage: float32 (height, width) in [0, 1], how much of a cell strokes cover.
        luminance: float32 (height, width) in [0, 1].

    Returns:
        float32 (height, width, channels).
    """
    height, width = luminance.shape
    links = [_linked(height, width, *neighbor) for neighbor in NEIGHBORS]
    weights = [
        np.exp(-np.square(luminance[one] - luminance[other]) / (2 * EDGE**2))[..., None]
        for one, other in links
    ]
    diagonal = (PULL + STROKE * coverage)[..., None]
    for (one, other), weight in zip(links, weights):
        diagonal[one] += weight
        diagonal[other] += weight

    def matrix_times(x: np.ndarray) -> np.ndarray:
        product = diagonal * x
        for (one, other), weight in zip(links, weights):
            product[one] -= weight * x[other]
            product[other] -= weight * x[one]
        return product

    residual = STROKE * coverage[..., None] * correction
    result, direction = np.zeros_like(residual), residual / diagonal
    energy = (residual * direction).sum(axis=(0, 1))
    enough = RESIDUAL**2 * energy
    for _ in range(ITERATIONS):
        if (energy <= enough).all():
            break
        product = matrix_times(direction)
        length = energy / np.maximum((direction * product).sum(axis=(0, 1)), 1e-30)
        result += length * direction
        residual -= length * product
        scaled = residual / diagonal
        energy, before = (residual * scaled).sum(axis=(0, 1)), energy
        direction = scaled + energy / np.maximum(before, 1e-30) * direction
    return result


def _linked(
    height: int, width: int, down: int, right: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return slices of all cells that have a neighbor in a direction, and of these neighbors."""
    left, right = max(0, -right), max(0, right)
    return (
        (slice(0, height - down), slice(left, width - right)),
        (slice(down, height), slice(right, width - left)),
    )
