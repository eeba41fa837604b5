"""Measures of colourisation in the literature, on numpy arrays of one picture."""

import numpy as np

PEAK = 255  # of 8-bit RGB


def psnr(predicted, truth):
    """Peak signal-to-noise ratio in dB of uint8 RGB pictures of equal shape; inf if equal."""
    difference = predicted.astype(np.float32) - truth
    mean_squared = np.square(difference).mean(dtype=np.float64)
    return float(10 * np.log10(PEAK**2 / mean_squared)) if mean_squared else float("inf")
