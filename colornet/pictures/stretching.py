"""Contrast stretching of luminance: blacks and whites of a faded print for the network to see.

Prints fade, scans are flat, plates were exposed too long or not long enough: of the luminance's
range little is left. The network sees it stretched, in training as when it colours; what it colours
keeps the luminance that it has. Measured in docs/results.md.
"""

import numpy as np

BEYOND = 0.3  # percent of the pixels that are blacker than BLACK then, and whiter than WHITE
BLACK, WHITE = 0.03, 0.97  # of the network's [0, 1]
LEAST = 0.1  # range that is stretched, at least: a blank sheet has noise alone


def span_of(luminance: np.ndarray) -> np.ndarray:
    """What becomes black, and what white.

    Args:
        luminance: float32 (..., height, width, 1) in [0, 1].

    Returns:
        float32 (2, ..., 1, 1, 1), of each picture.
    """
    *pictures, height, width, _ = luminance.shape
    ordered = np.sort(luminance.reshape(*pictures, -1))  # four times as fast as np.percentile
    beyond = round(BEYOND / 100 * (height * width - 1))
    return np.stack([ordered[..., beyond], ordered[..., -1 - beyond]])[..., None, None, None]


def stretch(luminance: np.ndarray, span: np.ndarray | None = None) -> np.ndarray:
    """Luminance between black and white.

    Args:
        luminance: as of `span_of`.
        span: of `span_of`, of other copies of the same pictures; None: their own.

    Returns:
        float32 array of the shape of `luminance`, in [0, 1].
    """
    low, high = span_of(luminance) if span is None else span
    gain = np.float32(WHITE - BLACK) / np.maximum(high - low, np.float32(LEAST))
    middle = np.float32((BLACK + WHITE) / 2)
    return np.clip((luminance - (low + high) / 2) * gain + middle, 0, 1)
