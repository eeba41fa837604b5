"""Colour profiles and gamma, converted to sRGB."""

import functools
import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from colornet.pictures import colorspace, hdr

_EXACT = ImageCms.Flags.NOOPTIMIZE  # LittleCMS's short cuts miss dark greys by ten levels
_GAMMA_SRGB, _GAMMA_SLACK = 1 / 2.2, 0.01  # what a PNG of sRGB numbers says, and nearly so

_LEAST_GAMMA, _MOST_GAMMA = 0.2, 3.0  # others are no picture's, but a writer's fault


def gray_curve(info: dict[Any, Any], levels: int = 1 << 16) -> np.ndarray | None:
    """sRGB grey in [0, 1] of evenly spaced greys of a file, (levels,); None where it is the same.

    Args:
        info: of a PIL image: its HDR codes count, its grey profile, or a PNG's gamma.
    """
    if codes := info.get("hdr"):
        return hdr.gray_curve(codes, levels)
    if profile := info.get("icc_profile"):
        return _profile_curve(profile, levels)
    gamma = info.get("gamma")
    if "srgb" in info or not gamma or not _LEAST_GAMMA <= gamma <= _MOST_GAMMA:
        return None
    if abs(gamma - _GAMMA_SRGB) < _GAMMA_SLACK:
        return None
    return colorspace.linear_to_srgb(np.linspace(0, 1, levels) ** (1 / gamma))


@functools.lru_cache(4)
def _profile_curve(profile: bytes, levels: int) -> np.ndarray | None:
    transform = profile_transform(profile, "I;16", _EXACT)
    if not transform:
        return None
    grays = np.linspace(0, 65535, levels).round()
    bytes_of = transform.apply(Image.fromarray(grays.astype(np.uint16)[None]))
    found = np.asarray(bytes_of)[0, :, 1]
    # Between the 8-bit levels it goes on straight, from the middle of the greys of one to the next.
    counts = np.bincount(found, minlength=256)
    used = np.flatnonzero(counts)
    middles = np.bincount(found, grays, minlength=256)[used] / counts[used]
    return np.interp(grays, middles, used / 255)


def byte_table(info: dict[Any, Any], gray: bool, levels: int = 256) -> np.ndarray | None:
    """8-bit sRGB of each of `levels` values of a file; None where it is the same.

    Args:
        info: as of `gray_curve`.
        gray: whether its profile is of greys; those of colours are not of single values.
    """
    by_value = gray or not {"icc_profile", "hdr"} & info.keys()
    curve = gray_curve(info, levels) if by_value else None
    return None if curve is None else colorspace.to_bytes(curve)


def profile_transform(
    profile: bytes | None, mode: str, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> ImageCms.ImageCmsTransform | None:
    """Transform from a colour profile to sRGB; None without one, or with a damaged one."""
    if not profile and mode != "LAB":
        return None
    try:
        srgb = ImageCms.createProfile("sRGB")
        source = (
            ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if profile
            else ImageCms.createProfile("LAB")
        )
        return ImageCms.buildTransform(source, srgb, mode, "RGB", flags=flags)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None  # the numbers are taken as sRGB
