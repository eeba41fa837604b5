"""Saving whole or not at all, with the metadata that each format holds."""

import dataclasses
import os
import struct

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, IptcImagePlugin, PngImagePlugin

from colornet.errors import ImageError
from colornet.pictures import opening, saving, sheets
from colornet.pictures.metadata import Metadata
from tiny import close, photograph

COLOR = photograph()
KINDS = [".jpg", ".png", ".tif", ".webp", ".bmp"]
CAPTION = b"\x1c\x02\x78\x00\x08Coffee .\x1c\x02\x74\x00\x04(c) "  # IPTC 2:120 and 2:116
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" '
    b'dc:rights="Somebody"/></x:xmpmeta>'
)


@pytest.mark.parametrize("ending", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.98])
def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, full_disk, ending, share):
    saving.save(COLOR, tmp_path / f"whole{ending}")
    size = os.path.getsize(tmp_path / f"whole{ending}")
    with full_disk(int(share * size)), pytest.raises(ImageError, match="cannot save .*a\\."):
        saving.save(COLOR, tmp_path / f"a{ending}")
    assert os.listdir(tmp_path) == [f"whole{ending}"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
def test_encoders_see_each_error_of_their_file(kind):
    with pytest.raises(OSError), open("/dev/full", "wb") as file:
        COLOR.save(saving.Stream(file), format=kind)


def test_a_sheet_on_a_full_disk(tmp_path, full_disk):
    sheet = sheets.sheet([[np.asarray(COLOR)]], 32)
    with full_disk(500), pytest.raises(OSError, match="[Ll]arge"):
        saving.save_image(sheet, tmp_path / "sheet.png")
    assert os.listdir(tmp_path) == []


def test_names_that_no_format_has(tmp_path):
    with pytest.raises(ImageError, match="expected a name with .jpg"):
        saving.save_image(COLOR, tmp_path / "sheet.doc")


@pytest.mark.parametrize("ending", KINDS)
def test_resolution_is_kept(tmp_path, ending):
    saving.save(COLOR, tmp_path / f"a{ending}", metadata=Metadata(dpi=(600, 300)))
    metadata = opening.open_picture(tmp_path / f"a{ending}").metadata
    assert metadata.dpi == pytest.approx((600, 300), abs=0.05)
    saving.save(COLOR, tmp_path / f"b{ending}")
    unknown = opening.open_picture(tmp_path / f"b{ending}").metadata.dpi
    assert unknown is None or ending == ".bmp"  # which has no word for unknown


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".webp"])
def test_captions_and_rights_are_kept(tmp_path, ending):
    exif = Image.Exif()
    exif[ExifTags.Base.Copyright] = "Somebody"
    kept = Metadata(exif.tobytes(), CAPTION, XMP, (300, 300))
    saving.save(COLOR, tmp_path / f"a{ending}", metadata=kept)
    metadata = opening.open_picture(tmp_path / f"a{ending}").metadata
    assert b'"Somebody"' in metadata.xmp and b'"6"' not in metadata.xmp  # it is upright now
    again = Image.Exif()
    again.load(metadata.exif)
    assert again[ExifTags.Base.Copyright] == "Somebody"
    if ending != ".webp":  # which has no place for IPTC
        assert metadata.iptc == CAPTION
    if ending in (".jpg", ".tif"):
        with Image.open(tmp_path / f"a{ending}") as image:
            assert IptcImagePlugin.getiptcinfo(image)[2, 120] == b"Coffee ."


def test_metadata_of_a_turned_picture(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    COLOR.save(tmp_path / "a.jpg", exif=exif, dpi=(600, 300), xmp=XMP)
    metadata = opening.open_picture(tmp_path / "a.jpg").metadata
    assert metadata.dpi == (300, 600) and b'tiff:Orientation="1"' in metadata.xmp


@pytest.mark.parametrize("kind", ["block", "bare", "named", "tiff", "deep tiff"])
def test_iptc_of_photoshop_s_blocks(tmp_path, kind):
    iptc = b"\x1c\x02\x78\x00\x07Caption"
    named = b"8BIM\x04\x05\4name\0" + struct.pack(">I", 3) + b"abc\0"
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc
    data = {"bare": iptc, "named": named + block}.get(kind, block)
    if kind.endswith("tiff"):
        gray = np.asarray(COLOR.convert("L")).astype(np.int16 if kind == "deep tiff" else np.uint8)
        tifffile.imwrite(tmp_path / "a", gray, extratags=[(34377, 7, len(data), data, True)])
    else:
        with_profile(tmp_path / "a", data.hex())
    assert opening.open_picture(tmp_path / "a").metadata.iptc == iptc


def with_profile(path, digits):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Raw profile type iptc", f"\niptc\n       9\n{digits}\n")
    COLOR.save(path, "PNG", pnginfo=texts)


def test_damaged_blocks_are_no_reason_to_refuse_a_picture(tmp_path):
    for digits in (b"8BIM\4".hex(), (b"8BIM\4\5\0\0" + b"\xff" * 4).hex(), "", "no digits"):
        with_profile(tmp_path / "a.png", digits)
        assert opening.open_picture(tmp_path / "a.png").metadata.iptc == b""


@pytest.mark.parametrize("ending", [".png", ".jpg", ".tif"])
def test_texts_of_a_png_are_kept(tmp_path, ending):
    texts = PngImagePlugin.PngInfo()
    said = {"Author": "Somebody", "Copyright": "© 東", "Title": "A harbour"}
    for word, text in said.items():
        texts.add_text(word, text)
    COLOR.save(tmp_path / "a.png", pnginfo=texts)
    metadata = opening.open_picture(tmp_path / "a.png").metadata
    saving.save(COLOR, tmp_path / f"b{ending}", metadata=metadata)
    again = opening.open_picture(tmp_path / f"b{ending}").metadata
    assert dict(again.texts) == (said if ending == ".png" else {})
    assert b"Somebody\0" in again.exif and "© 東\0".encode() in again.exif


@pytest.mark.parametrize("said", ["='6'", ' = "6"', ">6</tiff:Orientation"])
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif", "16.tif"])
def test_xmp_of_a_turned_picture(tmp_path, said, ending):
    xmp = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><tiff:Orientation{said}></x:xmpmeta>".encode()
    path, tags = tmp_path / f"a{ending}", [(700, 1, len(xmp), xmp, True), (274, 3, 1, 6, True)]
    if ending == ".png":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
        COLOR.save(path, pnginfo=texts)
    elif ending.endswith(".tif"):  # Pillow does not read those of signed integers
        kind = np.int16 if ending == "16.tif" else np.uint8
        tifffile.imwrite(path, np.asarray(COLOR.convert("L")).astype(kind), extratags=tags)
    else:
        COLOR.save(path, xmp=xmp)
    picture = opening.open_picture(path)
    assert picture.pixels.shape[:2] == (60, 40)
    assert b"6" not in picture.metadata.xmp and b"</x:xmpmeta>" in picture.metadata.xmp


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".webp"])
def test_names_beyond_ascii_are_kept(tmp_path, ending):
    name = "© Jürgen 東".encode()
    exif = Image.Exif()
    exif[ExifTags.Base.Copyright] = "x" * len(name)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.CameraOwnerName] = "x" * len(name)
    COLOR.save(tmp_path / "a.jpg", exif=exif)
    named = (tmp_path / "a.jpg").read_bytes().replace(b"x" * len(name), name)
    (tmp_path / "a.jpg").write_bytes(named)
    metadata = dataclasses.replace(opening.open_picture(tmp_path / "a.jpg").metadata, dpi=(72, 72))
    saving.save(COLOR, tmp_path / f"b{ending}", metadata=metadata)
    assert (tmp_path / f"b{ending}").read_bytes().count(name + b"\0") == 2


def test_too_much_metadata_for_the_format_is_left_out(tmp_path):
    long = Metadata(iptc=bytes(70_000), xmp=b"<x>" + bytes(70_000), dpi=(72, 72))
    saving.save(COLOR, tmp_path / "a.jpg", metadata=long)
    picture = opening.open_picture(tmp_path / "a.jpg")
    assert close(picture.pixels, COLOR) and picture.metadata.dpi == (72, 72)
