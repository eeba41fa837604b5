"""HDR's curves PQ and HLG (ITU-R BT.2100), and pictures of them converted to sRGB."""

import re

import numpy as np

from colornet.pictures import colorspace

# ITU-T H.273's numbers of transfer characteristics; any other is taken for sRGB's.
PQ, HLG, SDR = 16, 18, 1
BT2020 = 9  # its number of primaries
WHITE = 100.0  # cd/m² of HDR's light that count as white, as in SDR mastering (broadcasters: 203)
PICTURE_WHITE = 203.0  # the same of pictures, which cameras expose by ITU-R BT.2408
REMARK = "HDR, taken as sRGB with white at 203 cd/m²; brighter light is cut off"
HLG_PEAK, HLG_GAMMA = 1000.0, 1.2  # cd/m² and system gamma of the display that BT.2100 assumes
_PQ_M1, _PQ_M2 = 2610 / 16384, 2523 / 32
_PQ_C1, _PQ_C2, _PQ_C3 = 107 / 128, 2413 / 128, 2392 / 128
_HLG_A, _HLG_B, _HLG_C = 0.17883277, 0.28466892, 0.55991073
# Linear sRGB to linear BT.2020 (ITU-R BT.2087).
BT2020_OF_SRGB = np.array(
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]], np.float32
)
_CODES = re.compile(rb"colrnclx\x00(.)\x00(.)|\x00\x00\x00\x04cICP(.)(.)", re.DOTALL)


def codes_in(head: bytes) -> tuple[int, int] | None:
    """Return (primaries, transfer) that an AVIF's or PNG's header says, if HDR's; else None."""
    found = {tuple(part[0] for part in code.groups() if part) for code in _CODES.finditer(head)}
    (primaries, transfer), *others = found or [(0, SDR)]
    return None if others or transfer not in (PQ, HLG) else (primaries, transfer)


def light_of(signal: np.ndarray, transfer: int) -> np.ndarray:
    """Convert an HDR signal in [0, 1] to light, of which 1 is WHITE (ITU-R BT.2100)."""
    if transfer == PQ:
        root = np.maximum(signal, 0) ** (1 / _PQ_M2)
        light = np.maximum(root - _PQ_C1, 0) / (_PQ_C2 - _PQ_C3 * root)
        return light ** (1 / _PQ_M1) * (10_000 / WHITE)
    scene = np.where(
        signal <= 0.5, signal * signal / 3, (np.exp((signal - _HLG_C) / _HLG_A) + _HLG_B) / 12
    )
    return scene**HLG_GAMMA * (HLG_PEAK / WHITE)


def signal_of(light: np.ndarray, transfer: int) -> np.ndarray:
    """Convert light, of which 1 is WHITE, to an HDR signal; the inverse of `light_of`."""
    light = np.maximum(light, 0)
    if transfer == PQ:
        power = (light * (WHITE / 10_000)) ** _PQ_M1
        return ((_PQ_C1 + _PQ_C2 * power) / (1 + _PQ_C3 * power)) ** _PQ_M2
    scene = (light * (WHITE / HLG_PEAK)) ** (1 / HLG_GAMMA)
    bright = _HLG_A * np.log(np.maximum(12 * scene - _HLG_B, 1e-6)) + _HLG_C
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


def _picture_light(levels: int, transfer: int) -> np.ndarray:
    return light_of(np.linspace(0, 1, levels), transfer) * (WHITE / PICTURE_WHITE)


def gray_curve(codes: tuple[int, int], levels: int) -> np.ndarray:
    """Return sRGB gray in [0, 1] of evenly spaced grays of an HDR picture, (levels,)."""
    light = _picture_light(levels, codes[1])
    return colorspace.linear_to_srgb(np.minimum(light, 1))


def to_srgb(rgb: np.ndarray, codes: tuple[int, int]) -> np.ndarray:
    """Convert uint8 RGB (..., 3) of an HDR picture to uint8 sRGB; what it lacks is cut off."""
    light = _picture_light(256, codes[1]).astype(np.float32).take(rgb)
    if codes[0] == BT2020:
        light = light @ np.linalg.inv(BT2020_OF_SRGB).T
    return colorspace.to_bytes(colorspace.linear_to_srgb(np.clip(light, 0, 1)))
