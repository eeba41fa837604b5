"""JPEGs that Pillow refuses: whole ones without an end marker, and those of rare kinds."""

import io
import struct
from typing import Any, BinaryIO

from PIL import Image, ImageChops, ImageFile

from colornet.errors import ImageError
from colornet.pictures import depth
from colornet.pictures.decoding import Decoded, PillowSource, Source, open_by_pillow
from colornet.pictures.formats import closed_reason

_END = b"\xff\xd9"
# Were coefficients missing, these bits would become some; after a whole picture they say nothing.
_FILLERS = (b"", b"\x55" * 99, b"\xaa" * 99, b"\xdb\x6d\xb6" * 33, bytes(range(200, 255)))
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_LS = 0xF7
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of a picture's header


class Jpeg(PillowSource):
    """A JPEG, which may lack its end marker; `file` is what it was opened from."""

    def __init__(self, image: ImageFile.ImageFile, file: BinaryIO) -> None:
        super().__init__(image, several(image))
        self.file = file

    def read(self) -> Decoded:
        """As of Source; raises OSError where rows are missing."""
        try:
            return super().read()
        except OSError:
            self.file.seek(0)
            data = self.file.read().rstrip(b"\xff")  # which would make a marker of what follows
            ended = (self._ended(data, filler) for filler in _FILLERS)
            whole = next(ended)
            for other in ended:
                if ImageChops.difference(whole, other).getbbox(alpha_only=False):
                    raise
        self.image = whole
        return super().read()

    def _ended(self, data: bytes, filler: bytes) -> ImageFile.ImageFile:
        image = open_by_pillow(io.BytesIO(data + filler + _END), ["JPEG"])
        image.draft(self.image.mode, self.image.size)
        return image


class RareJpeg(Source):
    """A JPEG of other than 8 bits a sample, or a lossless one.

    Raises:
        ImageError: damaged, or of a kind that nothing here decodes.
    """

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        self.data = file.read()
        try:
            self.bits, height, width, self.colors = _frame(self.data)
        except (struct.error, IndexError):
            raise ImageError("damaged: its header cannot be read") from None
        super().__init__((width, height))

    def read(self) -> Decoded:
        """As of Source."""
        import imagecodecs  # large, and few JPEGs need it

        kind = f"a JPEG of {self.bits} bits in {self.colors} colours"
        try:
            samples = imagecodecs.jpeg8_decode(self.data)
        except imagecodecs.Jpeg8Error as error:
            raise ImageError(f"damaged, or of a rare kind ({kind}): {error}") from None
        deep = samples.ndim == 2 and self.bits > 8
        scale = depth.scale_of(samples, self.bits)
        pixels = depth.to_unit(samples, scale) if deep else depth.to_bytes(samples, scale)
        return Image.fromarray(pixels), Image.Exif(), None


def several(image: Any) -> str:
    """Return the remark on a file of several pictures, or ""."""
    count = getattr(image, "n_frames", 1)
    return f"the first of its {count} pictures; the others are left out" if count > 1 else ""


def _frame(data: bytes) -> tuple[int, int, int, int]:
    """(bits, height, width, colours) by a JPEG's header."""
    place = 2
    while True:
        marker = data[place + 1]
        if marker == _LS:
            raise ImageError(closed_reason("JPEG-LS"))
        if marker in _FRAMES:
            return struct.unpack(">BHHB", data[place + 4 : place + 10])
        (length,) = struct.unpack(">H", data[place + 2 : place + 4])
        place += 2 if marker in _ALONE else 2 + length
