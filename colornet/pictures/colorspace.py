"""RGB <-> CIE L*a*b*, and the network's encoding of it. No other file holds a colour constant.

Lab is D65, 2 degree observer: L* 0 to 100, a* and b* about -110 to 110. The network's input is
luminance L* / 100 and its target chrominance (ab + 100) / 200, clipped to [0, 1] (section 3.2
of the paper; the same decoding as in the authors' release).

Constants and conversions to Lab are scikit-image's, to the last bit of float32; importing it takes
longer than colouring a photograph.
"""

import functools
from typing import Any

import numpy as np

Array = Any  # of numpy or TensorFlow, or a number

LUMINANCE_RANGE = 100.0  # L* at white
CHROMINANCE_RANGE = 200.0  # Lab units that the sigmoid's [0, 1] spans
CHROMINANCE_OFFSET = 100.0  # Lab units below zero where the sigmoid's 0 lies
BYTE_RANGE = 255.0  # largest 8-bit value

# What a `dataset.json` says of its records.
ENCODING = {
    "luminance": "uint8 = round(255 L* / 100)",
    "chrominance": "uint8 = round(255 (ab + 100) / 200), clipped",
    "white": "D65, 2 degree observer",
}

_XYZ_FROM_RGB = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
_LEVELS = np.arange(BYTE_RANGE + 1) / BYTE_RANGE  # of 8 bits, in [0, 1]
_WHITE = np.array([0.95047, 1.0, 1.08883])  # XYZ of D65
_BISECTIONS = 8  # halvings of the chroma scale: finer than one 8-bit step of real colours
_STEPS = 1 << 16  # entries of the tables over [0, 1]
_SLACK = 0.2 / BYTE_RANGE / 12.92  # linear light below 0 that still rounds to 0
_BLOCK = 1 << 14  # pixels converted at a time: their planes stay in the processor's cache


def rgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """sRGB (..., 3), uint8 or float in [0, 1], to float32 Lab (..., 3)."""
    if rgb.dtype == np.uint8:
        linear = srgb_to_linear(_LEVELS.astype(np.float32)).take(rgb)
    else:
        linear = srgb_to_linear(rgb.astype(np.float32, copy=False))
    xyz = linear @ _XYZ_FROM_RGB.T.astype(np.float32)
    f = _lab_f(xyz / _WHITE.astype(np.float32))
    lab = np.empty_like(f)
    _fill_lab(np.moveaxis(lab, -1, 0), *np.moveaxis(f, -1, 0))
    return lab


def _fill_lab(lab: np.ndarray, fx: np.ndarray, fy: np.ndarray, fz: np.ndarray) -> None:
    """Write L*, a* and b* of CIE's f of X, Y and Z into `lab` (3, ...)."""
    lab[0] = np.float32(116) * fy - np.float32(16)
    lab[1] = np.float32(500) * (fx - fy)
    lab[2] = np.float32(200) * (fy - fz)


def srgb_to_linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1], any shape, to light in [0, 1]."""
    return np.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)


def _lab_f(shares: np.ndarray) -> np.ndarray:
    """CIE's f of shares of white's X, Y or Z, of which L*, a* and b* are differences."""
    return np.where(shares > 0.008856, np.cbrt(shares), 7.787 * shares + 16 / 116)


def rgb_to_lightness(rgb: np.ndarray) -> np.ndarray:
    """L* (...) float32 of 8-bit sRGB (..., 3), as `rgb_to_lab` but five times faster."""
    return _lightness_of_linear().take(_share_index(rgb, _share_tables()[1]))


def _share_index(rgb: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """`_table_index` of X, Y or Z, by its tables of `_share_tables`."""
    index = tables[0].take(rgb[..., 0])
    index += tables[1].take(rgb[..., 1])
    index += tables[2].take(rgb[..., 2])
    return index.astype(np.uint16)


def luminance_bytes_and_half_lab(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a record holds of a picture: within a byte's step of `rgb_to_lab`, but faster.

    Args:
        rgb: uint8 (height, width, 3), of even sides.

    Returns:
        (luminance, lab): encoded L* as uint8 (height, width); and Lab averaged over 2 x 2 pixels,
        float32 (3, height/2, width/2).
    """
    halves = []
    for axis, tables in enumerate(_share_tables()):
        index = _share_index(rgb, tables)
        if axis == 1:
            luminance = _luminance_byte_of_linear().take(index)
        f = _lab_f_of_linear().take(index)
        rows = f[0::2] + f[1::2]  # ten times as fast as a mean over axes of a reshaped array
        halves.append((rows[:, 0::2] + rows[:, 1::2]) / 4)
    lab = np.empty((3, *halves[0].shape), np.float32)
    _fill_lab(lab, *halves)
    return luminance, lab


def gray_to_lightness(gray: np.ndarray) -> np.ndarray:
    """L* of sRGB greys, any shape: uint8, or float in [0, 1], of which it is exact to 16 bits."""
    gray = np.asarray(gray)
    if gray.dtype == np.uint8:
        return _lightness_of_byte().take(gray)
    return _lightness_of_gray().take(_table_index(np.asarray(gray, np.float32)))


def rgb_to_linear(rgb: np.ndarray) -> np.ndarray:
    """Linear light, [0, 1] float32, of 8-bit sRGB, any shape."""
    return srgb_to_linear(_LEVELS).astype(np.float32).take(rgb)


def linear_to_gray(linear: np.ndarray) -> np.ndarray:
    """sRGB grey values in [0, 1], float32 in 256 steps, of linear light in [0, 1]; any shape."""
    return from_bytes(_gamma_table().take(_table_index(linear)).astype(np.float32))


def encode_luminance(lightness: Array) -> Array:
    """L* (0 to 100) to the network's input, [0, 1]."""
    return lightness / LUMINANCE_RANGE


def decode_luminance(luminance: Array) -> Array:
    """The network's input, [0, 1], to L* (0 to 100)."""
    return luminance * LUMINANCE_RANGE


def encode_chrominance(ab: np.ndarray) -> np.ndarray:
    """ab in Lab units to the network's target, [0, 1]; clipped at -100 and 100."""
    return np.clip((ab + CHROMINANCE_OFFSET) / CHROMINANCE_RANGE, 0, 1)


def decode_chrominance(chrominance: Array) -> Array:
    """The network's output, [0, 1], to ab in Lab units."""
    return chrominance * CHROMINANCE_RANGE - CHROMINANCE_OFFSET


def linear_to_srgb(linear: np.ndarray) -> np.ndarray:
    """Light in [0, 1], any shape, to sRGB in [0, 1]."""
    return np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)


def to_bytes(unit: np.ndarray) -> np.ndarray:
    """[0, 1] to uint8, rounded."""
    return np.rint(unit * BYTE_RANGE).astype(np.uint8)


def from_bytes(values: Array) -> Array:
    """Float values 0 to 255 (numpy or any tensor) to [0, 1]."""
    return values / BYTE_RANGE


def rmse_ab(mean_squared_error: float) -> float:
    """Mean squared error of encoded chrominance to root mean squared error in Lab units."""
    return CHROMINANCE_RANGE * float(mean_squared_error) ** 0.5


def lab_to_rgb(lightness: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """Lab to 8-bit sRGB of the same L*.

    A colour that sRGB does not hold at its L* loses chroma, at constant hue, until sRGB does.
    Clipping the channels instead would shift L* by several units.

    Args:
        lightness: L*, 0 to 100, shape (...).
        ab: a* and b*, shape (..., 2).

    Returns:
        uint8 (..., 3), whose L* is within 1.0 of `lightness`.
    """
    shape, ab = np.shape(lightness), np.asarray(ab)
    fy, fa, fb = map(_flat, (lightness, ab[..., 0], ab[..., 1]))
    # White and black hold no chroma: a page of them need not be fitted pixel by pixel.
    holds = (fy > 0) & (fy < LUMINANCE_RANGE)
    fy = (np.clip(fy, 0, LUMINANCE_RANGE) + 16) / 116
    fa, fb = fa / 500 * holds, fb / 200 * holds
    rgb = np.empty((fy.size, 3), np.uint8)
    outside_of_blocks = [np.empty(0, int)]
    for start in range(0, len(rgb), _BLOCK):
        block = slice(start, start + _BLOCK)
        linear = linear_rgb(fy[block], fa[block], fb[block])
        rgb[block] = _levels(linear)
        outside_of_blocks.append(start + np.flatnonzero(~_in_gamut(linear)))
    outside = np.concatenate(outside_of_blocks)
    if outside.size:
        rgb[outside] = _levels(_fitted_linear_rgb(fy[outside], fa[outside], fb[outside]))
    return rgb.reshape(*shape, 3)


def _flat(plane: np.ndarray) -> np.ndarray:
    return np.asarray(plane, np.float32).reshape(-1)


def _fitted_linear_rgb(fy: np.ndarray, fa: np.ndarray, fb: np.ndarray) -> np.ndarray:
    """Linear sRGB (3, pixels) with as much of the chroma as sRGB holds."""
    share = np.zeros_like(fy)  # of the chroma
    for halving in range(1, _BISECTIONS + 1):
        more = share + np.float32(0.5**halving)
        inside = _in_gamut(linear_rgb(fy, fa * more, fb * more))
        share = np.where(inside, more, share)
    return linear_rgb(fy, fa * share, fb * share)


def linear_rgb(fy: np.ndarray, fa: np.ndarray, fb: np.ndarray) -> np.ndarray:
    """Linear sRGB (3, pixels), unclipped; scikit-image's own clips, which would hide the gamut.

    Args:
        fy, fa, fb: float32 (pixels,); (L* + 16) / 116, a* / 500 and b* / 200.
    """
    f = np.empty((3, fy.size), np.float32)
    f[0], f[1], f[2] = fy + fa, fy, fy - fb
    cubic = np.maximum(f, np.float32(6 / 29))  # below it CIE's cube goes on as a straight line
    xyz = cubic * cubic * cubic + (f - cubic) / np.float32(7.787)
    return _white_to_linear() @ xyz


def _in_gamut(linear: np.ndarray) -> np.ndarray:
    return np.all((linear >= -_SLACK) & (linear <= 1 + _SLACK), axis=0)


@functools.cache
def _white_to_linear() -> np.ndarray:
    """Matrix (3, 3) from XYZ relative to white to linear sRGB."""
    matrix = np.linalg.inv(_XYZ_FROM_RGB) * _WHITE
    # Rounded constants leave white off by 1e-4; greys must come out grey.
    return (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)


def _levels(linear: np.ndarray) -> np.ndarray:
    """8-bit sRGB (pixels, 3) of linear sRGB (3, pixels)."""
    red, green, blue = _gamma_table().take(_table_index(linear))
    return np.stack([red, green, blue], axis=-1)  # a transposed view takes long to copy


def _table_index(values: np.ndarray) -> np.ndarray:
    """Entries of the tables over [0, 1] that are nearest to float32 values; clips."""
    return np.clip(values * (_STEPS - 1) + np.float32(0.5), 0, _STEPS - 1).astype(np.uint16)


@functools.cache
def _gamma_table() -> np.ndarray:
    """8-bit sRGB of evenly spaced linear values in [0, 1]."""
    return to_bytes(linear_to_srgb(np.linspace(0, 1, _STEPS)))


@functools.cache
def _share_tables() -> np.ndarray:
    """What 8-bit red, green and blue add to `_table_index` of X, Y and Z relative to white.

    Returns:
        float32 (3 of XYZ, 3 of RGB, 256 levels).
    """
    shares = (_XYZ_FROM_RGB / _WHITE[:, None])[..., None]
    tables = shares * srgb_to_linear(_LEVELS) * (_STEPS - 1)
    tables[:, 0] += 0.5  # so that cutting the sum off rounds it
    return tables.astype(np.float32)


@functools.cache
def _lab_f_of_linear() -> np.ndarray:
    """CIE's f of evenly spaced shares in [0, 1]."""
    return _lab_f(np.linspace(0, 1, _STEPS)).astype(np.float32)


@functools.cache
def _luminance_byte_of_linear() -> np.ndarray:
    """Encoded L* of evenly spaced Y in [0, 1], as a byte."""
    return to_bytes(encode_luminance(_lightness_of_linear()))


@functools.cache
def _lightness_of_linear() -> np.ndarray:
    """L* of evenly spaced Y in [0, 1]."""
    return (116 * _lab_f(np.linspace(0, 1, _STEPS)) - 16).astype(np.float32)


@functools.cache
def _lightness_of_gray() -> np.ndarray:
    """L* of evenly spaced sRGB greys in [0, 1]."""
    return rgb_to_lab(np.repeat(np.linspace(0, 1, _STEPS)[:, None], 3, axis=1))[:, 0]


@functools.cache
def _lightness_of_byte() -> np.ndarray:
    """L* of the 256 sRGB greys."""
    return rgb_to_lightness(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1))
