"""A photograph to a record's planes, or the reason for which it is left out."""

from typing import NamedTuple

import numpy as np

from colornet.config import Config
from colornet.errors import ImageError
from colornet.pictures import colorspace, opening
from colornet.records.photographs import Entry

GRAYSCALE = "grayscale"
LITTLE_COLOR = "little color variance"
SINGLE_HUE = "single hue, as of sepia or a cyanotype"
_ONE_HUE = 0.95
_BINS = 16  # of lightness
_SIDE = 64  # pixels; toning is looked for in pictures of this side to twice that


class Converted(NamedTuple):
    """What became of a photograph.

    Attributes:
        planes: (luminance, chrominance) as in `format.Record`; None if it is left out.
        reason: for which it is left out; None if it is not.
        deviation: of its chroma, Lab units; None if it could not be read.
    """

    planes: tuple[np.ndarray, np.ndarray] | None
    reason: str | None
    deviation: float | None


def convert(entry: Entry, config: Config) -> Converted:
    """One photograph to the two planes of a record."""
    try:
        rgb = opening.open_square(entry.content(), config.picture_size, config.min_side)
    except ImageError as error:
        return Converted(None, str(error), None)
    luminance, lab = colorspace.luminance_bytes_and_half_lab(rgb)
    ab = lab[1:]
    deviation = float(np.sqrt(ab[0].var() + ab[1].var()))
    reason = None
    if float(np.sqrt(ab[0] * ab[0] + ab[1] * ab[1]).mean()) < config.min_chroma:
        reason = GRAYSCALE
    elif deviation < config.min_chroma_deviation:
        reason = LITTLE_COLOR
    elif _is_of_one_hue(ab) and toning_deviation(lab) < config.min_toning_deviation:
        reason = SINGLE_HUE
    if reason:
        return Converted(None, reason, deviation)
    chrominance = colorspace.to_bytes(colorspace.encode_chrominance(np.stack(list(ab), axis=-1)))
    return Converted((luminance, chrominance), None, deviation)


def _is_of_one_hue(ab: np.ndarray) -> bool:
    """Whether the colors' sum is nearly as long as it would be if all had the same hue."""
    length = np.hypot(*ab).mean()
    return np.hypot(ab[0].mean(), ab[1].mean()) >= _ONE_HUE * length


def toning_deviation(lab: np.ndarray) -> float:
    """How far chroma is from what lightness alone tells, Lab units.

    A toned photograph, such as sepia, has one color at each lightness. Others of one hue have many.

    Args:
        lab: (3, height, width).
    """
    while min(lab.shape[1:]) >= 2 * _SIDE:  # what JPEG adds to large pictures is no color
        even = lab[:, : lab.shape[1] // 2 * 2, : lab.shape[2] // 2 * 2]
        rows = even[:, 0::2] + even[:, 1::2]
        lab = (rows[..., 0::2] + rows[..., 1::2]) / 4
    lightness, *ab = (plane.ravel() for plane in lab)
    bins = np.clip(lightness / colorspace.LUMINANCE_RANGE * _BINS, 0, _BINS - 1).astype(np.uint8)
    counts = np.maximum(np.bincount(bins, minlength=_BINS), 1)
    explained = sum(float((np.bincount(bins, plane, _BINS) ** 2 / counts).sum()) for plane in ab)
    total = sum(float(np.dot(plane, plane)) for plane in ab)
    return float(np.sqrt(max(0.0, total - explained) / lightness.size))
