"""Contrast stretching of luminance: blacks and whites of a faded print for the network to see.

Prints fade, scans are flat, plates were exposed too long or not long enough: of the luminance's
range little is left. The network sees it stretched, in training as when it colours; what it colours
keeps the luminance that it has. Measured in docs/RESULTS.md.
"""

import numpy as np

BEYOND = 0.3  # percent of the pixels that end up blacker than BLACK, and as many whiter than WHITE
BLACK, WHITE = 0.03, 0.97  # of the network's [0, 1]
LEAST = 0.1  # range that is stretched, at least: a blank sheet has noise alone


def stretch(luminance: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """Luminance between black and white.

    Args:
        luminance: float32 (..., height, width, 1) in [0, 1].
        like: luminance of the same pictures, of any size, whose range counts; None: their own.

    Returns:
        float32 array of the same shape, in [0, 1].
    """
    pixels = (-3, -2, -1)
    ends = np.percentile(
        luminance if like is None else like, (BEYOND, 100 - BEYOND), pixels, keepdims=True
    )
    low, high = ends.astype(np.float32)
    gain = np.float32(WHITE - BLACK) / np.maximum(high - low, np.float32(LEAST))
    middle = np.float32((BLACK + WHITE) / 2)
    return np.clip((luminance - (low + high) / 2) * gain + middle, 0, 1)
