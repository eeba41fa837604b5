"""Kinds of pictures that came out silently wrong, or were refused for what is beside the pixels."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin, TiffImagePlugin

from colornet.errors import ImageError
from colornet.pictures import hdr, opening
from colornet.pictures.metadata import _still_true
from tiny import photograph

COLOR = photograph(48, 32)
GRAY = COLOR.convert("L")


def saved(path, data):
    path.write_bytes(data)
    return path


def encoded(kind, image=COLOR, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_nothing_global_is_changed(tmp_path):
    before = (list(TiffImagePlugin.PREFIXES), PngImagePlugin.MAX_TEXT_CHUNK,
              Image.MAX_IMAGE_PIXELS, list(warnings.filters))  # fmt: skip
    opening.open_picture(saved(tmp_path / "a.png", encoded("PNG")), max_pixels=10**9)
    assert before == (list(TiffImagePlugin.PREFIXES), PngImagePlugin.MAX_TEXT_CHUNK,
                      Image.MAX_IMAGE_PIXELS, list(warnings.filters))  # fmt: skip


@pytest.mark.parametrize("transfer", [hdr.PQ, hdr.HLG])
def test_hdr_becomes_srgb_with_a_remark(tmp_path, transfer):
    gray = np.asarray(GRAY.resize((48, 32))) / 255
    linear = np.where(gray > 0.04045, ((gray + 0.055) / 1.055) ** 2.4, gray / 12.92)
    signal = hdr.signal_of(linear * hdr.PICTURE_WHITE / hdr.WHITE, transfer)
    image = Image.fromarray(np.rint(signal * 255).astype(np.uint8)).convert("RGB")
    info = PngImagePlugin.PngInfo()
    info.add(b"cICP", bytes([9, transfer, 0, 1]))
    picture = opening.open_picture(saved(tmp_path / "a.png", encoded("PNG", image, pnginfo=info)))
    assert picture.remark == hdr.REMARK
    assert np.abs(picture.pixels - gray[..., None] * 255).mean() < 3


def exif_of(kind, value):
    """EXIF of which both resolutions have a type and four bytes."""
    tags = [(tag, kind, len(value), value) for tag in (0x011A, 0x011B)]
    body = b"".join(struct.pack("<HHI4s", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + bytes(4)


@pytest.mark.parametrize(("kind", "value"), [(2, b"abc\0"), (7, b"\1\2\3\4"), (1, b"\1\2\3\4")])
def test_no_resolution_refuses_a_picture(tmp_path, kind, value):
    path = saved(tmp_path / "a.webp", encoded("WEBP", exif=exif_of(kind, value)))
    assert opening.open_picture(path).metadata.dpi is None
    assert opening.open_square(path, 16).shape == (16, 16, 3)


def test_a_resolution_that_no_format_holds(tmp_path):
    exif = Image.Exif()
    exif.update({0x011A: 2.0**31, 0x011B: 2.0**31, 0x0128: 2})
    path = saved(tmp_path / "a.webp", encoded("WEBP", exif=exif.tobytes()))
    assert opening.open_picture(path).metadata.dpi is None


def psd(mode, channels, bits, planes, layers=b""):
    section = struct.pack(">I", len(layers)) + layers if layers else b""
    header = struct.pack(">4sH6xHIIHH", b"8BPS", 1, channels, 32, 48, bits, mode)
    return header + bytes(8) + struct.pack(">I", len(section)) + section + b"\0\0" + planes


def test_photoshop_files(tmp_path):
    bits = psd(0, 1, 1, b"\xff" * (6 * 32))
    assert opening.open_picture(saved(tmp_path / "a.psd", bits)).pixels.max() == 0
    planes = np.moveaxis(np.asarray(COLOR), 2, 0).tobytes() + bytes(48 * 32)
    selection = opening.open_picture(saved(tmp_path / "b.psd", psd(3, 4, 8, planes)))
    assert selection.alpha is None and np.array_equal(selection.pixels, COLOR)
    layers = struct.pack(">h", -1) + bytes(10)
    assert (
        opening.open_picture(saved(tmp_path / "c.psd", psd(3, 4, 8, planes, layers))).alpha
        is not None
    )


@pytest.mark.parametrize("bits", [2, 4])
def test_transparency_of_few_bits(tmp_path, bits):
    most = (1 << bits) - 1
    image = Image.fromarray(np.asarray(GRAY) // (256 >> bits)).convert("P")
    info = PngImagePlugin.PngInfo()
    info.add(b"tRNS", struct.pack(">H", most))
    data = encoded("PNG", image, bits=bits)
    assert most and data  # a palette's bits are those of the grays
    header = data[16:24] + bytes([bits, 0, 0, 0, 0])
    chunks, place = [b"\x89PNG\r\n\x1a\n"], 33

    def chunk(name, body):
        check = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)

    chunks += [chunk(b"IHDR", header), chunk(b"tRNS", struct.pack(">H", most))]
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        if data[place + 4 : place + 8] not in (b"PLTE", b"tRNS"):
            chunks.append(data[place : place + 12 + length])
        place += 12 + length
    picture = opening.open_picture(saved(tmp_path / "a.png", b"".join(chunks)))
    assert np.array_equal(picture.alpha == 0, picture.pixels == 255)
    assert (picture.alpha == 0).any()


def test_several_pictures_are_said(tmp_path):
    data = encoded("MPO", save_all=True, append_images=[COLOR])
    assert "first of its 2" in opening.open_picture(saved(tmp_path / "a.mpo", data)).remark


def test_no_data_is_no_value(tmp_path):
    values = np.asarray(GRAY, np.float32) / 255
    values[:5] = -9999
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(42113, "s", 0, "-9999", True)])
    pixels = opening.open_picture(tmp_path / "a.tif").pixels
    assert (pixels[:5] == 0).all() and np.allclose(pixels[5:], values[5:], atol=1e-3)


def test_kinds_are_named(tmp_path):
    svg = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'
    with pytest.raises(ImageError, match="vector graphics"):
        opening.open_picture(saved(tmp_path / "a.svg", svg))
    imagecodecs = pytest.importorskip("imagecodecs")
    jls = imagecodecs.jpegls_encode(np.ascontiguousarray(GRAY))
    with pytest.raises(ImageError, match="JPEG-LS is not opened"):
        opening.open_picture(saved(tmp_path / "a.jls", jls))


@pytest.mark.parametrize("brand", [b"mif1", b"miaf"])
def test_avif_of_any_major_brand(tmp_path, brand):
    data = bytearray(encoded("AVIF"))
    data[8:12] = brand
    assert opening.open_picture(saved(tmp_path / "a.avif", data)).pixels.shape == (32, 48, 3)


def test_untrue_xmp_is_dropped():
    xmp = (b'<r:D xmlns:hdrgm="h" xmlns:dc="d" xmlns:GCamera="g" hdrgm:Version="1.0"'
           b' GCamera:MotionPhoto="1"><dc:title>Cat</dc:title><dc:format>image/heic</dc:format>'
           b"</r:D>")  # fmt: skip
    assert _still_true(xmp) == b'<r:D xmlns:dc="d"><dc:title>Cat</dc:title></r:D>'
