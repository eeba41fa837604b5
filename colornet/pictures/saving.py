"""Saving pictures, whole or not at all, with as much of their metadata as the format holds."""

import os
import struct
import textwrap
from typing import Any, BinaryIO, cast

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

from colornet.errors import ImageError
from colornet.files import printable, whole_file
from colornet.pictures.formats import FORMAT_OF
from colornet.pictures.metadata import IPTC_RESOURCE, IPTC_TAG, IPTC_TEXT, Metadata, exif_of

QUALITY = 95  # of JPEG and WebP
HOLDS_ALPHA = ("PNG", "TIFF", "WEBP")
HOLDS_EXIF = ("JPEG", "PNG", "TIFF", "WEBP")
LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}  # pixels that the format can hold
_LONGEST_SEGMENT = 65000  # bytes of one kind of metadata in a JPEG
_XMP_TAG = 700  # of a TIFF
_PNG_XMP = "XML:com.adobe.xmp"


def save(
    image: Image.Image,
    path: str | os.PathLike[str],
    alpha: np.ndarray | None = None,
    metadata: Metadata = Metadata(),  # noqa: B008 (it cannot be changed)
    quality: int = QUALITY,
) -> None:
    """Save a coloured picture, with as much of its alpha and metadata as the format holds.

    Args:
        image: RGB.
        path: its ending is one of `formats.FORMAT_OF`.
        alpha: uint8 (height, width), or None. Formats without alpha get a white ground.
        metadata: of its `Picture`.
        quality: of JPEG and WebP, 1 to 100.

    Raises:
        ImageError: with the reason; nothing is left behind.
    """
    kind = FORMAT_OF[os.path.splitext(path)[1].lower()]
    longest = LONGEST_SIDE.get(kind)
    if longest and max(image.size) > longest:
        raise ImageError(f"{kind} holds at most {longest} pixels a side; choose another --format")
    if alpha is not None:
        image = _with_alpha(image, kind, Image.fromarray(alpha))
    options = _metadata_options(kind, metadata)
    if kind in ("JPEG", "WEBP"):
        options["quality"] = quality
    if kind == "JPEG":
        options["subsampling"] = 0  # colour at full size: it is what the program made
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        save_image(image, path, format=kind, **options)
    except Exception as error:  # Pillow's encoders raise nearly anything
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImageError(
            f"cannot save {printable(path)}: {reason or type(error).__name__}"
        ) from None


def _with_alpha(image: Image.Image, kind: str, alpha: Image.Image) -> Image.Image:
    if kind not in HOLDS_ALPHA:
        return Image.composite(image, Image.new("RGB", image.size, "white"), alpha)
    image.putalpha(alpha)
    return image


def _metadata_options(kind: str, metadata: Metadata) -> dict[str, Any]:
    """What Pillow's `save` takes of a picture's metadata for a format."""
    options: dict[str, Any] = {}
    xmp = metadata.xmp
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    if kind not in HOLDS_EXIF:
        return options
    exif = exif_of(metadata.exif)
    if kind == "TIFF":
        exif.update({tag: value for tag, value in ((_XMP_TAG, xmp), (IPTC_TAG, metadata.iptc))
                     if value})  # fmt: skip
    if kind == "WEBP" and metadata.dpi:  # it has no field of its own for it
        across, down = metadata.dpi
        base = ExifTags.Base
        exif.update({base.XResolution: across, base.YResolution: down, base.ResolutionUnit: 2})
    if kind == "PNG":
        options["pnginfo"] = _png_texts(metadata)
    if kind == "JPEG":
        options["extra"] = _photoshop_segment(metadata.iptc)
    if kind == "WEBP" or kind == "JPEG" and len(xmp) <= _LONGEST_SEGMENT:
        options["xmp"] = xmp
    if len(exif) and (kind != "JPEG" or len(metadata.exif) <= _LONGEST_SEGMENT):
        options["exif"] = exif
    return options


def _png_texts(metadata: Metadata) -> PngImagePlugin.PngInfo:
    texts = PngImagePlugin.PngInfo()
    for word, text in metadata.texts:
        texts.add_text(word, text)
    if metadata.xmp:
        # Not packed, as XMP's specification asks: many readers refuse long ones that are.
        texts.add_itxt(_PNG_XMP, metadata.xmp.decode(errors="replace"))
    if metadata.iptc:
        block = _photoshop_block(metadata.iptc)
        lines = ["", "iptc", f"{len(block):8}", *textwrap.wrap(block.hex(), 72), ""]
        texts.add_text(IPTC_TEXT, "\n".join(lines), zip=True)
    return texts


def _photoshop_block(iptc: bytes) -> bytes:
    padded = iptc + bytes(len(iptc) % 2)
    return b"8BIM" + struct.pack(">HHI", IPTC_RESOURCE, 0, len(iptc)) + padded


def _photoshop_segment(iptc: bytes) -> bytes:
    """IPTC as a segment of a JPEG; b"" without, or where it is too long for one."""
    if not 0 < len(iptc) <= _LONGEST_SEGMENT:
        return b""
    body = b"Photoshop 3.0\0" + _photoshop_block(iptc)
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def save_image(image: Image.Image, path: str | os.PathLike[str], **options: Any) -> None:
    """Save a PIL image whole or not at all, in the format of its ending.

    Raises:
        ImageError: the ending is not one of `formats.FORMAT_OF`.
        OSError: it cannot be written.
    """
    kind = options.pop("format", None) or FORMAT_OF.get(os.path.splitext(path)[1].lower())
    if not kind:
        raise ImageError(f"{printable(path)}: expected a name with {', '.join(FORMAT_OF)}")
    with whole_file(path) as file:
        image.save(cast(BinaryIO, Stream(file)), format=kind, **options)


class Stream:
    """A file for Pillow's encoders, without its descriptor: written to by that, errors are lost."""

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.seek, self.tell, self.flush = file.write, file.seek, file.tell, file.flush
