"""PNGs: damaged beside their pixels, of any gamma, with profiles of greys."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from colornet.errors import ImageError
from colornet.pictures import opening, saving
from messy import encoded, png_bytes
from tiny import close, photograph

COLOR = photograph()
GRAY = np.asarray(COLOR.convert("L"))


def chunk(name, body, checksum=None):
    checksum = zlib.crc32(name + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def test_pngs_with_long_or_damaged_texts(tmp_path):
    plain = encoded(COLOR, "PNG")
    texts = {
        "checksum": chunk(b"tEXt", b"Title\0text", checksum=7),
        "long": chunk(b"zTXt", b"Raw profile\0\0" + zlib.compress(bytes(5 << 20))),
        "bomb": chunk(b"zTXt", b"Raw profile\0\0" + zlib.compress(bytes(40 << 20))),
        "torn": chunk(b"zTXt", b"Title\0\0" + zlib.compress(bytes(99))[:-9]),
    }
    for name, text in texts.items():
        for place in (33, len(plain) - 12):  # after the header, and before the end
            (tmp_path / "a.png").write_bytes(plain[:place] + text + plain[place:])
            assert close(opening.open_picture(tmp_path / "a.png").pixels, COLOR, 0.01), name
    place = plain.index(b"IDAT") + 30
    spoilt = plain[:place] + bytes([plain[place] ^ 255]) + plain[place + 1 :]
    (tmp_path / "a.png").write_bytes(spoilt)
    with pytest.raises(ImageError, match="damaged"):
        opening.open_picture(tmp_path / "a.png")


def test_damaged_chunks_beside_the_pixels_of_a_png(tmp_path):
    plain = encoded(COLOR, "PNG")
    sound = chunk(b"tEXt", b"Author\0Somebody")

    def open_with(*chunks):
        (tmp_path / "a.png").write_bytes(plain[:33] + b"".join(chunks) + plain[33:])
        return opening.open_picture(tmp_path / "a.png")

    for name in (b"eXIf", b"bKGD", b"prIv", b"iCCP", b"gAMA", b"tEXt", b"pHYs"):
        picture = open_with(chunk(name, bytes(9), checksum=7), sound)
        assert close(picture.pixels, COLOR, 0.01)
        assert picture.remark.endswith(
            f": {name.decode()}" + "; its colours may be off" * (name in (b"iCCP", b"gAMA"))
        )
    whole = chunk(b"iCCP", b"x\0\0" + zlib.compress(b"nonsense"))
    assert open_with(whole, sound).remark == ""
    with pytest.raises(ImageError, match="damaged"):  # what is transparent is part of the picture
        open_with(chunk(b"tRNS", bytes(6), checksum=7))


def test_long_xmp_of_a_png_is_kept(tmp_path):
    texts, xmp = PngImagePlugin.PngInfo(), "<x>" + "a" * (3 << 20)
    texts.add_itxt("XML:com.adobe.xmp", xmp, zip=True)
    COLOR.save(tmp_path / "a.png", pnginfo=texts)
    picture = opening.open_picture(tmp_path / "a.png")
    assert picture.metadata.xmp == xmp.encode()
    saving.save(COLOR, tmp_path / "b.png", metadata=picture.metadata)
    with Image.open(tmp_path / "b.png") as image:  # which refuses long ones that are packed
        assert image.info["xmp"] == xmp.encode()


def light(gray):
    """Values proportional to light of sRGB greys of 8 bits, in [0, 1]."""
    unit = gray / 255
    return np.where(unit > 0.04045, ((unit + 0.055) / 1.055) ** 2.4, unit / 12.92)


RAMP = np.arange(256)[None].repeat(4, axis=0)


@pytest.mark.parametrize("gamma", [1.0, 1 / 1.8, 1 / 2.2])
@pytest.mark.parametrize("bits", [8, 16])
def test_the_gamma_of_a_png(tmp_path, gamma, bits):
    top = (1 << bits) - 1
    values = np.rint(top * light(RAMP) ** gamma).astype(np.uint8 if bits == 8 else np.uint16)
    whole = encoded(Image.fromarray(values), "PNG")
    said = chunk(b"gAMA", struct.pack(">I", round(100_000 * gamma)))
    (tmp_path / "a.png").write_bytes(whole[:33] + said + whole[33:])
    pixels = opening.open_picture(tmp_path / "a.png").pixels
    gray = pixels.astype(float) if bits == 8 else 255 * pixels
    if gamma == 1 / 2.2:  # what writers of sRGB say; the numbers are sRGB then
        assert np.abs(gray - 255.0 * values / top).max() < 0.6
    elif bits == 16:
        assert np.abs(gray - RAMP).max() < 0.6
    else:  # dark greys share values
        assert np.abs(gray[:, 100:] - RAMP[:, 100:]).max() <= 2
    with_srgb = whole[:33] + said + chunk(b"sRGB", b"\0") + whole[33:]
    (tmp_path / "a.png").write_bytes(with_srgb)
    pixels = opening.open_picture(tmp_path / "a.png").pixels
    gray = pixels.astype(float) if bits == 8 else 255 * pixels
    assert np.abs(gray - 255.0 * values / top).max() < 0.6


@pytest.mark.parametrize("kind", [2, 4, 6])
def test_the_gamma_of_deep_colors_of_a_png(tmp_path, kind):
    """Taken by all 16 bits: those of light have few for the shadows."""
    channels = {2: 3, 4: 2, 6: 4}[kind]
    samples = np.rint(65535 * light(RAMP))[..., None].repeat(channels, axis=2).astype(">u2")
    if kind != 2:
        samples[..., -1] = 257 * RAMP[:, ::-1]  # alpha is not of light
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    plain = png_bytes(256, 4, 16, kind, rows)
    said = chunk(b"gAMA", struct.pack(">I", 100_000)) + chunk(
        b"pHYs", struct.pack(">IIB", 1000, 1000, 1)
    )
    for damaged in (b"", chunk(b"eXIf", b"?", checksum=7)):
        (tmp_path / "a.png").write_bytes(plain[:33] + said + damaged + plain[33:])
        picture = opening.open_picture(tmp_path / "a.png")
        pixels = picture.pixels if kind == 4 else picture.pixels[..., 1]
        assert np.abs(pixels - RAMP.astype(int)).max() <= 1
        assert picture.alpha is None if kind == 2 else np.array_equal(picture.alpha, RAMP[:, ::-1])
        assert picture.metadata.dpi == pytest.approx((25.4, 25.4))


@pytest.mark.parametrize("gamma", [0, 1, 15_000, 400_000, 0xFFFFFFFF])
def test_a_gamma_that_no_picture_has_is_not_believed(tmp_path, gamma):
    plain = encoded(Image.fromarray(GRAY), "PNG")
    said = chunk(b"gAMA", struct.pack(">I", gamma))
    (tmp_path / "a.png").write_bytes(plain[:33] + said + plain[33:])
    assert np.array_equal(opening.open_picture(tmp_path / "a.png").pixels, GRAY)


def gray_profile(gamma):
    """An ICC profile of greys whose values are light to the power of 1 / gamma."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * gamma)) + bytes(2)
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    text = b"text\0\0\0\0pd\0\0"
    desc = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"gray\0" + bytes(79)
    tags, table, body = {b"desc": desc, b"cprt": text, b"wtpt": white, b"kTRC": curve}, b"", b""
    for name, data in tags.items():
        start = 128 + 4 + 12 * len(tags) + len(body)
        table += name + struct.pack(">II", start, len(data))
        body += data + bytes(-len(data) % 4)
    size = 128 + 4 + len(table) + len(body)
    header = struct.pack(">I4xI", size, 0x02400000) + b"mntrGRAYXYZ " + bytes(12) + b"acsp"
    header += bytes(28) + struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


@pytest.mark.parametrize("gamma", [1.0, 1.8])
@pytest.mark.parametrize("dtype", [np.uint16, np.uint8])
def test_gray_profiles_are_exact_in_the_shadows(tmp_path, gamma, dtype):
    profile = gray_profile(gamma)
    ImageCms.ImageCmsProfile(io.BytesIO(profile))  # sound
    top = np.iinfo(dtype).max
    values = np.rint(top * light(RAMP) ** (1 / gamma)).astype(dtype)
    Image.fromarray(values).save(tmp_path / "a.png", icc_profile=profile)
    pixels = opening.open_picture(tmp_path / "a.png").pixels
    gray = pixels.astype(float) if dtype == np.uint8 else 255 * pixels
    seen = 255 * linear_to_srgb((values / top) ** gamma)
    assert np.abs(gray - seen).max() < 1.1


def linear_to_srgb(linear):
    return np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
