"""Finding, opening and saving pictures. Every reason for which a picture cannot be used is here."""

import dataclasses
import io
import os
import stat
import warnings

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from command_line import UserError

MAX_PIXELS = 200_000_000  # refused by the header above this
GREY_16_BIT = ("I;16", "I;16B", "I;16L", "I;16N", "I")

# Decoders that start other programs or draw vectors; no photograph is kept in them.
_REFUSED_FORMATS = ("EPS", "WMF", "MPEG", "PDF", "FITS", "GRIB", "HDF5", "BUFR")


class ImageError(Exception):
    """A picture that cannot be used; its text is the reason."""


@dataclasses.dataclass
class Picture:
    """An opened picture, upright.

    Attributes:
        pixels: uint8 (height, width, 3) sRGB; or float32 (height, width) grey in [0, 1], where
            the file holds more than 8 bits of grey.
        alpha: uint8 (height, width), or None.
        exif: EXIF bytes without orientation, or b"".
        format: Pillow's name of the file's format, such as "JPEG".
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    exif: bytes
    format: str


def find_files(folder):
    """Every file below a folder, depth first in the order of names; hidden ones are left out.

    Yields:
        Paths as str (undecodable bytes as surrogate escapes). Links to folders are not followed.

    Raises:
        UserError: the folder is missing or cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            entries = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise UserError(f"{printable(folder)}: expected a folder: {error.strerror}") from None
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from find_files(entry.path)
        else:
            yield entry.path


def is_picture_name(path):
    """Whether the ending is one that Pillow opens."""
    return os.path.splitext(path)[1].lower() in Image.registered_extensions()


def printable(path):
    """A path on one line of valid text, whatever bytes it holds."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def open_picture(path, max_pixels=MAX_PIXELS):
    """Open a picture: upright by its EXIF orientation, its colour profile converted to sRGB.

    Args:
        path: any format Pillow opens; of several frames or pages the first is taken.
        max_pixels: larger pictures are refused before they are decoded.

    Raises:
        ImageError: with the reason.
    """
    with _reasons(), _opened(path, max_pixels) as image:
        image.load()
        return _upright_srgb(image)


def picture_size(path, max_pixels=MAX_PIXELS):
    """(width, height) by the header alone, not yet upright; raises ImageError."""
    with _reasons(), _opened(path, max_pixels) as image:
        return image.size


def _opened(path, max_pixels):
    """A PIL image whose header is sound; nothing is decoded yet."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ImageError("not a file")
    if os.path.getsize(path) == 0:
        raise ImageError("empty file")
    image = Image.open(path)
    _check_header(image, max_pixels)
    return image


class _reasons:
    """Context in which whatever Pillow raises becomes an ImageError of one line."""

    def __enter__(self):
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")
        return self

    def __exit__(self, kind, error, trace):
        self._warnings.__exit__(kind, error, trace)
        if isinstance(error, UnidentifiedImageError):
            raise ImageError("not a picture") from None
        if isinstance(error, Image.DecompressionBombError):
            raise ImageError("too many pixels declared") from None
        if isinstance(error, OSError) and error.strerror:
            raise ImageError(error.strerror.lower()) from None
        if isinstance(error, MemoryError):
            raise ImageError("not enough memory to decode it") from None
        # Pillow's decoders raise nearly anything on damaged bytes.
        if isinstance(error, Exception) and not isinstance(error, ImageError):
            text = " ".join(str(error).split())[:120]
            raise ImageError(f"damaged: {text or kind.__name__}") from None


def _check_header(image, max_pixels):
    if image.format in _REFUSED_FORMATS:
        raise ImageError(f"{image.format} is not a format of photographs")
    if image.width * image.height > max_pixels:
        raise ImageError(
            f"{image.width} x {image.height} is more than {max_pixels:,} pixels (--max-pixels)"
        )


def _upright_srgb(image):
    file_format = image.format
    exif = image.getexif()
    orientation = exif.get(0x0112, 1)
    profile = image.info.get("icc_profile")
    transpose = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.get(orientation)
    if transpose is not None:
        image = image.transpose(Image.Transpose(transpose))
        del exif[0x0112]
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = np.asarray(image.getchannel("A"))
        profile = profile if image.mode in ("RGB", "RGBA") else None
    pixels = _deep_grey(image)
    if pixels is None:
        pixels = np.asarray(_to_srgb(image, profile))
    return Picture(pixels, alpha, _exif_bytes(exif), file_format or "PNG")


def _exif_bytes(exif):
    try:
        return exif.tobytes() if len(exif) else b""
    except Exception:  # damaged EXIF is no reason to refuse a picture
        return b""


def _deep_grey(image):
    """Grey of more than 8 bits as float32 in [0, 1]; None for every other mode."""
    if image.mode in GREY_16_BIT:
        return np.clip(np.asarray(image, np.float32) / 65535, 0, 1)
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image, np.float32))
        top = next((top for top in (1.0, 255.0, 65535.0) if values.max() <= top), values.max())
        return np.clip(values / top, 0, 1)
    return None


def _to_srgb(image, profile):
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if image.mode not in ("RGB", "CMYK", "L"):
                image = image.convert("RGB")
            return ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a damaged or foreign profile: take the numbers as sRGB
    return image.convert("RGB")


def open_square(path, size, max_pixels=MAX_PIXELS):
    """A picture squeezed to uint8 (size, size, 3) sRGB, as the paper's 256 x 256 training pictures.

    Transparent parts become white. JPEGs far larger than `size` are decoded at a reduced size.

    Raises:
        ImageError: with the reason.
    """
    with _reasons(), _opened(path, max_pixels) as image:
        image.draft("RGB", (2 * size, 2 * size))
        image.load()
        picture = _upright_srgb(image)
    pixels = picture.pixels
    if pixels.ndim == 2:
        pixels = np.repeat((pixels * 255).astype(np.uint8)[..., None], 3, axis=2)
    image = Image.fromarray(pixels)
    if picture.alpha is not None:
        white = Image.new("RGB", image.size, "white")
        image = Image.composite(image, white, Image.fromarray(picture.alpha))
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))


def write_whole(path, write):
    """Have `write(partial_path)` make a file; give it its name only once it is whole.

    Raises:
        OSError: what `write` raised; nothing is left behind.
    """
    path = os.fspath(path)
    folder, name = os.path.split(path)
    # Short, so that a long name still fits; the ending tells writers the format.
    partial = os.path.join(folder, f".partial-{os.getpid()}{os.path.splitext(name)[1]}")
    try:
        write(partial)
        os.replace(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.remove(partial)
        raise


def save_image(image, path, **options):
    """Save a PIL image whole or not at all; raises OSError."""
    write_whole(path, lambda partial: image.save(partial, **options))


