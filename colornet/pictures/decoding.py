"""From an opened file to a Picture: upright, in sRGB."""

import contextlib
import dataclasses
import struct
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageChops, ImageFile, UnidentifiedImageError

from colornet.errors import TooManyPixels
from colornet.pictures import colorspace, hdr
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
        try:
            return self.image, self.image.getexif(), None
        except Exception:  # damaged EXIF is no reason to refuse a picture
            return self.image, Image.Exif(), None


class Psd(PillowSource):
    """A Photoshop file, of whose flattened picture Pillow takes white for black in 1 bit."""

    def read(self) -> Decoded:
        """Decode it; a fourth channel is transparency where the number of layers is negative."""
        image, exif, alpha = super().read()
        if image.mode == "1":
            return ImageChops.invert(image), exif, alpha
        place = image._layers_position  # type: ignore[attr-defined]
        if image.mode == "RGBA" and not (place and self._byte(place) & 0x80):
            image = image.convert("RGB")  # else it is a saved selection
        return image, exif, alpha

    def _byte(self, place: int) -> int:
        file = self.image._fp  # type: ignore[attr-defined]
        file.seek(place)
        return file.read(1)[0]


def open_by_pillow(file: BinaryIO, formats: Iterable[str]) -> Any:
    """Open a file as `PIL.Image.open` does, but of any size: that one's limit is global."""
    Image.preinit()
    head = file.read(16)
    for name in formats:
        if name not in Image.OPEN:
            Image.init()
        if name not in Image.OPEN:
            continue  # a decoder that this Pillow was built without
        factory, accept = Image.OPEN[name]
        taken = not accept or accept(head)
        if taken and not isinstance(taken, str):  # a text says why not
            file.seek(0)
            with contextlib.suppress(SyntaxError, IndexError, TypeError, struct.error):
                return factory(file, "")
    raise UnidentifiedImageError


def decoded(source: Source, max_pixels: int) -> Picture:
    """Decode a Source."""
    image, exif, alpha = source.read()
    check_size(image.size, max_pixels)  # icons hold pictures of other sizes than they declare
    return _picture(source, image, exif, alpha)


def decoded_opaque(source: Source, max_pixels: int) -> Image.Image:
    """Decode a Source to RGB, upright, in sRGB, on white; metadata is not read."""
    image, exif, alpha_in_file = source.read()
    check_size(image.size, max_pixels)
    as_it_is = image.mode in ("L", "RGB") and not image.info.get("icc_profile")
    as_it_is = as_it_is and not image.has_transparency_data and alpha_in_file is None
    as_it_is = as_it_is and gray_curve(image.info, 2) is None
    if as_it_is and orientation_of(image, exif) not in _ROWS_OF_FILE:
        return image if image.mode == "RGB" else image.convert("RGB")
    picture = _picture(source, image, exif, alpha_in_file, with_metadata=False)
    pixels = picture.pixels
    if pixels.dtype != np.uint8:
        pixels = colorspace.to_bytes(pixels)
    image = Image.fromarray(pixels).convert("RGB")
    if picture.alpha is None:
        return image
    white = Image.new("RGB", image.size, "white")
    return Image.composite(image, white, Image.fromarray(picture.alpha))


def _picture(
    source: Source,
    image: Image.Image,
    exif: Image.Exif,
    alpha_in_file: np.ndarray | None,
    with_metadata: bool = True,
) -> Picture:
    """Convert what a Source decoded, in bands of rows, to need little memory."""
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
    metadata = Metadata()
    if with_metadata:
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
    transform = None if gray or "hdr" in image.info else profile_transform(profile, mode)
    table = byte_table(image.info, gray) if mode in ("L", "RGB") else None

    codes = image.info.get("hdr") if mode == "RGB" else None

    def convert(band: Image.Image) -> np.ndarray:
        if band.mode != mode:
            if band.has_transparency_data and band.mode != "LA":
                band = band.convert("RGBA")
            band = band.convert(mode)
        if table is not None:
            band = band.point(list(table) * len(band.getbands()))
        if transform:
            band = transform.apply(band)
        pixels = np.asarray(band if band.mode in ("L", "RGB") else band.convert("RGB"))
        return hdr.to_srgb(pixels, codes) if codes else pixels

    return convert


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Raises ImageError where (width, height) is more than a picture may have."""
    width, height = size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"too many pixels: {width} x {height}, over {max_pixels:,}; scale it down"
        )
