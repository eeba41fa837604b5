"""Frames of films: their luma plane, and chrominance put into their chroma planes."""

import dataclasses
import functools
import os
import re
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.codec.codec import find_best_pix_fmt_of_list
from av.video.reformatter import Colorspace
from PIL import Image

from colornet.films import ycbcr

# Of a title: gray below and above which pixels are dark and bright, the least share of the pixels
# that each of both has, and of both together; the rest are the letters' edges.
TITLE_DARK, TITLE_BRIGHT, TITLE_LEAST, TITLE_SHARE = 0.15, 0.7, 0.003, 0.94
TABLE_SIZE = 33  # entries a side of the table from luma and ab to chroma
FULL_RANGE = 2  # FFmpeg's number (AVColorRange) of JPEG's range
LIMITED_RANGE = 1

# Formats whose luma lies in a plane of its own, one sample after the other.
_PLANAR = re.compile(r"(yuvj?|yuva)4\d\dp(\d+le)?|gray(\d+le)?")
CONVERTIBLE = ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le",
                "yuv420p12le", "yuv422p12le", "yuv444p12le")  # fmt: skip


def planar(frame: av.VideoFrame) -> av.VideoFrame:
    """A frame whose luma plane can be read: the frame itself, or converted.

    Packed and half-planar Y'CbCr keep their luma; RGB becomes BT.709's of limited range.
    """
    name = frame.format.name
    if _PLANAR.fullmatch(name):
        return frame
    best = nearest_format(CONVERTIBLE, name)
    if frame.format.is_rgb or frame.format.has_palette or len(frame.format.components) < 3:
        made = frame.reformat(format=best, dst_colorspace=Colorspace.ITU709, dst_color_range="MPEG")
        made.colorspace, made.color_range = ycbcr.BT709, LIMITED_RANGE
    else:
        made = frame.reformat(format=best)
    _keep_times(made, frame)
    return made


def nearest_format(names: Sequence[str], name: str) -> str:
    """The one of some pixel formats that loses least of another."""
    best, _ = find_best_pix_fmt_of_list(names, name)
    return best.name if best else names[0]


def holds_chroma(pixel_format: str) -> bool:
    """Whether a format has a luma plane, two of chroma, and nothing else."""
    return bool(_PLANAR.fullmatch(pixel_format)) and pixel_format.startswith(("yuv4", "yuvj"))


def bytes_of(frame: av.VideoFrame) -> int:
    return sum(plane.buffer_size for plane in frame.planes)


def levels_of(frame: av.VideoFrame) -> ycbcr.Levels:
    """`ycbcr.Levels` of a planar frame."""
    name = frame.format.name
    full = frame.color_range == FULL_RANGE or name.startswith("yuvj")
    # FFmpeg takes gray for JPEG's range if nothing is said.
    full = full or (name.startswith("gray") and frame.color_range != LIMITED_RANGE)
    transfer = ycbcr.transfer_of(frame.color_trc)
    return ycbcr.Levels(frame.format.components[0].bits, full, transfer)


def luma_of(frame: av.VideoFrame) -> np.ndarray:
    """The luma plane of a planar frame: uint8 or uint16 (height, width), a view."""
    return _view(frame, 0)


def image_of(frame: av.VideoFrame) -> Image.Image:
    """The luma plane of a planar frame as an 8-bit PIL image."""
    luma, bits = luma_of(frame), frame.format.components[0].bits
    return Image.fromarray(luma if bits == 8 else (luma >> (bits - 8)).astype(np.uint8))


def image_levels(frame: av.VideoFrame) -> ycbcr.Levels:
    """Return the `ycbcr.Levels` of `image_of` a planar frame."""
    return dataclasses.replace(levels_of(frame), bits=8)


def is_title(frame: av.VideoFrame) -> bool:
    """Tell whether a planar frame shows black and white alone, as the titles of silent films do.

    Fades and night scenes lack the white, photographs have mid-tones.
    """
    image, levels = image_of(frame), dataclasses.replace(levels_of(frame), bits=8)
    counts = np.bincount(np.asarray(image).reshape(-1), minlength=256) / (
        image.width * image.height
    )
    gray = levels.gray_of(np.arange(256))
    dark, bright = counts[gray < TITLE_DARK].sum(), counts[gray > TITLE_BRIGHT].sum()
    return min(dark, bright) > TITLE_LEAST and dark + bright > TITLE_SHARE


def with_chroma(
    frame: av.VideoFrame, ab: np.ndarray, pixel_format: str, matrix: int
) -> av.VideoFrame:
    """A planar frame with other colors; its luma plane is kept.

    Args:
        frame: planar; it may be written to.
        ab: float32 (small height, small width, 2) in Lab units.
        pixel_format: name of the frame's own format or of another planar one with chroma. Of fewer
            bits than the frame's, luma is rounded.
        matrix: a key of `ycbcr.MATRICES`.

    Returns:
        `av.VideoFrame`.
    """
    levels, image = levels_of(frame), image_of(frame)
    if frame.format.name == pixel_format:
        frame.make_writable()
        made = frame
    else:
        made = frame.reformat(format=pixel_format)  # also keeps field order and side data
        luma_of(made)[:] = levels.with_bits(luma_of(frame), levels_of(made).bits)
    out_levels = ycbcr.Levels(levels_of(made).bits, levels.full)
    shape = _view(made, 1).shape
    gray = _gray_of_shape(image, shape, dataclasses.replace(levels, bits=8))
    for plane, chroma in zip((1, 2), _converter(matrix, levels.transfer, *shape)(gray, ab)):
        _view(made, plane)[:] = out_levels.encode_chroma(chroma)
    made.pict_type = 0  # what the film's own encoder chose is not for the new one
    return made


def _keep_times(made: av.VideoFrame, frame: av.VideoFrame) -> None:
    made.pts, made.time_base = frame.pts, frame.time_base
    if frame.duration:
        made.duration = frame.duration


def _gray_of_shape(image: Image.Image, shape: tuple[int, int], levels: ycbcr.Levels) -> np.ndarray:
    """Gray (height, width) in [0, 1] of a luma image at the size of the chroma planes."""
    factors = (-(-image.width // shape[1]), -(-image.height // shape[0]))
    return levels.gray_of(np.asarray(image.reduce(factors)))


@functools.lru_cache(maxsize=4)
def _converter(matrix: int, transfer: int, height: int, width: int) -> "_Converter":
    return _Converter(ycbcr.chroma_table(matrix, TABLE_SIZE, transfer), height, width)


class _Converter:
    """FFmpeg's 3D table look-up, from luma and ab to the two chroma planes."""

    def __init__(self, chroma: np.ndarray, height: int, width: int) -> None:
        self.shape = height, width
        # The filter's vector instructions fault where rows do not begin at multiples of 64 bytes.
        self.padded_width = -(-width // 16) * 16
        self.graph = av.filter.Graph()
        self.input = self.graph.add_buffer(
            width=self.padded_width,
            height=height,
            format=av.VideoFormat("gbrpf32le"),
            time_base=Fraction(1),
        )
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "table.cube")
            _write_table(path, chroma)
            table = self.graph.add("lut3d", f"file={_escaped(path)}:interp=tetrahedral")
            output = self.graph.add("buffersink")
            self.input.link_to(table)
            table.link_to(output)
            self.graph.configure()
        self.output = output

    def __call__(self, gray: np.ndarray, ab: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cb and Cr plus a half, float32 (height, width), of gray of that shape and ab of any."""
        height, width = self.shape
        frame = av.VideoFrame(self.padded_width, height, "gbrpf32le")
        green, blue, red = (_view(frame, index) for index in range(3))
        red[:, :width], red[:, width:] = gray, 0
        for plane, values in zip((green, blue), np.moveaxis(ab, -1, 0)):
            small = Image.fromarray(np.ascontiguousarray(values, np.float32))
            full = np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))
            plane[:, :width] = full / np.float32(2 * ycbcr.TABLE_AB) + np.float32(0.5)
            plane[:, width:] = 0
        self.input.push(frame)
        made: Any = self.output.pull()
        return _view(made, 2)[:, :width], _view(made, 0)[:, :width]


def _write_table(path: str, table: np.ndarray) -> None:
    """A .cube file in which red, green and blue stand for luma, a* and b*, and for Cb and Cr."""
    rows = table.transpose(2, 1, 0, 3).reshape(-1, 2).tolist()
    with open(path, "w") as file:
        file.write(f"LUT_3D_SIZE {len(table)}\n")
        file.writelines(f"{blue:.6f} {red:.6f} 0\n" for blue, red in rows)


def _escaped(path: str) -> str:
    """A path as a value in the description of a filter."""
    return "".join("\\" + c if c in "\\':,;[] " else c for c in path)


def _view(frame: av.VideoFrame, index: int) -> np.ndarray:
    """A plane as an array (height, width) that shares its memory."""
    plane: Any = frame.planes[index]
    kind = (
        np.float32
        if "f32" in frame.format.name
        else (np.uint8 if frame.format.components[0].bits == 8 else np.uint16)
    )
    rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind().itemsize)
    return rows[: plane.height, : plane.width]
