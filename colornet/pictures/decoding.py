"""From an opened file to a Picture: upright, in sRGB."""

import dataclasses
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFile

from colornet.errors import TooManyPixels
from colornet.pictures.depth import Scale, scale_of, to_unit
from colornet.pictures.metadata import Metadata, orientation_of, read_metadata
from colornet.pictures.profiles import byte_table, gray_curve, profile_transform

BAND_PIXELS = 1 << 18  # pixels converted at a time: they stay in the processor's cache
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
_TURNED = (5, 6, 7, 8)  # orientations of pictures that lie on their side in the file


@dataclasses.dataclass
class Picture:
    """An opened picture, upright.

    Attributes:
        pixels: uint8 (height, width, 3) sRGB; uint8 (height, width) sRGB grey of a grey file; or
            float32 (height, width) grey in [0, 1], where the file holds more than 8 bits of grey.
        alpha: uint8 (height, width), or None.
        metadata: what else its file says of it.
        remark: what its user should know of how it was opened, or "".
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    metadata: Metadata
    remark: str = ""


# A PIL image, its EXIF, and alpha as uint8 (height, width) where the image does not hold it.
Decoded = tuple[Image.Image, Image.Exif, np.ndarray | None]


class Source:
    """A file whose header is sound, and which is not decoded yet.

    Attributes:
        size: (width, height) in pixels, as in the file.
        remark: as of Picture.
    """

    def __init__(self, size: tuple[int, int], remark: str = "") -> None:
        self.size, self.remark = size, remark

    def add_remark(self, remark: str) -> None:
        """Say another thing of it; nothing where it is ""."""
        self.remark = "; ".join(filter(None, (self.remark, remark)))

    def shrink(self, side: int) -> None:
        """Have it decoded at a smaller size of at least `side` pixels, where there is a way."""

    def read(self) -> Decoded:
        """Decode it."""
        raise NotImplementedError


class PillowSource(Source):
    """A file that Pillow decodes: `image` is as `PIL.Image.open` makes it."""

    def __init__(self, image: ImageFile.ImageFile, remark: str = "") -> None:
        super().__init__(image.size, remark)
        self.image = image

    def shrink(self, side: int) -> None:
        """JPEGs are decoded at a smaller size; other formats have no such way."""
        self.image.draft("RGB", (side, side))

    def read(self) -> Decoded:
        self.image.load()
        return self.image, self.image.getexif(), None


def decoded(source: Source, max_pixels: int) -> Picture:
    """The Picture of a Source; works in bands of rows, to need little memory."""
    image, exif, alpha_in_file = source.read()
    check_size(image.size, max_pixels)  # icons hold pictures of other sizes than they declare
    orientation = orientation_of(image, exif)
    as_in_file = _ROWS_OF_FILE.get(orientation, lambda upright: upright)
    shape = as_in_file(np.empty((image.height, image.width), np.bool_)).shape
    deep = image.mode in GRAY_16_BIT or image.mode in "IF"
    gray = deep or image.mode in ("1", "L", "LA")
    has_alpha = image.has_transparency_data or alpha_in_file is not None
    alpha = np.empty(shape, np.uint8) if has_alpha else None
    pixels = np.empty(shape if gray else (*shape, 3), np.float32 if deep else np.uint8)
    scale = _scale(image) if deep else None
    convert = _deep_gray_conversion(image, scale) if scale else _srgb_conversion(image)
    rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        band = image.crop((0, top, image.width, bottom))
        as_in_file(pixels)[top:bottom] = convert(band)
        if alpha_in_file is not None:
            as_in_file(alpha)[top:bottom] = alpha_in_file[top:bottom]
        elif alpha is not None:
            as_in_file(alpha)[top:bottom] = _alpha_of(band, deep)
    metadata = read_metadata(image, exif, shape, orientation in _TURNED)
    if scale:
        source.add_remark(scale.remark)
    return Picture(pixels, alpha, metadata, source.remark)


def _alpha_of(band: Image.Image, deep: bool) -> np.ndarray:
    if deep:  # one grey value stands for transparent
        return np.where(np.asarray(band) == band.info["transparency"], 0, 255)
    return np.asarray(band.convert("RGBA").getchannel("A"))


def _scale(image: Image.Image) -> Scale:
    return scale_of(np.asarray(image)) if image.mode == "F" else Scale(0, 65535)


def _deep_gray_conversion(image: Image.Image, scale: Scale) -> Callable[[Image.Image], np.ndarray]:
    """Function from a band of more than 8 bits of grey to float32 in [0, 1]."""
    curve = gray_curve(image.info)

    def convert(band: Image.Image) -> np.ndarray:
        gray = to_unit(np.asarray(band), scale)
        return gray if curve is None else np.interp(gray, np.linspace(0, 1, curve.size), curve)

    return convert


def _srgb_conversion(image: Image.Image) -> Callable[[Image.Image], np.ndarray]:
    """Function from a band of a PIL image to uint8 (rows, width, 3), or (rows, width) of grey."""
    mode = {"LA": "L", "L": "L", "1": "L", "CMYK": "CMYK", "LAB": "LAB"}.get(image.mode, "RGB")
    gray = mode == "L"
    # Lab numbers mean the same everywhere; a profile beside them is the printer's.
    profile = image.info.get("icc_profile") if image.mode != "LAB" else None
    transform = None if gray else profile_transform(profile, mode)
    table = byte_table(image.info, gray) if mode in ("L", "RGB") else None

    def convert(band: Image.Image) -> np.ndarray:
        if band.mode != mode:
            if band.has_transparency_data and band.mode != "LA":
                band = band.convert("RGBA")
            band = band.convert(mode)
        if table is not None:
            band = band.point(list(table) * len(band.getbands()))
        if transform:
            band = transform.apply(band)
        return np.asarray(band if band.mode in ("L", "RGB") else band.convert("RGB"))

    return convert


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Raises ImageError where (width, height) is more than a picture may have."""
    width, height = size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"too many pixels: {width} x {height}, over {max_pixels:,}; scale it down"
        )
