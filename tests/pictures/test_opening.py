"""Opening every kind of picture upright in sRGB, and saving whole or not at all."""

import os

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms
from skimage import data

from colornet.errors import ImageError
from colornet.files import printable
from colornet.pictures import decoding, finding, opening
from tiny import close, photograph

COLOR = photograph()
GRAY = COLOR.convert("L")
DEEP = np.asarray(GRAY).astype(np.uint16) * 257
WITH_ALPHA = COLOR.copy()
WITH_ALPHA.putalpha(GRAY.point(lambda level: min(255, 2 * level)))


def saved(image, path, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "image", "options"),
    [
        ("grey.jpg", GRAY, {}),
        ("colour.jpg", COLOR, {"quality": 90}),
        ("progressive.jpg", COLOR, {"quality": 90, "progressive": True}),
        ("ink.jpg", COLOR.convert("CMYK"), {"quality": 90}),
        ("one_bit.png", GRAY.convert("1"), {}),
        ("grey.png", GRAY, {}),
        ("colour.png", COLOR, {}),
        ("palette.png", COLOR.quantize(64), {}),
        ("grey.tif", GRAY, {}),
        ("colour.tif", COLOR, {"compression": "tiff_lzw"}),
        ("ink.tif", COLOR.convert("CMYK"), {}),
        ("one_bit.tif", GRAY.convert("1"), {"compression": "group4"}),
        ("pages.tif", COLOR, {"save_all": True, "append_images": [COLOR.resize((9, 9))]}),
        ("colour.webp", COLOR, {}),
        ("moving.webp", COLOR, {"save_all": True, "append_images": [GRAY.convert("RGB")]}),
        ("colour.bmp", COLOR, {}),
        ("palette.gif", COLOR.quantize(64), {}),
        ("moving.gif", COLOR.quantize(64), {"save_all": True, "append_images": [GRAY]}),
        ("colour.jp2", COLOR, {}),
        ("colour.ppm", COLOR, {}),
    ],
)
def test_every_kind_opens_as_its_colors(tmp_path, name, image, options):
    picture = opening.open_picture(saved(image, tmp_path / name, **options))
    assert picture.pixels.dtype == np.uint8 and picture.alpha is None
    assert close(picture.pixels, image)
    assert opening.picture_size(tmp_path / name) == image.size


@pytest.mark.parametrize(
    "write",
    [
        lambda path: Image.fromarray(DEEP).save(path.with_suffix(".png")),
        lambda path: Image.fromarray(DEEP).save(path.with_suffix(".tif")),
        lambda path: tifffile.imwrite(path.with_suffix(".tif"), DEEP, byteorder=">"),
        lambda path: tifffile.imwrite(path.with_suffix(".tif"), DEEP.astype(np.float32) / 65535),
        lambda path: Image.fromarray(DEEP).save(path.with_suffix(".pgm")),
    ],
)
def test_deep_gray_keeps_its_depth(tmp_path, write):
    write(tmp_path / "deep")
    picture = opening.open_picture(next(tmp_path.iterdir()))
    assert picture.pixels.dtype == np.float32
    assert np.allclose(picture.pixels, DEEP / 65535, atol=1e-6)


def test_deep_color(tmp_path):
    deep = np.asarray(COLOR).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb")
    assert close(opening.open_picture(tmp_path / "a.tif").pixels, COLOR, most=1)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_alpha_is_carried(tmp_path, name, mode):
    image = WITH_ALPHA.convert(mode)
    options = {"lossless": True, "exact": True} if name == "a.webp" else {}
    picture = opening.open_picture(saved(image, tmp_path / name, **options))
    assert np.array_equal(picture.alpha, np.asarray(WITH_ALPHA.getchannel("A")))
    assert close(picture.pixels, image, most=1)


def test_a_transparent_color_becomes_alpha(tmp_path):
    palette = COLOR.quantize(16)
    path = saved(palette, tmp_path / "palette.png", transparency=3)
    assert np.array_equal(opening.open_picture(path).alpha == 0, np.asarray(palette) == 3)
    level = int(DEEP[0, 0])
    path = saved(Image.fromarray(DEEP), tmp_path / "deep.png", transparency=level)
    assert np.array_equal(opening.open_picture(path).alpha == 0, level == DEEP)


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("a.jpg", COLOR),
        ("a.png", COLOR),
        ("a.webp", COLOR),
        ("a.tif", COLOR),
        ("grey.tif", GRAY),
        ("alpha.tif", WITH_ALPHA),
    ],
)
def test_pictures_come_upright_and_keep_other_exif(tmp_path, name, image, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Maker"
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.DateTimeOriginal: "1920:01:02 03:04:05",
            ExifTags.Base.ExifImageWidth: 60,
            ExifTags.Base.ExifImageHeight: 40,
            ExifTags.Base.ColorSpace: 65535,
        }
    )
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    path = saved(image, tmp_path / name, exif=exif.tobytes())
    turns = {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_270",
        7: "TRANSVERSE",
        8: "ROTATE_90",
    }
    upright = image
    if orientation in turns:
        upright = image.transpose(Image.Transpose[turns[orientation]])
    picture = opening.open_picture(path)
    assert close(picture.pixels, upright)
    kept = Image.Exif()
    kept.load(picture.metadata.exif)
    details = kept.get_ifd(ExifTags.IFD.Exif)
    assert kept[ExifTags.Base.Make] == "Maker" and ExifTags.Base.Orientation not in kept
    assert details[ExifTags.Base.DateTimeOriginal] == "1920:01:02 03:04:05"
    assert kept.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
    assert details[ExifTags.Base.ColorSpace] == 1  # sRGB, which the pixels are now
    size = details[ExifTags.Base.ExifImageWidth], details[ExifTags.Base.ExifImageHeight]
    assert size == upright.size


def test_the_layout_of_a_tiff_is_no_exif_of_the_picture(tmp_path):
    path = saved(COLOR, tmp_path / "a.tif", compression="tiff_lzw", software="scanner")
    kept = Image.Exif()
    kept.load(opening.open_picture(path).metadata.exif)
    assert dict(kept) == {ExifTags.Base.Software: "scanner"}


def test_color_profiles_are_converted(tmp_path):
    lab = ImageCms.createProfile("LAB")
    srgb = ImageCms.createProfile("sRGB")
    in_lab = ImageCms.profileToProfile(COLOR, srgb, lab, outputMode="LAB")
    assert close(opening.open_picture(saved(in_lab, tmp_path / "lab.tif")).pixels, COLOR, 3)
    swapped = Image.merge("RGB", COLOR.split()[::-1])
    path = saved(swapped, tmp_path / "a.png", icc_profile=profile_of_swapped_channels())
    assert close(opening.open_picture(path).pixels, COLOR, 3)


def profile_of_swapped_channels():
    """An sRGB profile in which red and blue have changed places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def test_damaged_and_foreign_profiles_are_passed_over(tmp_path):
    for profile in (b"nonsense", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()):
        path = saved(COLOR, tmp_path / "a.png", icc_profile=profile)
        assert close(opening.open_picture(path).pixels, COLOR, most=1)


def test_more_rows_than_one_band(tmp_path):
    large = WITH_ALPHA.resize((800, 500))
    assert large.width * large.height > decoding.BAND_PIXELS
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    path = saved(large, tmp_path / "a.png", exif=exif)
    picture = opening.open_picture(path)
    upright = large.transpose(Image.Transpose.ROTATE_270)
    assert close(picture.pixels, upright, most=0.01)
    assert np.array_equal(picture.alpha, np.asarray(upright.getchannel("A")))


def test_reasons(tmp_path):
    def reason(name):
        with pytest.raises(ImageError) as caught:
            opening.open_picture(tmp_path / name)
        return str(caught.value)

    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.jpg").touch()
    whole = saved(COLOR, tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "drawing.eps").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n"
    )
    (tmp_path / "folder.jpg").mkdir()
    os.symlink("nowhere", tmp_path / "dangling.jpg")
    os.symlink("loop.jpg", tmp_path / "loop.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reason("text.jpg") == "not a picture"
    assert reason("empty.jpg") == "empty file"
    assert reason("cut.jpg").startswith("damaged: image file is truncated")
    assert reason("drawing.eps") == "PostScript is not opened here; save it as PNG, TIFF or JPEG"
    assert "folder" in reason("folder.jpg")
    assert reason("missing.jpg") == reason("dangling.jpg") == "no such file or directory"
    assert "symbolic links" in reason("loop.jpg")
    assert reason("pipe.jpg") == "not a file"


def test_pictures_of_too_many_pixels_are_refused_by_their_header(tmp_path):
    path = saved(COLOR, tmp_path / "a.png")
    with pytest.raises(ImageError, match="60 x 40, over 2,399; scale it down$"):
        opening.open_picture(path, max_pixels=2399)
    assert opening.open_picture(path, max_pixels=2400).pixels.shape == (40, 60, 3)
    # Above Pillow's own limits, below ours.
    large = bytearray(saved(Image.new("1", (8, 8)), tmp_path / "b.bmp").read_bytes())
    large[18:26] = np.array([16000, 12000], "<i4").tobytes()
    (tmp_path / "b.bmp").write_bytes(large)
    assert opening.picture_size(tmp_path / "b.bmp") == (16000, 12000)
    with pytest.raises(ImageError, match="too many pixels"):
        opening.picture_size(tmp_path / "b.bmp", max_pixels=20_000_000)


def test_folders_are_searched_in_order(tmp_path):
    for name in ("b/z.jpg", "b/a.txt", "a.PNG", ".hidden.jpg", ".cache/c.jpg", "c.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    os.symlink(tmp_path, tmp_path / "b/link")
    hidden = []
    found = [os.path.relpath(path, tmp_path) for path in finding.find_files(tmp_path, hidden)]
    assert hidden == [str(tmp_path / ".cache"), str(tmp_path / ".hidden.jpg")]
    assert found == ["a.PNG", "b/a.txt", "b/link", "b/z.jpg", "c.webp"]
    pictures = list(filter(finding.is_picture_name, found))
    assert pictures == ["a.PNG", "b/z.jpg", "c.webp"]
    assert not finding.is_picture_name("a.pdf")


def test_names_are_printable():
    assert printable(os.fsdecode(b"a\xffb\n.jpg")) == "a\\xffb\\n.jpg"


def test_squares_for_training(tmp_path):
    whole = Image.fromarray(data.coffee())
    path = saved(whole, tmp_path / "a.jpg", quality=95)
    square = opening.open_square(path, 64)
    assert close(square, whole.resize((64, 64), Image.Resampling.BICUBIC), most=6)
    clear = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    assert (opening.open_square(saved(clear, tmp_path / "b.png"), 8) == 255).all()
    with pytest.raises(ImageError, match="too small"):
        opening.open_square(path, 8, min_side=1000)
