"""Sample values of any type to grey in [0, 1], or to bytes."""

import numpy as np

BLOCK = 1 << 20  # samples converted at a time, so that no second copy is made of the whole


def top_value(samples: np.ndarray, bits: int | None = None) -> float:
    """The value that stands for full brightness.

    Args:
        samples: of any number type.
        bits: that the file gives each sample, where they are fewer than its type has.

    Returns:
        The most that integers of up to 16 bits can hold. Floats and 32 bits may span anything:
        the first of 1 (floats alone), 255 (floats alone), 65535, and the type's most or the
        largest value found, that holds all values.
    """
    if samples.dtype.kind in "bui" and samples.dtype.itemsize <= 2:
        signed = samples.dtype.kind == "i"
        return float((1 << ((bits or 8 * samples.dtype.itemsize) - signed)) - 1)
    most = float(np.max(samples, initial=0, where=np.isfinite(samples)))
    if samples.dtype.kind == "f":
        return next((top for top in (1.0, 255.0, 65535.0) if most <= top), most)
    return 65535.0 if most <= 65535 else float(np.iinfo(samples.dtype).max)


def unit(samples: np.ndarray, top: float) -> np.ndarray:
    """float32 in [0, 1]; what is no number becomes 0."""
    with np.errstate(over="ignore"):
        values = samples.astype(np.float32)
    values /= np.float32(top)
    return np.clip(np.nan_to_num(values, copy=False, posinf=1), 0, 1, out=values)


def to_bytes(samples: np.ndarray, top: float) -> np.ndarray:
    """uint8 of the same shape, rounded."""
    if samples.dtype == np.uint8 and top == 255:
        return samples
    result = np.empty(samples.shape, np.uint8)
    rows = max(1, BLOCK // max(1, samples[:1].size))
    for row in range(0, len(samples), rows):
        result[row : row + rows] = np.rint(unit(samples[row : row + rows], top) * 255)
    return result
