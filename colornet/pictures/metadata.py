"""What a colored picture keeps of its file: EXIF, IPTC, XMP, a PNG's texts, its resolution."""

import contextlib
import dataclasses
import re
from collections.abc import MutableMapping
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from colornet.versions import VERSION

IPTC_RESOURCE = 0x0404  # of Photoshop's blocks in a JPEG
IPTC_TAG = 33723  # of a TIFF
_PHOTOSHOP_TAG = 34377  # of a TIFF
IPTC_TEXT = "Raw profile type iptc"  # of a PNG: Photoshop's blocks in hexadecimal digits
_LONGEST_TEXT = 4000  # characters of a PNG's that go into EXIF, which a JPEG holds 64 KB of
# PNG's own keywords, and the EXIF that says the same.
_TEXTS: dict[str, int | None] = {
    "Title": None,
    "Author": ExifTags.Base.Artist,
    "Description": ExifTags.Base.ImageDescription,
    "Copyright": ExifTags.Base.Copyright,
    "Creation Time": None,
    "Software": ExifTags.Base.Software,
    "Disclaimer": None,
    "Warning": None,
    "Source": None,
    "Comment": None,
}
_INCHES = {2: 1.0, 3: 2.54}  # of EXIF's and TIFF's units; the third, 1, is none
_MOST_DPI = 65535  # that a JPEG holds; what is beyond is no resolution
# XMP that is no longer true of the output: gain maps, films and pictures behind the picture, color
# mode, raw settings, layout, and what refers to parts of the file that are left out.
_XMP_UNTRUE = (
    rb"(?:hdrgm|HDRGainMap|apdi|Container|Item|crs|GDepth|GImage|GContainer|GAudio):[\w-]+"
    rb"|\w+:(?:MotionPhoto|MicroVideo)\w*|photoshop:(?:ColorMode|ICCProfile)|dc:format"
    rb"|tiff:(?!Make\b|Model\b|Orientation\b|Artist\b|Copyright\b|Software\b|DateTime\b"
    rb"|ImageDescription\b)\w+"
    rb"|exif:(?:PixelXDimension|PixelYDimension|ColorSpace)|xmp:Thumbnails|xmpNote:HasExtendedXMP"
)
_XMP_DROPPED = re.compile(
    rb"<(" + _XMP_UNTRUE + rb")(?:\s[^>]*)?(?:(?<=/)>|>.*?</\1\s*>)"
    rb"|\s(?:" + _XMP_UNTRUE + rb")\s*=\s*(?:\"[^\"]*\"|'[^']*')",
    re.DOTALL,
)
_XMP_PREFIX = re.compile(rb"\sxmlns:([\w-]+)\s*=\s*(?:\"[^\"]*\"|'[^']*')")
# What the colored picture says in place of the source; web/files/xmp.js says the same.
_XMP_END = b"</rdf:RDF>"
_XMP_EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta>'
    b'<?xpacket end="w"?>'
)
_XMP_COMPUTED = (
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    b'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    b'xmp:CreatorTool="Let there be Color ' + VERSION.encode() + b'" '
    b'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/'
    b'compositeWithTrainedAlgorithmicMedia"/>'
)
_XMP_SAID_BEFORE = re.compile(
    rb"\s(?:xmp:CreatorTool|Iptc4xmpExt:DigitalSourceType)\s*=\s*(?:\"[^\"]*\"|'[^']*')"
    rb"|<(xmp:CreatorTool|Iptc4xmpExt:DigitalSourceType)(?:\s[^>]*)?>.*?</\1>",
    re.DOTALL,
)
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)(\d)")

# EXIF that tells of the photograph; the rest tells how its file is laid out, or which way is up.
_EXIF_KEPT = tuple(
    ExifTags.Base[name]
    for name in (
        "ImageDescription",
        "Make",
        "Model",
        "Software",
        "DateTime",
        "Artist",
        "Copyright",
        "Rating",
        "RatingPercent",
        "XPTitle",
        "XPComment",
        "XPAuthor",
        "XPKeywords",
        "XPSubject",
    )
)


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What is known of an upright sRGB picture beside its pixels.

    Attributes:
        exif: EXIF bytes without orientation and resolution, or b"".
        iptc: IPTC-IIM bytes (caption, credit, rights), or b"".
        xmp: an XMP packet, or b"".
        dpi: (across, down) in dots an inch, or None.
        texts: (keyword, text) of a PNG; where EXIF has a place for one, it is there too.
    """

    exif: bytes = b""
    iptc: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    texts: tuple[tuple[str, str], ...] = ()


def read_metadata(
    image: Image.Image, exif: Image.Exif, shape: tuple[int, ...], turned: bool
) -> Metadata:
    """The Metadata of an opened PIL image.

    Args:
        image: whose `info` is read.
        exif: its Image.Exif.
        shape: (height, width) upright.
        turned: whether it lies on its side in the file.
    """
    dpi = _resolution(image, exif)
    xmp = image.info.get("xmp")
    info = image.info if image.format == "PNG" else {}
    texts = {word: text for word in _TEXTS if isinstance(text := info.get(word), str)}
    return Metadata(
        _exif_bytes(exif, shape, texts),
        _iptc(image.info, exif),
        _still_true(xmp) if isinstance(xmp, bytes) else b"",
        dpi[::-1] if dpi and turned else dpi,
        tuple(texts.items()),
    )


def computed_colors(xmp: bytes) -> bytes:
    """Return an XMP packet that says that a picture's colors were computed.

    Args:
        xmp: the packet of the source, or b"".
    """
    packet = _XMP_SAID_BEFORE.sub(b"", xmp) if _XMP_END in xmp else _XMP_EMPTY
    return packet.replace(_XMP_END, _XMP_COMPUTED + _XMP_END, 1)


def _still_true(xmp: bytes) -> bytes:
    """Return an XMP packet without what is not true of the upright sRGB picture."""
    kept = _XMP_DROPPED.sub(b"", _XMP_ORIENTATION.sub(rb"\g<1>1", xmp))
    if len(kept) == len(xmp):
        return kept
    named = _XMP_PREFIX.sub(b"", kept)
    used = set(re.findall(rb"[<\s/]([\w-]+):", named))
    return _XMP_PREFIX.sub(lambda found: found[0] if found[1] in used else b"", kept)


def orientation_of(image: Image.Image, exif: Image.Exif) -> int:
    """Orientation, as of EXIF, by a file's EXIF or else its XMP; 1 where it says none."""
    xmp = image.info.get("xmp")
    said = None
    # Pillow has turned TIFFs, and containers of these two kinds say it in a box of their own.
    if image.format not in ("TIFF", "HEIF", "AVIF") and isinstance(xmp, bytes):
        said = _XMP_ORIENTATION.search(xmp)
    return exif.get(ExifTags.Base.Orientation, int(said[2]) if said else 1)


def _resolution(image: Image.Image, exif: Image.Exif) -> tuple[float, float] | None:
    dpi = image.info.get("dpi")
    try:
        if dpi is None or image.format == "TIFF":  # what Pillow makes up for TIFFs without one
            inches = _INCHES.get(exif.get(ExifTags.Base.ResolutionUnit, 2), 0)
            tags = (exif.get(ExifTags.Base[name]) for name in ("XResolution", "YResolution"))
            dpi = [float(tag or 0) * inches for tag in tags]
        across, down = map(float, dpi)
    except (TypeError, ValueError, ArithmeticError):  # text, bytes, and the like
        return None
    return (across, down) if 0 < across <= _MOST_DPI and 0 < down <= _MOST_DPI else None


def _iptc(info: dict[Any, Any], exif: Image.Exif) -> bytes:
    """IPTC-IIM bytes of a JPEG's, a PNG's or a TIFF's metadata, or b""."""
    iptc = info.get("photoshop", {}).get(IPTC_RESOURCE) or exif.get(IPTC_TAG, b"")
    if isinstance(iptc, tuple):  # some writers declare the bytes as 32-bit numbers
        iptc = np.array(iptc, (exif.endian or "<") + "u4").tobytes()
    if isinstance(iptc, bytes) and iptc:
        return iptc
    blocks = exif.get(_PHOTOSHOP_TAG, b"")
    if digits := info.get(IPTC_TEXT):  # after an empty line, the kind and the length
        with contextlib.suppress(ValueError):
            blocks = bytes.fromhex("".join(digits.split("\n")[3:]))
    return _iptc_of(blocks) if isinstance(blocks, bytes) else b""


def _iptc_of(blocks: bytes) -> bytes:
    """IPTC among Photoshop's blocks, or b""; some writers put it there alone."""
    if blocks.startswith(b"\x1c"):
        return blocks
    place = 0
    while blocks[place : place + 4] == b"8BIM" and place + 12 <= len(blocks):
        kind = int.from_bytes(blocks[place + 4 : place + 6])
        start = place + 6 + (blocks[place + 6] // 2 + 1) * 2 + 4  # after a name and the length
        end = start + int.from_bytes(blocks[start - 4 : start])
        if kind == IPTC_RESOURCE:
            return blocks[start:end]
        place = end + end % 2
    return b""


def exif_of(data: bytes) -> Image.Exif:
    """Image.Exif of EXIF bytes, or b"", that Pillow writes as it is."""
    exif = Image.Exif()
    if data:
        exif.load(data)
    for values in (exif, *map(exif.get_ifd, (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo))):
        values.update(_as_they_are(values))
    return exif


class _Text(str):
    """A text of EXIF. Pillow reads these as Latin-1, and would write "?" for what is not ASCII."""

    def encode(self, encoding: str = "", errors: str = "") -> bytes:
        return super().encode("latin-1", "replace")


def _as_they_are(values: MutableMapping[int, Any]) -> dict[int, Any]:
    return {tag: _Text(value) if isinstance(value, str) else value for tag, value in values.items()}


def _exif_bytes(exif: Image.Exif, shape: tuple[int, ...], texts: dict[str, str]) -> bytes:
    kept = Image.Exif()
    now: dict[int, int] = {
        ExifTags.Base.ColorSpace: 1,
        ExifTags.Base.ExifImageWidth: shape[1],
        ExifTags.Base.ExifImageHeight: shape[0],
    }
    try:
        said = {
            tag: text.encode().decode("latin-1")
            for word, text in texts.items()
            if (tag := _TEXTS[word]) and len(text) <= _LONGEST_TEXT
        }
        said |= {tag: exif[tag] for tag in _EXIF_KEPT if tag in exif}
        kept.update(_as_they_are(said))
        details, place = map(exif.get_ifd, (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo))
        details = {
            tag: now.get(tag, value)
            for tag, value in details.items()
            if tag != ExifTags.IFD.Interop
        }
        kept.update(
            {
                tag: _as_they_are(values)
                for tag, values in ((ExifTags.IFD.Exif, details), (ExifTags.IFD.GPSInfo, place))
                if values
            }
        )
        return kept.tobytes() if len(kept) else b""
    except Exception:  # damaged EXIF is no reason to refuse a picture
        return b""
