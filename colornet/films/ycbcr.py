"""Video's luma and chroma. No other file holds a constant of Y'CbCr.

A film's luma plane is kept, and the network says a* and b*. Which Cb and Cr go with them depends
on all three, and on what sRGB holds: `chroma_table` has the answers.
"""

import dataclasses
import functools

import numpy as np

from colornet.pictures.colorspace import linear_rgb, linear_to_srgb, srgb_to_linear
from colornet.pictures.hdr import BT2020_OF_SRGB, HLG, PQ, SDR, light_of, signal_of

# FFmpeg's numbers (AVColorSpace) of matrices, with the shares of red and blue in luma.
MATRICES = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601, 625 lines
    6: (0.299, 0.114),  # BT.601, 525 lines
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
}
BT709, BT601, UNSAID = 1, 6, 2
HD_HEIGHT = 720  # rows from which players take a film that does not say for BT.709

TABLE_AB = 110.0  # Lab units; the chroma table spans -110 to 110, all that sRGB holds
_SHARE_HALVINGS = 7  # of the chroma that is kept: finer than an 8-bit step
_NEWTON_STEPS = 3
_SLACK = 1 / 512  # outside of [0, 1] that still rounds to 0 or 1


@dataclasses.dataclass(frozen=True)
class Levels:
    """How a film's integers encode luma and chroma.

    Attributes:
        bits: of a sample, 8 to 16.
        full: whether luma spans all integers (JPEG's range), or 16 to 235 of 8 bits.
        transfer: PQ, HLG, or SDR.
    """

    bits: int
    full: bool
    transfer: int = SDR

    @property
    def _unit(self) -> int:
        return 1 << (self.bits - 8)

    @property
    def _top(self) -> int:
        return (1 << self.bits) - 1

    def gray_of(self, luma: np.ndarray) -> np.ndarray:
        """Convert luma integers to sRGB gray, float32 in [0, 1]; HDR's light is cut at WHITE."""
        zero, span = (0, self._top) if self.full else (16 * self._unit, 219 * self._unit)
        signal = np.clip((np.asarray(luma, np.float32) - zero) / np.float32(span), 0, 1)
        if self.transfer == SDR:
            return signal
        return linear_to_srgb(np.minimum(light_of(signal, self.transfer), 1)).astype(np.float32)

    def with_bits(self, luma: np.ndarray, bits: int) -> np.ndarray:
        """Luma integers as those of another number of bits, rounded if there are fewer."""
        if bits == self.bits:
            return luma
        if bits > self.bits:
            return luma.astype(np.uint16) << (bits - self.bits)
        fewer = self.bits - bits
        luma = np.minimum(luma.astype(np.uint32) + (1 << fewer >> 1) >> fewer, (1 << bits) - 1)
        return luma.astype(np.uint8 if bits == 8 else np.uint16)

    def encode_chroma(self, chroma: np.ndarray) -> np.ndarray:
        """Cb or Cr plus a half, in [0, 1], to integers."""
        span = self._top if self.full else 224 * self._unit
        levels = np.rint((chroma - np.float32(0.5)) * np.float32(span))
        levels = np.clip(levels + 128 * self._unit, 0, self._top)
        return levels.astype(np.uint8 if self.bits == 8 else np.uint16)


def matrix_of(number: int, height: int) -> int:
    """The matrix of a film: its own, or what players take it for if it does not say."""
    return number if number in MATRICES else BT709 if height >= HD_HEIGHT else BT601


def transfer_of(number: int) -> int:
    """Return the curve, PQ, HLG, or SDR, of FFmpeg's number of a transfer characteristic."""
    return number if number in (PQ, HLG) else SDR


@functools.cache
def chroma_table(matrix: int, size: int, transfer: int = SDR) -> np.ndarray:
    """Return Cb and Cr, each plus a half, of evenly spaced gray, a*, and b*.

    Colours that sRGB does not hold at their luma have as much of their chroma as it does, at the
    same ratio of a* to b*.

    Args:
        matrix: a key of MATRICES.
        size: entries along each axis; odd, so that one of them is gray.
        transfer: PQ, HLG, or SDR. HDR's primaries are those of BT.2020.

    Returns:
        float32 (size, size, size, 2): gray 0 to 1, a* and b* from -TABLE_AB to TABLE_AB.
    """
    luma, a, b = np.meshgrid(
        np.linspace(0, 1, size, dtype=np.float32),
        *2 * [np.linspace(-TABLE_AB, TABLE_AB, size, dtype=np.float32)],
        indexing="ij",
    )
    gray, fa, fb = luma.reshape(-1), a.reshape(-1) / 500, b.reshape(-1) / 200
    luma = gray if transfer == SDR else signal_of(srgb_to_linear(gray), transfer)
    red, blue = MATRICES[matrix]
    weights = np.array([red, 1 - red - blue, blue], np.float32)
    low: np.ndarray = np.zeros_like(luma)  # shares of the chroma
    high: np.ndarray = np.ones_like(luma)
    share = high
    for _ in range(_SHARE_HALVINGS):
        rgb = _gamma(_linear_of_luma(gray, luma, fa * share, fb * share, weights, transfer))
        inside = (rgb.min(axis=0) >= -_SLACK) & (rgb.max(axis=0) <= 1 + _SLACK)
        low, high = np.where(inside, share, low), np.where(inside, high, share)
        share = (low + high) / 2
    linear = _linear_of_luma(gray, luma, fa * low, fb * low, weights, transfer)
    rgb = np.clip(_signal(linear, transfer), 0, 1)
    chroma = (rgb[[2, 0]] - weights @ rgb) / (2 * (1 - weights[[2, 0], None])) + 0.5
    return chroma.T.reshape(size, size, size, 2)


def _linear_of_luma(
    gray: np.ndarray,
    luma: np.ndarray,
    fa: np.ndarray,
    fb: np.ndarray,
    weights: np.ndarray,
    transfer: int,
) -> np.ndarray:
    """Return linear sRGB (3, entries), unclipped, of a luma and, in `linear_rgb`'s terms, an ab."""
    fy = (gray + np.float32(0.16)) / np.float32(1.16)  # near a gray's (L* + 16) / 116
    for _ in range(_NEWTON_STEPS):
        rgb, steeper = (
            _signal(linear_rgb(y, fa, fb), transfer) for y in (fy, fy + np.float32(1e-2))
        )
        fy += (luma - weights @ rgb) * np.float32(1e-2) / (weights @ (steeper - rgb))
    return linear_rgb(fy, fa, fb)


def _signal(linear: np.ndarray, transfer: int) -> np.ndarray:
    """Return the R'G'B' (3, entries) of linear sRGB."""
    if transfer == SDR:
        return _gamma(linear)
    return signal_of(BT2020_OF_SRGB @ linear, transfer).astype(np.float32)


def _gamma(linear: np.ndarray) -> np.ndarray:
    """sRGB's curve, carried on as a straight line below 0."""
    curved = 1.055 * np.maximum(linear, np.float32(0.0031308)) ** np.float32(1 / 2.4) - 0.055
    return np.where(linear > 0.0031308, curved, 12.92 * linear)
