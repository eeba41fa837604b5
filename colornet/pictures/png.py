"""PNGs whose texts are too long or damaged: the picture in them is whole."""

import io

from PIL import Image, PngImagePlugin

from colornet.pictures.decoding import Source

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LONGEST_TEXT = 16 << 20  # bytes that a text may unpack to
_PASSED_OVER = {b"tEXt", b"zTXt", b"iTXt", b"tIME", b"pHYs"}  # chunks that say nothing of pixels

PngImagePlugin.MAX_TEXT_CHUNK = _LONGEST_TEXT  # of Pillow's 1 MiB, metadata of today may need more


class Png(Source):
    """A PNG, behind whose pixels may stand a text that cannot be read."""

    def read(self):
        """As of Source."""
        file = self.image.fp
        try:
            return super().read()
        except Exception:  # Pillow raises nearly anything
            mended = without_texts(file)
            if not mended:
                raise
        self.image = Image.open(mended, formats=["PNG"])
        return super().read()


def without_texts(file):
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
