"""Sample values of any type to grey in [0, 1], or to bytes."""

from typing import NamedTuple

import numpy as np

BLOCK = 1 << 20  # samples converted or looked at a time, so that no second copy is made of all

# Of floats (the first) and of wide integers: white, and the most that values above it may reach.
_SCALES = ((1.0, 4.0), (255.0, 320.0), (65535.0, 80_000.0))
_OVERSHOOT = 1.03  # of a power of two, likewise
_FEW = 0.01  # share of the samples that may lie beyond a scale
_DARK = 1 / 16  # of white: where nearly all values lie below it, the scale is not theirs


class Scale(NamedTuple):
    """The values that stand for black and for white; what was assumed, for the user, or ""."""

    black: float
    white: float
    remark: str = ""


def scale_of(samples: np.ndarray, bits: int | None = None) -> Scale:
    """The Scale of a picture's samples, by their type where that tells it, or else by a look.

    Integers of up to 16 bits, or of declared ones, span these. Others are on the first scale of
    1 (floats alone), 255, 65535 and powers of two that holds all of them, with some room for what
    sharpening adds; a few bright ones do not count where that would make the picture black.
    Signed values of which more than a few are negative span the negatives too.

    Args:
        samples: (height, ...) of any number type.
        bits: that the file gives each sample, where they are fewer than its type has.
    """
    kind, width = samples.dtype.kind, 8 * samples.dtype.itemsize
    bits = min(bits or width, width)
    told = kind != "f" and (width <= 16 or bits < width)
    if told and kind != "i":
        return Scale(0.0, float((1 << bits) - 1))
    finite = np.isfinite(samples)
    lowest = float(np.min(samples, initial=0, where=finite))
    highest = float(np.max(samples, initial=0, where=finite))
    rows = slice(None, None, -(-samples.size // BLOCK) or 1)
    some = samples[rows][finite[rows]].astype(float)
    most = 1.0 if kind == "f" else float((1 << (bits - (kind == "i"))) - 1)
    white = most if told else _plausible_white(some, max(highest, -lowest), kind)
    if kind != "f":
        white = min(white, most)
    black = 0.0
    if np.count_nonzero(some < 0) > _FEW * some.size:
        black = -white if kind == "f" else -white - 1
    if white == most and black == 0 <= lowest and highest <= white:
        return Scale(black, white)
    values = [f"{value:.4g}" if value % 1 else f"{value:.10g}"
              for value in (lowest, highest, black, white)]  # fmt: skip
    remark = "values from {} to {}: {} is taken as black, {} as white".format(*values)
    return Scale(black, white, remark)


def _plausible_white(some: np.ndarray, most: float, kind: str) -> float:
    """White of samples, of which `some` are looked at and none is larger than `most`."""
    white = _white(most, kind)
    usual = np.quantile(np.abs(some[some != 0]), 1 - _FEW) if some.any() else 0
    return _white(float(usual), kind) if usual < _DARK * white else white


def _white(most: float, kind: str) -> float:
    scales = _SCALES if kind == "f" else _SCALES[1:]
    power = float((1 << int(most / _OVERSHOOT).bit_length()) - 1)
    return next((white for white, room in scales if most <= room), power)


def to_unit(samples: np.ndarray, scale: Scale) -> np.ndarray:
    """float32 in [0, 1]; what is no number becomes 0."""
    with np.errstate(over="ignore"):
        values = samples.astype(np.float32)
    values -= np.float32(scale.black)
    values /= np.float32(scale.white - scale.black)
    return np.clip(np.nan_to_num(values, copy=False, posinf=1), 0, 1, out=values)


def to_bytes(samples: np.ndarray, scale: Scale) -> np.ndarray:
    """uint8 of the same shape, rounded."""
    if samples.dtype == np.uint8 and scale[:2] == (0, 255):
        return samples
    result = np.empty(samples.shape, np.uint8)
    rows = max(1, BLOCK // max(1, samples[:1].size))
    for row in range(0, len(samples), rows):
        result[row : row + rows] = np.rint(to_unit(samples[row : row + rows], scale) * 255)
    return result
