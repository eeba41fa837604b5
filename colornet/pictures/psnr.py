"""Peak signal-to-noise ratio, by which training validates and evaluation measures."""

import numpy as np

PEAK = 255  # of 8-bit RGB


def psnr(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of uint8 RGB pictures of equal shape; inf if equal.

    Over a set, its mean over pictures, as in Larsson et al., "Learning representations for
    automatic colorization" (2016).
    """
    difference = predicted.astype(np.float32) - truth
    mean_squared = np.square(difference).mean(dtype=np.float64)
    return float(10 * np.log10(PEAK**2 / mean_squared)) if mean_squared else float("inf")
