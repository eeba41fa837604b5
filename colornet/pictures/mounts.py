"""Mounts: the even border of a scanned print, which is paper and has no colours to be guessed."""

import numpy as np

EVEN = 16  # levels of 255 that a mount's own grain spans, but for a few specks
THINNEST = 0.01  # of a side
MOST = 0.35  # of a side, on one end of it
SHORTEST = 0.3  # of a side, that the picture's edge is long
DIFFERENT = 0.5  # of the pixels along that edge, which are not of the mount's tone


def within_mount(pixels: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the picture within its mount; all of them where there is none.

    A mount is on all four sides, even and of one tone, and ends at an edge: an object before an
    even ground is none.

    Args:
        pixels: (height, width) or (height, width, 3), uint8 or float in [0, 1].
    """
    inside = [slice(0, pixels.shape[0]), slice(0, pixels.shape[1])]
    whole = inside[0], inside[1]
    tone = _tone(pixels[0])
    if tone is None or not all(
        _is_of(line, tone, EVEN) for line in (pixels[-1], pixels[:, 0], pixels[:, -1])
    ):
        return whole
    part, length = pixels, pixels.shape
    for axis in (0, 1):  # columns are looked at without the mount above and below
        first, last = (_thickness(side, tone) for side in (part, part[::-1]))
        if not (first and last):
            return whole
        inside[axis] = slice(first, length[axis] - last)
        part = part[first : len(part) - last].swapaxes(0, 1)
    return inside[0], inside[1]


def _tone(line: np.ndarray) -> float | None:
    """Median level of an even line of pixels; None for others."""
    levels = np.sort(_levels(line))
    specks = levels.size // 50  # at either end
    even = levels[-1 - specks] - levels[specks] <= EVEN
    return float(levels[levels.size // 2]) if even else None


def _thickness(side: np.ndarray, tone: float) -> int:
    """Lines from the first on that are the mount's, and perhaps a blurred one; 0 for no mount."""
    count, most = 1, int(MOST * len(side))
    while count < most and _is_of(side[count], tone, EVEN / 2):
        count += 1
    if count < max(2, THINNEST * len(side)) or count == most:
        return 0
    for thick in (count, count + 1):
        other = np.flatnonzero(np.abs(_levels(side[thick]) - tone) > EVEN / 2)
        span = np.ptp(other) + 1 if other.size else 0
        if span >= SHORTEST * side.shape[1] and other.size >= DIFFERENT * span:
            return thick
    return 0


def _is_of(line: np.ndarray, tone: float, most: float) -> bool:
    found = _tone(line)
    return found is not None and abs(found - tone) <= most


def _levels(line: np.ndarray) -> np.ndarray:
    levels = line.astype(np.float32) * (1 if line.dtype == np.uint8 else 255)
    return levels.mean(axis=1) if levels.ndim == 2 else levels
