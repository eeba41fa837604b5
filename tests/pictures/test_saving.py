"""Saving whole or not at all, with the metadata that each format holds."""

import os

import numpy as np
import pytest
from PIL import ExifTags, Image, IptcImagePlugin

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
    if ending in (".jpg", ".tif"):  # the others have no place for IPTC
        assert metadata.iptc == CAPTION
        with Image.open(tmp_path / f"a{ending}") as image:
            assert IptcImagePlugin.getiptcinfo(image)[2, 120] == b"Coffee ."


def test_metadata_of_a_turned_picture(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    COLOR.save(tmp_path / "a.jpg", exif=exif, dpi=(600, 300), xmp=XMP)
    metadata = opening.open_picture(tmp_path / "a.jpg").metadata
    assert metadata.dpi == (300, 600) and b'tiff:Orientation="1"' in metadata.xmp


def test_too_much_metadata_for_the_format_is_left_out(tmp_path):
    long = Metadata(iptc=bytes(70_000), xmp=b"<x>" + bytes(70_000), dpi=(72, 72))
    saving.save(COLOR, tmp_path / "a.jpg", metadata=long)
    picture = opening.open_picture(tmp_path / "a.jpg")
    assert close(picture.pixels, COLOR) and picture.metadata.dpi == (72, 72)
