"""Saving pictures, whole or not at all, with as much of their metadata as the format holds."""

import os

from PIL import Image

from colornet.errors import ImageError
from colornet.files import printable, write_whole

# Formats that hold colour well, with the ending of each; any other input becomes PNG.
ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WEBP": ".webp", "BMP": ".bmp"}
FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".bmp": "BMP",
}
HOLDS_ALPHA = ("PNG", "TIFF", "WEBP")
HOLDS_EXIF = ("JPEG", "PNG", "TIFF", "WEBP")
LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}  # pixels that the format can hold
LONGEST_EXIF = {"JPEG": 65527}  # bytes


def save(image, path, alpha=None, exif=b"", quality=95):
    """Save a coloured PIL image, with as much of its picture's alpha and EXIF as the format holds.

    Args:
        image: RGB.
        path: its ending is one of FORMATS.
        alpha: uint8 (height, width), or None. Formats without alpha get a white ground.
        exif: EXIF bytes.
        quality: of JPEG and WebP, 1 to 100.

    Raises:
        ImageError: with the reason; nothing is left behind.
    """
    kind = FORMATS[os.path.splitext(path)[1].lower()]
    longest = LONGEST_SIDE.get(kind)
    if longest and max(image.size) > longest:
        raise ImageError(f"{kind} holds at most {longest} pixels a side; choose another --format")
    if alpha is not None:
        alpha = Image.fromarray(alpha)
        if kind in HOLDS_ALPHA:
            image.putalpha(alpha)
        else:
            image = Image.composite(image, Image.new("RGB", image.size, "white"), alpha)
    options = {"format": kind}
    if kind in HOLDS_EXIF and 0 < len(exif) <= LONGEST_EXIF.get(kind, len(exif)):
        options["exif"] = exif
    if kind in ("JPEG", "WEBP"):
        options["quality"] = quality
    if kind == "JPEG":
        options["subsampling"] = 0  # colour at full size: it is what the program made
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        save_image(image, path, **options)
    except Exception as error:  # Pillow's encoders raise nearly anything
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImageError(
            f"cannot save {printable(path)}: {reason or type(error).__name__}"
        ) from None


def save_image(image, path, **options):
    """Save a PIL image whole or not at all; raises OSError."""
    write_whole(path, lambda partial: image.save(partial, **options))
