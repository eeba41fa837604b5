"""Opening pictures. Every reason for which one cannot be used is here, or of a module below it."""

import contextlib
import io
import os
import stat
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.AvifImagePlugin import AvifImageFile

from colornet.errors import ImageError, TooManyPixels
from colornet.files import printable
from colornet.pictures import formats, hdr, png, tiff
from colornet.pictures.decoding import (
    Picture,
    PillowSource,
    Psd,
    Source,
    check_size,
    decoded,
    decoded_opaque,
    open_by_pillow,
)
from colornet.pictures.formats import MAX_PIXELS
from colornet.pictures.jpeg import Jpeg, RareJpeg, several
from colornet.shell import missing_package

# What Pillow decodes of the formats of photographs; it knows others, of drawings and measurements.
FORMATS = (
    "JPEG PNG GIF BMP DIB PPM WEBP AVIF JPEG2000 PSD TGA PCX ICO ICNS SGI QOI DDS XBM XPM PCD"
).split()

Reserve = Callable[[int], object]  # function of a number of pixels


def open_picture(
    path: str | os.PathLike[str], max_pixels: int = MAX_PIXELS, reserve: Reserve | None = None
) -> Picture:
    """Open a picture: upright by its EXIF orientation, its colour profile converted to sRGB.

    Args:
        path: any format of photographs; of several frames or pages the first is taken.
        max_pixels: larger pictures are refused before they are decoded.
        reserve: called with the number of pixels before they are decoded, and may wait.

    Raises:
        ImageError: with the reason.
    """
    with _reasons(max_pixels), _opened(path, max_pixels, reserve) as source:
        return decoded(source, max_pixels)


def picture_size(path: str | os.PathLike[str], max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """(width, height) by the header alone, not yet upright; raises ImageError."""
    with _reasons(max_pixels), _opened(path, max_pixels) as source:
        return source.size


def open_square(
    path: str | os.PathLike[str] | bytes,
    size: int,
    min_side: int = 1,
    max_pixels: int = MAX_PIXELS,
    reserve: Reserve | None = None,
) -> np.ndarray:
    """A picture squeezed to uint8 (size, size, 3) sRGB, as the paper's 256 x 256 training pictures.

    Transparent parts become white. JPEGs far larger than `size` are decoded at a reduced size.
    Pictures with a side below `min_side` pixels are refused.

    Args:
        path: of a file, or a file's content as bytes.
        reserve: as `open_picture` takes it.

    Raises:
        ImageError: with the reason.
    """
    with _reasons(max_pixels), _opened(path, max_pixels, reserve) as source:
        width, height = source.size
        if min(width, height) < min_side:
            raise ImageError(f"too small: {width} x {height}")
        source.shrink(2 * size)
        image = decoded_opaque(source, max_pixels)
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))


@contextlib.contextmanager
def _opened(
    path: str | os.PathLike[str] | bytes, max_pixels: int, reserve: Reserve | None = None
) -> Iterator[Source]:
    """The Source of a file whose header is sound; nothing is decoded yet."""
    # By its path Pillow would map some files into memory: turned TIFFs come out scrambled then.
    with _file(path) as file:
        source = _source(file)
        check_size(source.size, max_pixels)
        if reserve:
            reserve(source.size[0] * source.size[1])
        yield source


def _file(path: str | os.PathLike[str] | bytes) -> BinaryIO:
    """An opened file; the bytes of one that lies in an archive serve as well as a path."""
    if isinstance(path, bytes):
        if not path:
            raise ImageError("empty file")
        return io.BytesIO(path)
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise ImageError("a folder that is a link or cannot be read")
    if not stat.S_ISREG(mode):
        raise ImageError("not a file")
    if os.path.getsize(path) == 0:
        raise ImageError("empty file")
    return open(path, "rb")


def _source(file: BinaryIO) -> Source:
    head = file.read(formats.HEAD)
    file.seek(0)
    if closed := formats.why_closed(head):
        raise ImageError(closed)
    if head.startswith(tiff.PREFIXES):
        return tiff.open_tiff(file)
    if formats.iso_kind(head) == "HEIF":
        import pillow_heif

        heif = pillow_heif.HeifImageFile(file)
        nclx = heif.info.get("nclx_profile") or {}
        codes = nclx.get("color_primaries", 0), nclx.get("transfer_characteristics", hdr.SDR)
        return _with_hdr(PillowSource(heif, several(heif)), codes)
    try:
        avif = formats.iso_kind(head) == "AVIF"  # Pillow opens it by some of its brands alone
        image: Any = AvifImageFile(file) if avif else open_by_pillow(file, FORMATS)
    except Exception as error:  # Pillow raises nearly anything
        return _second_try(file, head, error)
    if image.format in ("JPEG", "MPO"):
        return Jpeg(image, file)
    if image.format == "PSD":
        return Psd(image)
    animated = getattr(image, "is_animated", False)
    remark = "the first of its frames" if animated else ""
    source = png.Png(image, file, remark) if image.format == "PNG" else PillowSource(image, remark)
    return _with_hdr(source, hdr.codes_in(head)) if image.format in ("PNG", "AVIF") else source


def _with_hdr(source: PillowSource, codes: tuple[int, int] | None) -> PillowSource:
    """Note the (primaries, transfer) of an HDR picture, for the conversion to sRGB."""
    if codes and codes[1] in (hdr.PQ, hdr.HLG):
        source.image.info["hdr"] = codes
        source.add_remark(hdr.REMARK)
    return source


def _second_try(file: BinaryIO, head: bytes, error: Exception) -> Source:
    """The Source of a file that Pillow did not take as it is."""
    if head.startswith(b"\xff\xd8\xff") and isinstance(error, UnidentifiedImageError):
        return RareJpeg(file)
    if mended := png.without_damage(file):
        return mended
    if isinstance(error, UnidentifiedImageError):
        raise ImageError(formats.why_not_opened(head)) from None
    raise error


@contextlib.contextmanager
def _reasons(max_pixels: int) -> Iterator[None]:
    """Whatever the decoders raise becomes an ImageError of one line."""
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise TooManyPixels(f"too many pixels: far over {max_pixels:,}; scale it down") from None
    except UnidentifiedImageError:
        raise ImageError("damaged: its header cannot be read") from None
    except MemoryError:
        raise ImageError("not enough memory to decode it") from None
    except ModuleNotFoundError as error:
        raise ImageError(f"{error}{missing_package(error)}") from None
    except Exception as error:  # decoders raise nearly anything on damaged bytes
        if isinstance(error, OSError) and error.strerror:
            raise ImageError(error.strerror.lower()) from None
        text = printable(" ".join(str(error).split()))[:120]
        raise ImageError(f"damaged: {text or type(error).__name__}") from None
