"""Finding, opening and saving pictures. Every reason for which a picture cannot be used is here."""

import contextlib
import dataclasses
import functools
import io
import os
import stat
import warnings

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from colornet.errors import UserError
from colornet.files import write_whole

MAX_PIXELS = 200_000_000  # refused by the header above this
BAND_PIXELS = 1 << 20  # pixels converted at a time, so that no second copy is made of the whole
GRAY_16_BIT = ("I;16", "I;16B", "I;16L", "I;16N")

# Decoders that start other programs or draw vectors; no photograph is kept in them.
_REFUSED_FORMATS = ("EPS", "WMF", "MPEG", "PDF", "FITS", "GRIB", "HDF5", "BUFR")

# EXIF that tells of the photograph; the rest tells how its file is laid out, or which way is up.
_EXIF_KEPT = tuple(
    ExifTags.Base[name]
    for name in (
        "ImageDescription",
        "Make",
        "Model",
        "XResolution",
        "YResolution",
        "ResolutionUnit",
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
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    exif: bytes


def find_files(folder):
    """Every file below a folder, depth first in the order of names; hidden ones are left out.

    Yields:
        Paths as str (undecodable bytes as surrogate escapes); links to folders and folders that
        cannot be read as if they were files.

    Raises:
        UserError: the folder is missing or cannot be read.
    """
    try:
        entries = _entries(folder)
    except OSError as error:
        raise UserError(f"{printable(folder)}: expected a folder: {error.strerror}") from None
    yield from _files_of(entries)


def _entries(folder):
    with os.scandir(folder) as entries:
        shown = (entry for entry in entries if not entry.name.startswith("."))
        return sorted(shown, key=lambda entry: os.fsencode(entry.name))


def _files_of(entries):
    for entry in entries:
        try:
            below = _entries(entry.path) if entry.is_dir(follow_symlinks=False) else None
        except OSError:
            below = None  # the reason is found when it is opened
        if below is None:
            yield entry.path
        else:
            yield from _files_of(below)


def is_picture_name(path):
    """Whether the ending is one that photographs have and Pillow opens."""
    return os.path.splitext(path)[1].lower() in _picture_endings()


@functools.cache
def _picture_endings():
    return frozenset(
        ending
        for ending, kind in Image.registered_extensions().items()
        if kind in Image.OPEN and kind not in _REFUSED_FORMATS
    )


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
        return _decoded(image, max_pixels)


def picture_size(path, max_pixels=MAX_PIXELS):
    """(width, height) by the header alone, not yet upright; raises ImageError."""
    with _reasons(), _opened(path, max_pixels) as image:
        return image.size


@contextlib.contextmanager
def _opened(path, max_pixels):
    """A PIL image whose header is sound; nothing is decoded yet."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise ImageError("a folder that is a link or cannot be read")
    if not stat.S_ISREG(mode):
        raise ImageError("not a file")
    if os.path.getsize(path) == 0:
        raise ImageError("empty file")
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own, lower limit would come before ours
    warnings.filterwarnings("ignore", module=r"PIL\.")  # what matters comes as an exception
    # By its path Pillow would map some files into memory: turned TIFFs come out scrambled then.
    with open(path, "rb") as file, Image.open(file) as image:
        if image.format in _REFUSED_FORMATS:
            raise ImageError(f"{image.format} is not a format of photographs")
        _check_size(image, max_pixels)
        yield image


def _check_size(image, max_pixels):
    if image.width * image.height > max_pixels:
        raise ImageError(
            f"too many pixels: {image.width} x {image.height}, more than {max_pixels:,}; "
            "scale it down, or colour it with a larger --max-pixels"
        )


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


def _decoded(image, max_pixels):
    """The Picture of an opened PIL image; works in bands of rows, to need little memory."""
    image.load()
    _check_size(image, max_pixels)  # icons hold pictures of other sizes than they declare
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
    return Picture(pixels, alpha, _exif_bytes(exif, shape))


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
    curve = _gray_curve(image.info.get("icc_profile"))

    def convert(band):
        gray = np.clip(np.nan_to_num(np.asarray(band, np.float32)) / np.float32(top), 0, 1)
        return gray if curve is None else np.interp(gray, np.linspace(0, 1, curve.size), curve)

    return convert


def _gray_curve(profile):
    """sRGB grey in [0, 1] of 256 evenly spaced greys in a grey profile; None for others."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    transform = _profile_transform(profile, "L")
    return transform and np.asarray(transform.apply(ramp))[0, :, 1] / 255


def _srgb_conversion(image):
    """Function from a band of a PIL image to uint8 (rows, width, 3)."""
    # Lab numbers mean the same everywhere; a profile beside them is the printer's.
    profile = image.info.get("icc_profile") if image.mode != "LAB" else None
    mode = {"LA": "L", "L": "L", "1": "L", "CMYK": "CMYK", "LAB": "LAB"}.get(image.mode, "RGB")
    transform = _profile_transform(profile, mode)

    def convert(band):
        if band.mode != mode:
            if band.has_transparency_data and band.mode != "LA":
                band = band.convert("RGBA")
            band = band.convert(mode)
        return np.asarray(transform.apply(band) if transform else band.convert("RGB"))

    return convert


def _profile_transform(profile, mode):
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


def _exif_bytes(exif, shape):
    """EXIF of the upright sRGB picture of some shape (height, width); b"" if there is none."""
    kept = Image.Exif()
    now = {
        ExifTags.Base.ColorSpace: 1,
        ExifTags.Base.ExifImageWidth: shape[1],
        ExifTags.Base.ExifImageHeight: shape[0],
    }
    try:
        kept.update({tag: exif[tag] for tag in _EXIF_KEPT if tag in exif})
        details, place = map(exif.get_ifd, (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo))
        details = {
            tag: now.get(tag, value)
            for tag, value in details.items()
            if tag != ExifTags.IFD.Interop
        }
        kept.update(
            {
                tag: values
                for tag, values in ((ExifTags.IFD.Exif, details), (ExifTags.IFD.GPSInfo, place))
                if values
            }
        )
        return kept.tobytes() if len(kept) else b""
    except Exception:  # damaged EXIF is no reason to refuse a picture
        return b""


def open_square(path, size, min_side=1, max_pixels=MAX_PIXELS):
    """A picture squeezed to uint8 (size, size, 3) sRGB, as the paper's 256 x 256 training pictures.

    Transparent parts become white. JPEGs far larger than `size` are decoded at a reduced size.
    Pictures with a side below `min_side` pixels are refused.

    Raises:
        ImageError: with the reason.
    """
    with _reasons(), _opened(path, max_pixels) as image:
        if min(image.size) < min_side:
            raise ImageError(f"too small: {image.width} x {image.height}")
        image.draft("RGB", (2 * size, 2 * size))
        picture = _decoded(image, max_pixels)
    pixels = picture.pixels
    if pixels.ndim == 2:
        pixels = np.repeat((pixels * 255).astype(np.uint8)[..., None], 3, axis=2)
    image = Image.fromarray(pixels)
    if picture.alpha is not None:
        white = Image.new("RGB", image.size, "white")
        image = Image.composite(image, white, Image.fromarray(picture.alpha))
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))


def save_image(image, path, **options):
    """Save a PIL image whole or not at all; raises OSError."""
    write_whole(path, lambda partial: image.save(partial, **options))
