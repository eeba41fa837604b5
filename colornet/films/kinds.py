"""Which files are films, by what they hold; does without PyAV."""

import importlib.util
import os

from PIL import Image

ENDINGS = frozenset(
    ".264 .265 .3g2 .3gp .asf .avi .divx .dv .f4v .flv .h264 .h265 .hevc .ivf .m1v .m2ts .m2v "
    ".m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .nut .ogm .ogv .qt .rm .rmvb .ts .vob .webm .wmv "
    ".y4m".split()
)
_KEPT_ENDINGS = (".mp4", ".m4v", ".mov", ".mkv")  # of outputs

# What films begin with: (where, bytes).
_BEGINNINGS = (
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (8, b"AVI "),
    (0, b"FLV"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF, WMV
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream
    (0, b"\x00\x00\x01\xb3"),  # MPEG video
    (0, b"\x00\x00\x00\x01"),  # H.264 and H.265 by themselves
    (0, b"OggS"),
    (0, b"\x06\x0e\x2b\x34"),  # MXF
    (0, b"DKIF"),  # IVF
    (0, b"YUV4MPEG2"),
    (0, b".RMF"),
    (4, b"moov"),
    (4, b"mdat"),
    (4, b"wide"),
)
# Brands of the MP4 family that are pictures: HEIC, AVIF, Canon's raw.
_PICTURE_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"miaf",
                   b"avif", b"avis", b"crx ")  # fmt: skip
_PACKETS = (188, 192)  # bytes; of MPEG transport streams, of Blu-ray's


def is_film(path: str) -> bool:
    """Whether a file is a film and not a picture, by its beginning.

    A file that begins like neither is what its ending says.
    """
    if not os.path.isfile(path):  # opening a pipe would wait for its other end
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(1024)
    except OSError:
        return False  # opening it as a picture gives the reason
    if head[4:8] == b"ftyp":
        return head[8:12] not in _PICTURE_BRANDS
    if any(head.startswith(bytes_, where) for where, bytes_ in _BEGINNINGS):
        return True
    if any(_packets_begin(head, size) for size in _PACKETS):
        return True
    if head.startswith(b"\x89PNG"):
        return b"acTL" in head  # an animated PNG says so before its first picture
    if head.startswith(b"GIF8"):
        return _is_animated(path)
    return is_film_name(path) and not _is_picture(path)


def output_ending(ending: str) -> str:
    """Return the ending of a colored film: its own, .mp4 of an animated picture, else .mkv."""
    if ending.lower() in _KEPT_ENDINGS:
        return ending
    return ".mp4" if ending.lower() in (".gif", ".png", ".apng") else ".mkv"


def can_be_read() -> bool:
    """Whether PyAV is installed; pictures do without."""
    return importlib.util.find_spec("av") is not None


def is_film_name(path: str) -> bool:
    """Whether a file's ending is one that films have."""
    return os.path.splitext(path)[1].lower() in ENDINGS


def _packets_begin(head: bytes, size: int) -> bool:
    first = size - 188  # Blu-ray's have a time before each packet
    return len(head) > first + 3 * size and head[first : first + 4 * size : size] == b"GGGG"


def _is_animated(path: str) -> bool:
    try:
        with Image.open(path) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:  # opening it as a picture gives the reason
        return False


def _is_picture(path: str) -> bool:
    try:
        with Image.open(path):
            return True
    except Exception:  # Pillow raises nearly anything on damaged bytes
        return False
