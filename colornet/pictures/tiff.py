"""TIFFs: which page is the picture, and who decodes it.

Pillow decodes the kinds that `_PILLOW_READS` names, as the tests show; others come out scrambled,
negative or cut off there. The rest goes through tifffile, and what it does not know is refused by
name.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from colornet.errors import ImageError
from colornet.pictures import depth
from colornet.pictures.decoding import Decoded, PillowSource, Source, open_by_pillow
from colornet.pictures.formats import RAW_REASON

PREFIXES = tuple(TiffImagePlugin.PREFIXES)
_BIG_BIG_ENDIAN = b"MM\0+"  # BigTIFFs of big-endian numbers, which Pillow misreads

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, INKS, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
_SENSOR = {32803, 34892}  # photometric interpretations of a camera's own values
_ASSOCIATED, _UNASSOCIATED = 1, 2  # kinds of alpha
_CONTIGUOUS, _CMYK, _UNSIGNED, _JPEG = 1, 1, 1, 7  # values of tags
_SUBPAGES, _DNG, _NO_DATA = 330, 50706, 42113  # tags; the last is GDAL's
_REDUCED_OR_MASK = 1 | 4  # bits of a page's kind
_COMPRESSIONS = {1, 2, 3, 4, 5, _JPEG, 8, 32773, 32946, 34925, 50000}

# (photometric interpretation, bits of a sample, samples beside the colours)
_PILLOW_READS = {
    *((kind, bits, ()) for kind in (WHITE_IS_ZERO, BLACK_IS_ZERO) for bits in (1, 2, 4, 8)),
    *((PALETTE, bits, ()) for bits in (1, 2, 4, 8)),
    *((RGB, bits, extras) for bits in (8, 16) for extras in ((), (0,), (_UNASSOCIATED,))),
    (BLACK_IS_ZERO, 16, ()),
    (BLACK_IS_ZERO, 8, (_UNASSOCIATED,)),
    (INKS, 8, ()),
    (YCBCR, 8, ()),
    (LAB, 8, ()),
}
_PILLOW_READS_IN_PLANES = {(RGB, 8, ()), (RGB, 8, (_UNASSOCIATED,)), (INKS, 8, ())}
_TIFFFILE_READS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, INKS: 4}  # samples of the colours


def open_tiff(file: BinaryIO) -> Source:
    """The picture of a TIFF: its first page that is no reduced copy of another.

    Args:
        file: open for reading; must stay open for as long as the Source is used.

    Returns:
        A `decoding.Source`.

    Raises:
        ImageError: a kind that cannot be read, by name.
    """
    image: Any = None
    try:
        if file.read(4) == _BIG_BIG_ENDIAN:
            raise UnidentifiedImageError  # Pillow would read anything
        file.seek(0)
        image = open_by_pillow(file, ["TIFF"])
        tags = image.tag_v2
        if not (tags.next or {_SUBPAGES, _DNG} & tags.keys()) and pillow_reads(tags):
            return PillowSource(image)
    except UnidentifiedImageError:
        pass  # tifffile may know it
    import tifffile  # slow to start, and few TIFFs need it

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what matters comes as an exception
    file.seek(0)
    number, page, remark = _choose(tifffile.TiffFile(file).pages)
    tags = {tag.code: tag.value for tag in page.tags}
    if image and number is not None and pillow_reads(tags):
        image.seek(number)
        return PillowSource(image, remark)
    return _Page(file, page, remark)


def pillow_reads(tags: Mapping[int, Any]) -> bool:
    """Whether Pillow decodes a page rightly, by its tags."""
    bits, formats = set(np.atleast_1d(tags.get(258, 1))), set(np.atleast_1d(tags.get(339, 1)))
    photometric, compression = tags.get(262), tags.get(259, 1)
    kind = photometric, min(bits), tuple(np.atleast_1d(tags.get(338, ())))
    if len(bits) > 1 or formats != {_UNSIGNED} or compression not in _COMPRESSIONS:
        return False
    if photometric == INKS and tags.get(332, _CMYK) != _CMYK:
        return False
    if photometric == YCBCR and compression != _JPEG:
        return False
    if tags.get(284, _CONTIGUOUS) != _CONTIGUOUS and kind not in _PILLOW_READS_IN_PLANES:
        return False
    return kind in _PILLOW_READS and (compression != _JPEG or min(bits) == 8)


def _choose(pages: Sequence[Any]) -> tuple[int | None, Any, str]:
    """(number of the page or None for one below others, page, remark) of a TIFF's picture."""
    below = [page for first in pages for page in first.pages or ()]
    if any(_DNG in page.tags or page.photometric in _SENSOR for page in [*pages, *below]):
        raise ImageError(RAW_REASON)
    whole = [(i, page) for i, page in enumerate(pages) if not page.subfiletype & _REDUCED_OR_MASK]
    if whole:
        remark = f"the first of its {len(whole)} pages; the others are left out"
        return *whole[0], remark if len(whole) > 1 else ""
    largest = max([*below, *pages], key=lambda page: page.imagewidth * page.imagelength)
    return None, largest, ""


class _Page(Source):
    """A page that tifffile decodes."""

    def __init__(self, file: BinaryIO, page: Any, remark: str) -> None:
        super().__init__((page.imagewidth, page.imagelength), remark)
        self.file, self.page = file, page
        self.colors = _TIFFFILE_READS.get(page.photometric, 0)
        extras = page.samplesperpixel - self.colors
        numbers = page.dtype is not None and page.dtype.kind in "buif"
        if not (self.colors and numbers and 0 <= extras <= 2 and page.imagedepth == 1):
            raise ImageError(f"a TIFF of a rare kind, {_kind(page)}; save it as a common one")

    def read(self) -> Decoded:
        """(PIL image, its Image.Exif, alpha or None)."""
        page = self.page
        ends = (start + size for start, size in zip(page.dataoffsets, page.databytecounts))
        if not all(page.databytecounts) or max(ends, default=0) > page.parent.filehandle.size:
            raise ImageError("damaged: the file is cut short")
        try:
            planes = page.asarray(squeeze=False)[:, 0]  # (planes, height, width, samples)
        except (ValueError, NotImplementedError, ImportError) as error:
            raise ImageError(f"a TIFF that cannot be decoded, {_kind(page)}: {error}") from None
        samples = np.moveaxis(planes, 0, 2).reshape(*planes.shape[1:3], -1)
        image, alpha = self._converted(samples)
        for name, tag in (("icc_profile", 34675), ("xmp", 700)):
            image.info[name] = page.tags.valueof(tag)
        exif, kind = Image.Exif(), page.parent
        exif.bigtiff, exif.endian = kind.is_bigtiff, kind.byteorder
        if kind.is_bigtiff and kind.byteorder == ">":  # of which Pillow reads no tags
            plain = (tag for tag in page.tags if isinstance(tag.value, (int, str)))
            exif.update({tag.code: tag.value for tag in plain})
        else:
            exif.load_from_fp(self.file, page.offset)
        return image, exif, alpha

    def _converted(self, samples: np.ndarray) -> tuple[Image.Image, np.ndarray | None]:
        """(PIL image of mode F, L, RGB or CMYK, alpha) of samples (height, width, any)."""
        page, alpha = self.page, None
        values, beside = np.split(samples, [self.colors], axis=2)
        missing = values == page.nodata if _NO_DATA in page.tags else np.zeros(1, bool)
        scale = depth.scale_of(values[~missing] if missing.any() else values, page.bitspersample)
        self.add_remark(scale.remark)
        deep = self.colors == 1 and page.bitspersample > 8
        pixels = depth.to_unit(values, scale) if deep else depth.to_bytes(values, scale)
        full, floats = 1 if deep else 255, samples.dtype.kind == "f"
        if page.photometric == WHITE_IS_ZERO:
            pixels = full - pixels
        if missing.any():
            pixels[missing] = 0
        for kind, plane in zip(page.extrasamples, np.moveaxis(beside, 2, 0)):
            if kind not in (_ASSOCIATED, _UNASSOCIATED):
                continue
            if alpha is None:
                alpha = depth.to_bytes(plane, depth.scale_of(plane) if floats else scale)
            if kind == _ASSOCIATED:  # the colours are multiplied by it
                share = np.maximum(alpha, 1)[..., None] / np.float32(255)
                pixels = np.clip(pixels / share, 0, full).astype(pixels.dtype)
        mode = {1: "F" if deep else "L", 3: "RGB", 4: "CMYK"}[self.colors]
        if self.colors == 1:
            pixels = pixels[..., 0]
        return Image.frombytes(mode, self.size, np.ascontiguousarray(pixels)), alpha


def _kind(page: Any) -> str:
    color, coding = (
        getattr(value, "name", value) for value in (page.photometric, page.compression)
    )
    return f"{color} of {page.bitspersample} bits in {page.samplesperpixel} samples, {coding}"
