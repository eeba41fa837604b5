"""Colour profiles, converted to sRGB."""

import io

import numpy as np
from PIL import Image, ImageCms


def gray_curve(profile):
    """sRGB grey in [0, 1] of 256 evenly spaced greys in a grey profile; None for others."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    transform = profile_transform(profile, "L")
    return transform and np.asarray(transform.apply(ramp))[0, :, 1] / 255


def profile_transform(profile, mode):
    """Transform from a colour profile to sRGB; None without one, or with a damaged one."""
    if not profile and mode != "LAB":
        return None
    try:
        source = (
            ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if profile
            else ImageCms.createProfile("LAB")
        )
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None  # the numbers are taken as sRGB
