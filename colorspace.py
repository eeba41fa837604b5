"""RGB <-> CIE L*a*b*, and the network's encoding of it. No other file holds a colour constant.

Lab is D65, 2 degree observer: L* 0 to 100, a* and b* about -110 to 110. The network's input is
luminance L* / 100 and its target chrominance (ab + 100) / 200, clipped to [0, 1] (section 4 of
the paper; the same decoding as in the authors' release).
"""

import functools

import numpy as np
from skimage import color

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

_BISECTIONS = 12  # halvings of the chroma scale: finer than one 8-bit step
_GAMMA_STEPS = 1 << 16  # entries of the linear-to-sRGB table
_SLACK = 0.2 / BYTE_RANGE / 12.92  # linear light below 0 that still rounds to 0


def rgb_to_lab(rgb):
    """sRGB (..., 3), uint8 or float in [0, 1], to float32 Lab (..., 3)."""
    if rgb.dtype == np.uint8:
        rgb = rgb.astype(np.float32) / np.float32(BYTE_RANGE)
    return color.rgb2lab(rgb.astype(np.float32, copy=False)).astype(np.float32, copy=False)


def grey_to_lightness(grey):
    """L* of sRGB grey values in [0, 1], any shape; exact for every bit depth."""
    levels = np.asarray(grey, np.float32)
    return rgb_to_lab(np.repeat(levels[..., None], 3, axis=-1))[..., 0]


def encode_luminance(lightness):
    """L* (0 to 100) to the network's input, [0, 1]."""
    return lightness / LUMINANCE_RANGE


def decode_luminance(luminance):
    """The network's input, [0, 1], to L* (0 to 100)."""
    return luminance * LUMINANCE_RANGE


def encode_chrominance(ab):
    """ab in Lab units to the network's target, [0, 1]; clipped at -100 and 100."""
    return np.clip((ab + CHROMINANCE_OFFSET) / CHROMINANCE_RANGE, 0, 1)


def decode_chrominance(chrominance):
    """The network's output, [0, 1], to ab in Lab units."""
    return chrominance * CHROMINANCE_RANGE - CHROMINANCE_OFFSET


def to_bytes(unit):
    """[0, 1] to uint8, rounded."""
    return np.rint(unit * BYTE_RANGE).astype(np.uint8)


def from_bytes(values):
    """Float values 0 to 255 (numpy or any tensor) to [0, 1]."""
    return values / BYTE_RANGE


def rmse_ab(mean_squared_error):
    """Mean squared error of encoded chrominance to root mean squared error in Lab units."""
    return CHROMINANCE_RANGE * float(mean_squared_error) ** 0.5


def lab_to_rgb(lightness, ab):
    """Lab to 8-bit sRGB of the same L*.

    A colour that sRGB does not hold at its L* loses chroma, at constant hue, until sRGB does.
    Clipping the channels instead would shift L* by several units.

    Args:
        lightness: L*, 0 to 100, shape (...).
        ab: a* and b*, shape (..., 2).

    Returns:
        uint8 (..., 3), whose L* is within 1.0 of `lightness`.
    """
    lightness = np.clip(np.asarray(lightness, np.float32), 0, LUMINANCE_RANGE)
    ab = np.asarray(ab, np.float32)
    linear = _linear_rgb(lightness, ab)
    outside = np.flatnonzero(~_in_gamut(linear).reshape(-1))
    if outside.size:
        flat = linear.reshape(-1, 3)
        flat[outside] = _reduce_chroma(lightness.reshape(-1)[outside], ab.reshape(-1, 2)[outside])
    index = np.clip(linear * (_GAMMA_STEPS - 1) + 0.5, 0, _GAMMA_STEPS - 1).astype(np.uint16)
    return _gamma_table()[index]


def _linear_rgb(lightness, ab):
    """Linear sRGB, unclipped, (..., 3). scikit-image's own clips, which would hide the gamut."""
    fy = (lightness + 16) / 116
    f = np.stack([fy + ab[..., 0] / 500, fy, fy - ab[..., 1] / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f * f * f, (f - 16 / 116) / 7.787)
    return xyz @ _white_to_linear()


def _in_gamut(linear):
    return (linear.min(axis=-1) >= -_SLACK) & (linear.max(axis=-1) <= 1 + _SLACK)


def _reduce_chroma(lightness, ab):
    """Linear sRGB of each colour at the largest share of its chroma that is in the gamut."""
    low, high = np.zeros_like(lightness), np.ones_like(lightness)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        inside = _in_gamut(_linear_rgb(lightness, ab * middle[:, None]))
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return _linear_rgb(lightness, ab * low[:, None])


@functools.cache
def _white_to_linear():
    """Matrix (3, 3) from XYZ relative to white to linear sRGB, for row vectors."""
    white = color.xyz_tristimulus_values(illuminant="D65", observer="2")
    return (np.asarray(color.colorconv.rgb_from_xyz) * white).T.astype(np.float32)


@functools.cache
def _gamma_table():
    """8-bit sRGB of evenly spaced linear values in [0, 1]."""
    linear = np.linspace(0, 1, _GAMMA_STEPS)
    encoded = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return to_bytes(encoded)
