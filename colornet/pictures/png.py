"""PNGs whose texts are too long or damaged: the picture in them is whole."""

import io
from typing import BinaryIO

from PIL import Image, ImageFile, PngImagePlugin

from colornet.pictures.decoding import Decoded, PillowSource

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LONGEST_TEXT = 16 << 20  # bytes that a text may unpack to
_PASSED_OVER = {b"tEXt", b"zTXt", b"iTXt", b"tIME", b"pHYs"}  # chunks that say nothing of pixels

PngImagePlugin.MAX_TEXT_CHUNK = _LONGEST_TEXT  # of Pillow's 1 MiB, metadata of today may need more


class Png(PillowSource):
    """A PNG, behind whose pixels may stand a text that cannot be read.

    `file` is what it was opened from.
    """

    def __init__(self, image: ImageFile.ImageFile, file: BinaryIO, remark: str) -> None:
        super().__init__(image, remark)
        self.file = file

    def read(self) -> Decoded:
        """As of Source."""
        try:
            return super().read()
        except Exception:  # Pillow raises nearly anything
            mended = without_texts(self.file)
            if not mended:
                raise
        self.image = Image.open(mended, formats=["PNG"])
        return super().read()


def without_texts(file: BinaryIO) -> io.BytesIO | None:
    """A copy, in memory, of a PNG without its texts; None if that cannot mend it."""
    file.seek(0)
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        return None
    kept, left_out = [_SIGNATURE], 0
    while len(header := file.read(8)) == 8:
        body = file.read(int.from_bytes(header[:4]) + 4)
        if header[4:] in _PASSED_OVER:
            left_out += 1
        else:
            kept += [header, body]
    return io.BytesIO(b"".join(kept)) if left_out else None
