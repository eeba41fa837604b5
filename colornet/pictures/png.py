"""PNGs with damaged or too long chunks beside the pixels: the picture in them is whole."""

import io
import re
import zlib
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile, PngImagePlugin

from colornet.pictures import depth
from colornet.pictures.decoding import Decoded, PillowSource, open_by_pillow
from colornet.pictures.profiles import byte_table

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LONGEST_TEXT = 16 << 20  # bytes that a text may unpack to
_COLORS = {b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"sBIT"}  # without them, taken as sRGB
# Without them the picture would be another one: these are not left out.
_NEEDED = {b"tRNS", b"acTL", b"fcTL", b"fdAT"}
# Bits of a sample and kind, in the header: colours, greys with alpha, colours with alpha.
_FEW_BITS = (b"\1\0", b"\2\0", b"\4\0")
_DEEP_READ_AS_8_BITS = (b"\x10\2", b"\x10\4", b"\x10\6")


class Png(PillowSource):
    """A PNG, behind whose pixels may stand a text that cannot be read.

    `file` is what it was opened from.
    """

    def __init__(self, image: ImageFile.ImageFile, file: BinaryIO, remark: str = "") -> None:
        super().__init__(image, remark)
        self.file = file

    def read(self) -> Decoded:
        """As of Source."""
        try:
            image, exif, alpha = super().read()
        except Exception:  # Pillow raises nearly anything
            mended = without_damage(self.file)
            if not mended:
                raise
            self.image, self.file = mended.image, mended.file
            self.add_remark(mended.remark)
            image, exif, alpha = super().read()
        table = byte_table(image.info, gray=False, levels=1 << 16)
        self.file.seek(0)
        kind = self.file.read(26)[-2:]  # bits of a sample, and what the samples are
        if kind in _FEW_BITS and "transparency" in image.info:  # the samples are spread, it is not
            image.info["transparency"] *= 255 // ((1 << kind[0]) - 1)
        if table is None or kind not in _DEEP_READ_AS_8_BITS:
            return image, exif, alpha
        pixels, alpha = self._by_table(table)
        converted = Image.fromarray(pixels)
        converted.format = image.format
        done = ("gamma", "transparency")
        converted.info = {key: value for key, value in image.info.items() if key not in done}
        return converted, exif, alpha

    def _by_table(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """(uint8 (height, width[, 3]), alpha) of samples of 16 bits, that are no sRGB yet."""
        import imagecodecs  # large, and few PNGs need it

        self.file.seek(0)
        samples = imagecodecs.png_decode(self.file.read())
        if samples.shape[2] == 3:
            return table[samples], None
        colors = samples[..., 0] if samples.shape[2] == 2 else samples[..., :3]
        return table[colors], depth.to_bytes(samples[..., -1], depth.scale_of(samples))


def without_damage(file: BinaryIO) -> Png | None:
    """A PNG without those of its chunks beside the pixels that are damaged or too long.

    Returns:
        Of a copy in memory, with a remark; None if that cannot mend it.
    """
    file.seek(0)
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        return None
    kept, left_out, unpacked = [_SIGNATURE], [], False
    reader = PngImagePlugin.PngStream(io.BytesIO())
    while len(header := file.read(8)) == 8:
        name, body = header[4:], file.read(int.from_bytes(header[:4]) + 4)
        if name == b"iTXt" and (long := _unpacked(body)):
            header, body = long
            unpacked = True
        ancillary = name.isalpha() and name[:1].islower() and name not in _NEEDED
        if ancillary and not _readable(reader, name, body):
            left_out.append(name)
        else:
            kept += [header, body]
    if not (left_out or unpacked):
        return None
    names = ", ".join(dict.fromkeys(name.decode() for name in left_out))
    doubt = "; its colours may be off" if _COLORS.intersection(left_out) else ""
    copy = io.BytesIO(b"".join(kept))
    image = open_by_pillow(copy, ["PNG"])
    remark = f"left out what is damaged or too long in it: {names}{doubt}" if left_out else ""
    return Png(image, copy, remark)


def _unpacked(body: bytes) -> tuple[bytes, bytes] | None:
    """Return a packed iTXt chunk as (header, body) of one that is not; None for others.

    Pillow refuses texts of more than 1 MiB only if they are packed; metadata may be longer.
    """
    found = re.match(rb"([^\x00]+\x00)\x01\x00([^\x00]*\x00[^\x00]*\x00)", body)
    if not found or zlib.crc32(b"iTXt" + body[:-4]).to_bytes(4) != body[-4:]:
        return None
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(body[found.end() : -4], _LONGEST_TEXT)
    except zlib.error:
        return None
    if not unpacker.eof:
        return None
    content = found[1] + bytes(2) + found[2] + text
    checksum = zlib.crc32(b"iTXt" + content).to_bytes(4)
    return len(content).to_bytes(4) + b"iTXt", content + checksum


def _readable(reader: PngImagePlugin.PngStream, name: bytes, body: bytes) -> bool:
    """Whether a chunk's checksum is right, and Pillow reads it; `reader` adds up the texts."""
    if zlib.crc32(name + body[:-4]).to_bytes(4) != body[-4:]:
        return False
    reader.fp = io.BytesIO(body)
    try:
        if hasattr(reader, f"chunk_{name.decode()}"):
            reader.call(name, 0, len(body) - 4)
    except Exception:  # Pillow raises nearly anything
        return False
    return True
