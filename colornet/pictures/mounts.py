"""Mounts: the even border of a scanned print, which is paper and has no colours to be guessed."""

import numpy as np

EVEN = 16  # levels of 255 that a mount's own grain spans, but for a few specks
THINNEST = 0.01  # of a side
MOST = 0.35  # of a side, on one end of it
DIFFERENT = 0.5  # of the pixels just inside, which differ from the mount


def within_mount(pixels: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the picture within its mount; all of them where there is none.

    A mount is on all four sides, even and of one tone, and ends at an edge: an object before an
    even ground is none.

    Args:
        pixels: (height, width) or (height, width, 3), uint8 or float in [0, 1].
    """
    whole = slice(0, pixels.shape[0]), slice(0, pixels.shape[1])
    sides = [pixels, pixels[::-1], pixels.swapaxes(0, 1), pixels.swapaxes(0, 1)[::-1]]
    tones = [_tone(side[0]) for side in sides]
    if None in tones or max(tones) - min(tones) > EVEN:
        return whole
    tone = float(np.mean(tones))
    top, bottom = (_thickness(side, tone) for side in sides[:2])
    if not (top and bottom):
        return whole
    across = pixels[top : len(pixels) - bottom].swapaxes(0, 1)
    left, right = (_thickness(side, tone) for side in (across, across[::-1]))
    if not (left and right):
        return whole
    return slice(top, len(pixels) - bottom), slice(left, len(across) - right)


def _tone(line):
    """Median level of an even line of pixels; None for others."""
    levels = _levels(line)
    low, middle, high = np.percentile(levels, (2, 50, 98))
    return float(middle) if high - low <= EVEN else None


def _thickness(side, tone):
    """Lines from the first on that are of the tone; 0 where they are no mount."""
    for count in range(1, int(MOST * len(side))):
        if _tone(side[count]) is None:
            break
    # Scaled scans have a blurred line between.
    inside = np.abs(_levels(side[count + 1]) - tone) > EVEN / 2
    thick = count >= max(2, THINNEST * len(side))
    return count + 1 if thick and inside.mean() >= DIFFERENT else 0


def _levels(line):
    levels = line.astype(np.float32) * (1 if line.dtype == np.uint8 else 255)
    return levels.mean(axis=1) if levels.ndim == 2 else levels
