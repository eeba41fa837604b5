"""A generator of the pictures that somebody's disk holds: odd, damaged, hostile and oddly named."""

import io
import os
import struct
import zlib
from typing import NamedTuple

import numpy as np
from PIL import Image

GRAYSCALE = "grayscale"


class Expected(NamedTuple):
    """Beginnings of the reasons for which a file is refused; None where it is used."""

    opening: str | None = None  # by opening.open_picture
    record: str | None = None  # by input_create.py, whose min_side is 16


def colorful(height=48, width=64, seed=0):
    """uint8 (height, width, 3) of smooth and varied colours."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    shift = np.random.default_rng(seed).uniform(0, 6, 3)
    waves = np.stack(
        [np.sin(x / 9 + shift[0]), np.cos(y / 7 + shift[1]), np.sin((x + y) / 11 + shift[2])],
        axis=-1,
    )
    return (127 + 110 * waves).astype(np.uint8)


def encoded(image, file_format, **options):
    """An array or PIL image as the bytes of a file."""
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def png_bytes(width, height, depth, color_type, rows):
    """A PNG file by hand, for what Pillow does not write.

    Args:
        rows: bytes of all rows, each begun by its filter byte; b"" for a header alone.
    """

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def rgb16_png(pixels):
    """16 bits a channel, from uint8 (height, width, 3)."""
    deep = (pixels.astype(np.uint16) * 257).astype(">u2")
    return png_bytes(
        pixels.shape[1], pixels.shape[0], 16, 2, b"".join(b"\0" + row.tobytes() for row in deep)
    )


def swapped_profile():
    """An ICC profile of sRGB with red and green exchanged: honoured, the channels change places."""
    fixed = lambda *values: b"".join(struct.pack(">i", round(v * 65536)) for v in values)
    xyz = lambda *values: b"XYZ \0\0\0\0" + fixed(*values)
    levels = np.linspace(0, 1, 1024)
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    curve = (
        b"curv\0\0\0\0" + struct.pack(">I", 1024) + np.rint(linear * 65535).astype(">u2").tobytes()
    )
    text = b"text\0\0\0\0public domain\0\0\0"
    tags = {
        b"cprt": text,
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 8) + b"swapped\0" + bytes(80),
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"gXYZ": xyz(0.4361, 0.2225, 0.0139),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7141),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = (
        struct.pack(">I", start + len(body))
        + bytes(4)
        + b"\x02\x40\0\0mntrRGB XYZ "
        + struct.pack(">6H", 2020, 1, 1, 0, 0, 0)
        + b"acsp"
        + bytes(28)
        + fixed(0.9642, 1.0, 0.8249)
        + bytes(48)
    )
    return header + table + body


def _files():
    """{name as bytes: (content, Expected)} of plain files."""
    pixels = colorful()
    image = Image.fromarray(pixels)
    jpeg, png = encoded(pixels, "JPEG"), encoded(pixels, "PNG")
    exif = Image.Exif()
    exif[0x0112] = 6
    palette = image.quantize(64)
    alpha = np.dstack([pixels, np.full(pixels.shape[:2], 200, np.uint8)])
    gray = pixels[..., 0]
    small, damaged, used = Expected(None, "too small"), Expected("damaged", "damaged"), Expected()
    no_picture, gray_only = Expected("not a picture", "not a picture"), Expected(None, GRAYSCALE)
    return {
        b"zero.jpg": (b"", Expected("empty file", "empty file")),
        b"truncated.jpg": (jpeg[: len(jpeg) // 2], damaged),
        b"truncated.png": (png[: len(png) // 2], damaged),
        b"header.jpg": (jpeg[:40], damaged),
        b"text.jpg": (b"this is not a picture\n", no_picture),
        b"notes.txt": (b"nor is this\n", no_picture),
        b"noise.png": (bytes(range(256)) * 8, no_picture),
        b"drawing.eps": (encoded(image, "EPS"), Expected("PostScript", "PostScript")),
        b"cmyk.jpg": (encoded(image.convert("CMYK"), "JPEG"), used),
        b"cmyk.tif": (encoded(image.convert("CMYK"), "TIFF"), used),
        b"palette.png": (encoded(palette, "PNG"), used),
        b"palette_transparent.png": (encoded(palette, "PNG", transparency=3), used),
        b"grey8.png": (encoded(gray, "PNG"), gray_only),
        b"grey16.png": (encoded(gray.astype(np.uint16) * 257, "PNG"), gray_only),
        b"grey_alpha.png": (encoded(Image.fromarray(alpha).convert("LA"), "PNG"), gray_only),
        b"bilevel.png": (encoded(image.convert("1"), "PNG"), gray_only),
        b"float.tif": (encoded(gray.astype(np.float32) / 255, "TIFF"), gray_only),
        b"rgb16.png": (rgb16_png(pixels), used),
        b"alpha.png": (encoded(alpha, "PNG"), used),
        b"animated.gif": (
            encoded(image, "GIF", save_all=True, append_images=[Image.fromarray(colorful(seed=1))]),
            used,
        ),
        b"rotated.jpg": (encoded(pixels, "JPEG", exif=exif), used),
        b"profile.png": (encoded(pixels, "PNG", icc_profile=swapped_profile()), used),
        b"broken_profile.png": (encoded(pixels, "PNG", icc_profile=b"no profile"), used),
        b"broken_exif.jpg": (encoded(pixels, "JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xff"), used),
        b"one_pixel.png": (encoded(colorful(1, 1), "PNG"), small),
        b"tall.png": (encoded(colorful(20000, 1), "PNG"), small),
        b"wide.png": (encoded(colorful(1, 20000), "PNG"), small),
        b"bomb.png": (
            png_bytes(20000, 15000, 8, 2, b""),
            Expected("too many pixels", "too many pixels"),
        ),
        b"png_in_truth.jpg": (png, used),
        b"no_ending": (png, used),
        b"LOUD.JPG": (jpeg, used),
        b"two words.png": (png, used),
        b"new\nline.png": (png, used),
        b"tab\tand \\ and 'quotes\".png": (png, used),
        b"not_utf8_\xe9\xff.png": (png, used),
        b"not_utf8_\xe9\xff_empty.png": (b"", Expected("empty file", "empty file")),
        b"line\nbreak_empty.png": (b"", Expected("empty file", "empty file")),
        "straße 東京 🌄.png".encode(): (png, used),
        b"-o.png": (png, used),
        b"long_" + b"n" * 240 + b".png": (png, used),
    }


def write_messy_folder(folder):
    """Fill a folder.

    Returns:
        {name: Expected}; names as str, undecodable bytes as surrogate escapes. A folder named
        like a picture is there too: the picture in it counts as `folder.jpg/inside.png`.
    """
    folder = os.fspath(folder)
    os.makedirs(os.path.join(folder, "folder.jpg"), exist_ok=True)
    files = _files()
    files[b"folder.jpg/inside.png"] = (encoded(colorful(seed=2), "PNG"), Expected())
    expected = {}
    for name, (content, outcome) in files.items():
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(content)
        expected[os.fsdecode(name)] = outcome
    for name, target, reason in (
        ("link.png", "alpha.png", None),
        ("broken_link.png", "nowhere.png", "no such file"),
        ("circle.png", "circle.png", "too many levels"),
        ("link_to_folder", "folder.jpg", "a folder"),
    ):
        os.symlink(target, os.path.join(folder, name))
        expected[name] = Expected(reason, reason)
    os.mkfifo(os.path.join(folder, "pipe.jpg"))
    expected["pipe.jpg"] = Expected("not a file", "not a file")
    with open(os.path.join(folder, ".hidden.png"), "wb"):
        pass  # hidden files are passed over in silence
    if os.geteuid() != 0:  # root reads everything
        with open(os.path.join(folder, "unreadable.png"), "wb") as file:
            file.write(encoded(colorful(), "PNG"))
        os.chmod(os.path.join(folder, "unreadable.png"), 0)
        expected["unreadable.png"] = Expected("permission denied", "permission denied")
    return expected
