"""From an opened file to pixels: upright, in sRGB."""

import dataclasses

import numpy as np
from PIL import ExifTags

from colornet.errors import ImageError
from colornet.pictures.metadata import exif_bytes
from colornet.pictures.profiles import gray_curve, profile_transform

BAND_PIXELS = 1 << 20  # pixels converted at a time, so that no second copy is made of the whole
GRAY_16_BIT = ("I;16", "I;16B", "I;16L", "I;16N")

# The file's rows as a view of the upright array, by EXIF orientation.
_ROWS_OF_FILE = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


@dataclasses.dataclass
class Picture:
    """An opened picture, upright.

    Attributes:
        pixels: uint8 (height, width, 3) sRGB; or float32 (height, width) grey in [0, 1], where
            the file holds more than 8 bits of grey.
        alpha: uint8 (height, width), or None.
        exif: EXIF bytes without orientation, or b"".
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    exif: bytes


def decoded(image, max_pixels):
    """The Picture of an opened PIL image; works in bands of rows, to need little memory."""
    image.load()
    check_size(image, max_pixels)  # icons hold pictures of other sizes than they declare
    exif = image.getexif()
    as_in_file = _ROWS_OF_FILE.get(exif.get(ExifTags.Base.Orientation), lambda upright: upright)
    shape = as_in_file(np.empty((image.height, image.width), np.bool_)).shape
    deep = image.mode in GRAY_16_BIT or image.mode in "IF"
    alpha = np.empty(shape, np.uint8) if image.has_transparency_data else None
    pixels = np.empty(shape, np.float32) if deep else np.empty((*shape, 3), np.uint8)
    convert = _deep_gray_conversion(image) if deep else _srgb_conversion(image)
    rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        band = image.crop((0, top, image.width, bottom))
        as_in_file(pixels)[top:bottom] = convert(band)
        if alpha is not None:
            as_in_file(alpha)[top:bottom] = _alpha_of(band, deep)
    return Picture(pixels, alpha, exif_bytes(exif, shape))


def _alpha_of(band, deep):
    if deep:  # one grey value stands for transparent
        return np.where(np.asarray(band) == band.info["transparency"], 0, 255)
    return np.asarray(band.convert("RGBA").getchannel("A"))


def _deep_gray_conversion(image):
    """Function from a band of more than 8 bits of grey to float32 in [0, 1]."""
    top = 65535.0
    if image.mode in "IF":  # 32 bits that may span anything
        values = np.asarray(image)
        most = float(np.max(values, initial=0, where=np.isfinite(values)))
        top = next((top for top in (1.0, 255.0, 65535.0) if most <= top), most)
        top = 65535.0 if image.mode == "I" and most <= 65535 else top
    curve = gray_curve(image.info.get("icc_profile"))

    def convert(band):
        gray = np.clip(np.nan_to_num(np.asarray(band, np.float32)) / np.float32(top), 0, 1)
        return gray if curve is None else np.interp(gray, np.linspace(0, 1, curve.size), curve)

    return convert


def _srgb_conversion(image):
    """Function from a band of a PIL image to uint8 (rows, width, 3)."""
    # Lab numbers mean the same everywhere; a profile beside them is the printer's.
    profile = image.info.get("icc_profile") if image.mode != "LAB" else None
    mode = {"LA": "L", "L": "L", "1": "L", "CMYK": "CMYK", "LAB": "LAB"}.get(image.mode, "RGB")
    transform = profile_transform(profile, mode)

    def convert(band):
        if band.mode != mode:
            if band.has_transparency_data and band.mode != "LA":
                band = band.convert("RGBA")
            band = band.convert(mode)
        return np.asarray(transform.apply(band) if transform else band.convert("RGB"))

    return convert


def check_size(image, max_pixels):
    if image.width * image.height > max_pixels:
        raise ImageError(
            f"too many pixels: {image.width} x {image.height}, more than {max_pixels:,}; "
            "scale it down, or colour it with a larger --max-pixels"
        )
