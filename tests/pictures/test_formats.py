"""Sound files that are refused elsewhere, and the names of formats that are not opened."""

import struct

import imagecodecs
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageFile

from colornet.errors import ImageError, TooManyPixels
from colornet.pictures import finding, formats, opening
from messy import encoded
from tiny import close, photograph

COLOR = photograph()
GRAY = np.asarray(COLOR.convert("L"))


def reason(path):
    with pytest.raises(ImageError) as caught:
        opening.open_picture(path)
    return str(caught.value)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}])
@pytest.mark.parametrize("image", [COLOR, COLOR.convert("L")])
def test_a_jpeg_that_lacks_its_end_alone(tmp_path, image, options):
    whole = encoded(image, "JPEG", **options)
    assert whole.endswith(b"\xff\xd9")
    path = tmp_path / "a.jpg"
    path.write_bytes(whole)
    pixels, square = opening.open_picture(path).pixels, opening.open_square(path, 8)
    path.write_bytes(whole[:-2])
    assert np.array_equal(opening.open_picture(path).pixels, pixels)
    assert np.array_equal(opening.open_square(path, 8), square)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_lacks_more_is_damaged(tmp_path, progressive):
    whole = encoded(photograph(200, 160), "JPEG", progressive=progressive)
    for missing in (*range(3, 120), 130, 200, 400, 1000, 2000):
        (tmp_path / "a.jpg").write_bytes(whole[:-missing])
        assert reason(tmp_path / "a.jpg").startswith("damaged"), missing


@pytest.mark.parametrize("bits", [12, 16])
def test_jpegs_of_more_bits(tmp_path, bits):
    deep = (GRAY.astype(np.uint16) << (bits - 8)) + (1 << (bits - 9))
    if bits == 12:
        data = imagecodecs.jpeg8_encode(deep, level=98, bitspersample=12)
    else:
        data = imagecodecs.ljpeg_encode(deep)
    (tmp_path / "a.jpg").write_bytes(data)
    pixels = opening.open_picture(tmp_path / "a.jpg").pixels
    assert pixels.dtype == np.float32 and opening.picture_size(tmp_path / "a.jpg") == (60, 40)
    assert np.abs(255 * pixels - GRAY).max() < 6
    (tmp_path / "a.jpg").write_bytes(data[:40])
    assert reason(tmp_path / "a.jpg").startswith("damaged")


def test_what_phones_write(tmp_path):
    pillow_heif.from_pillow(photograph(64, 48)).save(tmp_path / "a.heic", quality=90)
    assert close(opening.open_picture(tmp_path / "a.heic").pixels, photograph(64, 48))
    assert opening.picture_size(tmp_path / "a.heic") == (64, 48)
    (tmp_path / "cut.heic").write_bytes((tmp_path / "a.heic").read_bytes()[:600])
    assert reason(tmp_path / "cut.heic").startswith("damaged")
    photograph(64, 48).save(tmp_path / "a.avif", quality=90)
    assert close(opening.open_picture(tmp_path / "a.avif").pixels, photograph(64, 48))


def test_known_formats_are_named(tmp_path):
    jxl = imagecodecs.jpegxl_encode(np.asarray(COLOR))
    psd = lambda bits: b"8BPS\0\1" + bytes(16) + struct.pack(">HH", bits, 3)
    brands = b"\0\0\0\x14ftypisom\0\0\0\0mp42"
    for data, text in (
        (jxl, "JPEG XL is not opened here; save it as PNG, TIFF or JPEG"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(99), "a camera's raw file; develop it first"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "a camera's raw file; develop it first"),
        (b"%PDF-1.7" + bytes(99), "PDF is not opened here"),
        (brands + bytes(99), "a film is not opened here"),
        (psd(16), "Photoshop's format of 16 bits a sample is not opened here; save it as PNG"),
        (psd(8), "damaged: "),
        (b"P7\nWIDTH 9\n", "PAM is not opened here; save it as PNG, TIFF or JPEG"),
        (b"PF\n9 9\n-1.0\n" + bytes(972), "PFM in colour is not opened here"),
        (encoded(COLOR, "PNG")[:30], "damaged: its header cannot be read"),
        (b"this is no picture", "not a picture"),
    ):
        (tmp_path / "a").write_bytes(data)
        assert reason(tmp_path / "a").startswith(text)


def test_each_ending_of_photographs_opens(tmp_path):
    """And Pillow's other formats are not among them."""
    alias = {".apng", ".mpo", ".jfif", ".jpe"}
    for ending in formats.ENDINGS - alias - {".ico", ".icns", ".psd", ".pcd", ".xbm", ".xpm"}:
        image = COLOR.convert("1" if ending == ".pbm" else "L" if ending in (".pgm", ".pfm") else
                              "RGB")  # fmt: skip
        if ending in (".heic", ".heif", ".hif"):
            pillow_heif.from_pillow(image).save(tmp_path / "a.heic")
            (tmp_path / "a.heic").rename(tmp_path / f"a{ending}")
        else:
            (image.convert("F") if ending == ".pfm" else image).save(tmp_path / f"a{ending}")
        assert opening.open_picture(tmp_path / f"a{ending}").pixels.shape[:2] == (40, 60)


def test_what_was_left_out_of_a_folder(tmp_path):
    for name in ("a.nef", "b.CR2", "c.jxl", "notes.txt", "d.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "links").symlink_to(tmp_path)
    names = list(finding.find_files(tmp_path))
    others = [path for path in names if not formats.is_picture_name(path)]
    assert finding.left_out(others) == ("2 camera raw, 1 JPEG XL, 1 linked folder, 1 other file")
    assert finding.left_out([]) == ""


def test_hidden_files_are_counted_and_those_of_systems_are_not(tmp_path, capsys):
    (tmp_path / ".old").mkdir()
    for name in (".old/b.jpg", ".a.jpg", ".c", "._a.jpg", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / name).touch()
    hidden = []
    found = list(finding.find_files(tmp_path, hidden))
    finding.say_left_out(tmp_path, found + hidden)
    assert capsys.readouterr().out == f"{tmp_path}: left out 2 hidden files, 1 hidden folder\n"
    finding.say_left_out(tmp_path, found)
    assert capsys.readouterr().out == ""


def test_the_number_of_pixels_has_no_limit_but_its_own(tmp_path):
    large = bytearray(encoded(Image.new("1", (8, 8)), "BMP"))
    large[18:26] = np.array([30000, 20000], "<i4").tobytes()
    (tmp_path / "a.bmp").write_bytes(large)
    assert opening.picture_size(tmp_path / "a.bmp", max_pixels=600_000_000) == (30000, 20000)
    with pytest.raises(TooManyPixels, match="too many pixels: 30000 x 20000, over 599,999,999"):
        opening.picture_size(tmp_path / "a.bmp", max_pixels=599_999_999)
    with pytest.raises(TooManyPixels, match="too many pixels.*200,000,000"):
        opening.picture_size(tmp_path / "a.bmp")
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(TooManyPixels):
        opening.picture_size(tmp_path / "a.bmp", max_pixels=9)
    assert Image.MAX_IMAGE_PIXELS == before  # others in the process open pictures too
    assert not ImageFile.LOAD_TRUNCATED_IMAGES  # which would make half pictures of torn files


def test_animations_are_told(tmp_path):
    more = [COLOR.rotate(90), COLOR.rotate(180)]
    for name in ("a.gif", "a.webp", "a.png"):
        COLOR.save(tmp_path / name, save_all=True, append_images=more)
        assert opening.open_picture(tmp_path / name).remark == "the first of its frames"
    COLOR.save(tmp_path / "b.gif")
    assert opening.open_picture(tmp_path / "b.gif").remark == ""
