"""Opening pictures. Every reason for which one cannot be used is here."""

import contextlib
import io
import os
import stat
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from colornet.errors import ImageError
from colornet.files import printable
from colornet.pictures.decoding import check_size, decoded
from colornet.pictures.finding import REFUSED_FORMATS

MAX_PIXELS = 200_000_000  # refused by the header above this


def open_picture(path, max_pixels=MAX_PIXELS):
    """Open a picture: upright by its EXIF orientation, its colour profile converted to sRGB.

    Args:
        path: any format Pillow opens; of several frames or pages the first is taken.
        max_pixels: larger pictures are refused before they are decoded.

    Raises:
        ImageError: with the reason.
    """
    with _reasons(), _opened(path, max_pixels) as image:
        return decoded(image, max_pixels)


def picture_size(path, max_pixels=MAX_PIXELS):
    """(width, height) by the header alone, not yet upright; raises ImageError."""
    with _reasons(), _opened(path, max_pixels) as image:
        return image.size


def open_square(path, size, min_side=1, max_pixels=MAX_PIXELS):
    """A picture squeezed to uint8 (size, size, 3) sRGB, as the paper's 256 x 256 training pictures.

    Transparent parts become white. JPEGs far larger than `size` are decoded at a reduced size.
    Pictures with a side below `min_side` pixels are refused.

    Args:
        path: of a file, or a file's content as bytes.

    Raises:
        ImageError: with the reason.
    """
    with _reasons(), _opened(path, max_pixels) as image:
        if min(image.size) < min_side:
            raise ImageError(f"too small: {image.width} x {image.height}")
        image.draft("RGB", (2 * size, 2 * size))
        picture = decoded(image, max_pixels)
    pixels = picture.pixels
    if pixels.ndim == 2:
        pixels = np.repeat((pixels * 255).astype(np.uint8)[..., None], 3, axis=2)
    image = Image.fromarray(pixels)
    if picture.alpha is not None:
        white = Image.new("RGB", image.size, "white")
        image = Image.composite(image, white, Image.fromarray(picture.alpha))
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))


@contextlib.contextmanager
def _opened(path, max_pixels):
    """A PIL image whose header is sound; nothing is decoded yet."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own, lower limit would come before ours
    warnings.filterwarnings("ignore", module=r"PIL\.")  # what matters comes as an exception
    # By its path Pillow would map some files into memory: turned TIFFs come out scrambled then.
    with _file(path) as file, Image.open(file) as image:
        if image.format in REFUSED_FORMATS:
            raise ImageError(f"{image.format} is not a format of photographs")
        check_size(image, max_pixels)
        yield image


def _file(path):
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


@contextlib.contextmanager
def _reasons():
    """Whatever Pillow raises becomes an ImageError of one line."""
    try:
        yield
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError("not a picture") from None
    except Image.DecompressionBombError:
        raise ImageError("too many pixels by far; scale it down") from None
    except MemoryError:
        raise ImageError("not enough memory to decode it") from None
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged bytes
        if isinstance(error, OSError) and error.strerror:
            raise ImageError(error.strerror.lower()) from None
        text = printable(" ".join(str(error).split()))[:120]
        raise ImageError(f"damaged: {text or type(error).__name__}") from None
