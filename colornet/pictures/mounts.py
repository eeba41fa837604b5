"""Mounts: the even border of a scanned print, which is paper and has no colours to be guessed."""

import numpy as np

EVEN = 16  # levels of 255 that a mount's own grain spans, but for a few specks
RIM = 0.02  # of a side, that a scanner's shadow around a mount is wide
RULED = 0.01  # of a side, that a line drawn around the picture is wide
MARKED = 0.45  # of a line, that writing on a mount covers
THINNEST = 0.01  # of a side
MOST = 0.35  # of a side, on one end of it
SHORTEST = 0.3  # of a side, that the picture's edge is long
DIFFERENT = 0.5  # of the pixels along that edge, which are not of the mount's tone


def within_mount(pixels: np.ndarray) -> tuple[slice, slice]:
    """Find the rows and columns of the picture within its mount; all of them where there is none.

    A mount is on all four sides, even and of one tone, and ends at an edge: an object before an
    even ground is none. Sparse marks, as a caption or a date, and a ruled line are part of it; a
    rim of a few pixels around it, as a scanner's shadow, is passed over.

    Args:
        pixels: (height, width) or (height, width, 3), uint8 or float in [0, 1].
    """
    inside = [slice(0, pixels.shape[0]), slice(0, pixels.shape[1])]
    whole = inside[0], inside[1]
    tone, rims = _tone_within_rims(pixels)
    if tone is None:
        return whole
    height, width = pixels.shape[:2]
    part = pixels[rims[0] : height - rims[1], rims[2] : width - rims[3]]
    for axis in (0, 1):  # columns are looked at without the mount above and below
        first, last = (_thickness(side, tone) for side in (part, part[::-1]))
        if not (first and last):
            return whole
        start = rims[2 * axis]
        inside[axis] = slice(start + first, start + len(part) - last)
        part = part[first : len(part) - last].swapaxes(0, 1)
    return inside[0], inside[1]


def _tone_within_rims(pixels: np.ndarray) -> tuple[float | None, list[int]]:
    """Return the tone that all four sides share, and the lines of another tone outside of it.

    Returns:
        (level or None, lines above, below, left, and right).
    """
    most = [int(RIM * length) for length in pixels.shape[:2]]
    rows = pixels[:, most[1] : pixels.shape[1] - most[1]]
    columns = pixels[most[0] : pixels.shape[0] - most[0]].swapaxes(0, 1)
    sides = [(rows, most[0]), (rows[::-1], most[0]), (columns, most[1]), (columns[::-1], most[1])]
    for line in range(most[0] + 1):
        tone = _tone(rows[line])
        if tone is None:
            continue
        rims = [
            next((k for k in range(lines + 1) if _is_of(side[k], tone, EVEN)), None)
            for side, lines in sides
        ]
        found = [rim for rim in rims if rim is not None]
        if len(found) == len(rims):
            return tone, found
    return None, []


def _tone(line: np.ndarray) -> float | None:
    """Median level of an even line of pixels; None for others."""
    levels = np.sort(_levels(line))
    specks = levels.size // 50  # at either end
    even = levels[-1 - specks] - levels[specks] <= EVEN
    return float(levels[levels.size // 2]) if even else None


def _thickness(side: np.ndarray, tone: float) -> int:
    """Lines from the first on that are the mount's, and perhaps a blurred one; 0 for no mount."""
    count, most, ruled = 0, int(MOST * len(side)), int(RULED * len(side)) + 1
    for line in range(most + 1):
        if _is_of(side[line], tone, EVEN / 2):
            count = line + 1
        elif line - count >= ruled and np.mean(_is_other(side[line], tone)) > MARKED:
            break
    if count < max(2, THINNEST * len(side)) or count >= most:
        return 0
    for thick in (count, count + 1):
        other = np.flatnonzero(_is_other(side[thick], tone))
        span = np.ptp(other) + 1 if other.size else 0
        if span >= SHORTEST * side.shape[1] and other.size >= DIFFERENT * span:
            return thick
    return 0


def _is_other(line: np.ndarray, tone: float) -> np.ndarray:
    return np.abs(_levels(line) - tone) > EVEN / 2


def _is_of(line: np.ndarray, tone: float, most: float) -> bool:
    found = _tone(line)
    return found is not None and abs(found - tone) <= most


def _levels(line: np.ndarray) -> np.ndarray:
    levels = line.astype(np.float32) * (1 if line.dtype == np.uint8 else 255)
    return levels.mean(axis=1) if levels.ndim == 2 else levels
