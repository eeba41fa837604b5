"""TIFFs of every kind: the picture as it is, or one line that names what cannot be read."""

import itertools

import numpy as np
import pytest
import tifffile
from PIL import Image

from colornet.errors import ImageError
from colornet.pictures import opening
from tiny import close, photograph

RGB = np.asarray(photograph(45, 30))
GRAY = np.asarray(photograph(45, 30).convert("L"))
ALPHA = np.clip(GRAY.astype(int) * 2, 60, 255).astype(np.uint8)
KINDS = {  # samples a pixel, and how those of 8 bits are made
    "minisblack": GRAY,
    "miniswhite": 255 - GRAY,
    "rgb": RGB,
    "separated": np.asarray(photograph(45, 30).convert("CMYK")),
}


def of_type(pixels, dtype):
    """8-bit samples in another type, from black to its full brightness."""
    if dtype.startswith("float"):
        return (pixels / 255).astype(dtype)
    return np.rint(pixels / 255.0 * np.iinfo(dtype).max).astype(dtype)


def write(path, kind, dtype, alpha=None, planar=False, **options):
    samples = of_type(KINDS[kind], dtype)
    if alpha:
        plane = of_type(ALPHA, dtype)[..., None]
        samples = samples.reshape(*GRAY.shape, -1)
        if alpha == "assocalpha":
            samples = (samples * (plane / of_type(np.uint8([255]), dtype)[0])).astype(dtype)
        samples = np.concatenate([samples, plane], axis=2)
    if planar:
        samples = np.moveaxis(samples, 2, 0)
    tifffile.imwrite(
        path,
        samples,
        photometric=kind,
        planarconfig="separate" if planar else "contig",
        extrasamples=[alpha] if alpha else None,
        metadata=None,
        **options,
    )


def check(picture, alpha=None, most=1.5):
    """That a picture is RGB or GRAY, within levels of 255."""
    pixels = picture.pixels
    if pixels.ndim == 2:
        pixels = pixels[..., None] * (1.0 if pixels.dtype == np.uint8 else 255)
    truth = RGB.astype(float) if np.ptp(pixels, axis=2).any() else GRAY[..., None].astype(float)
    assert np.abs(pixels - truth).max() < most
    assert (picture.alpha is not None) == bool(alpha)
    if alpha:
        assert np.abs(picture.alpha.astype(int) - ALPHA).max() <= 1


TYPES = ("uint8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_of_numbers(tmp_path, kind, dtype):
    """In every order of bytes and planes, in strips and tiles, with and without alpha."""
    layouts = [{"byteorder": order} for order in "<>"]
    layouts += [{"tile": (16, 16)}, {"rowsperstrip": 7}, {"compression": "zlib"}]
    layouts += [{"compression": name, "predictor": True} for name in ("zlib", "lzw")]
    alphas = (None, "unassalpha") if kind != "miniswhite" else (None,)
    for options, alpha in itertools.product(layouts, alphas):
        planes = (False, True) if alpha or KINDS[kind].ndim == 3 else (False,)
        for planar in planes:
            if options.get("predictor") and (dtype == "float16" or dtype.endswith("32")):
                continue  # tifffile writes these in its own way
            write(tmp_path / "a.tif", kind, dtype, alpha, planar, **options)
            picture = opening.open_picture(tmp_path / "a.tif")
            check(picture, alpha, most=2.5 if kind == "separated" else 1.5)
            assert opening.picture_size(tmp_path / "a.tif") == (45, 30)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("kind", ["minisblack", "rgb"])
def test_colors_multiplied_by_alpha(tmp_path, kind, dtype):
    write(tmp_path / "a.tif", kind, dtype, "assocalpha")
    check(opening.open_picture(tmp_path / "a.tif"), "assocalpha", most=6)


def test_few_bits_a_sample(tmp_path):
    for bits in (1, 2, 4, 10, 12):
        samples = GRAY.astype(np.uint16) >> (8 - bits) if bits < 8 else of_type(GRAY, "uint16")
        samples = samples >> (16 - bits) if bits > 8 else samples.astype(np.uint8)
        for kind in ("minisblack", "miniswhite"):
            shown = samples if kind == "minisblack" else (1 << bits) - 1 - samples
            packed = shown.astype(bool) if bits == 1 else shown
            options = {} if bits == 1 else {"bitspersample": bits}
            tifffile.imwrite(tmp_path / "a.tif", packed, photometric=kind, **options)
            pixels = opening.open_picture(tmp_path / "a.tif").pixels
            unit = pixels / 255 if pixels.dtype == np.uint8 else pixels
            assert np.allclose(unit, samples / ((1 << bits) - 1), atol=0.002), (bits, kind)


def scaled(path, samples, most=0.6, of=GRAY, **options):
    """The remark of a TIFF whose values beyond white count as white; most levels off `of`."""
    tifffile.imwrite(path, samples, **options)
    picture = opening.open_picture(path)
    levels = picture.pixels * (1.0 if picture.pixels.dtype == np.uint8 else 255)
    levels[samples == samples.max()] = of[samples == samples.max()]  # the odd ones
    assert np.abs(levels - of).max() < most
    return picture.remark


@pytest.mark.parametrize("odd", [1.004, 1.3, 40.0, 1e6])
def test_floats_above_1_do_not_darken_the_others(tmp_path, odd):
    for of in (GRAY, RGB):
        samples = (of / 255).astype(np.float32)
        samples[5, 5] = odd
        kind = {"photometric": "rgb" if of is RGB else "minisblack"}
        remark = scaled(tmp_path / "a.tif", samples, of=of, **kind)
        assert remark.endswith(": 0 is taken as black, 1 as white")
        assert remark.startswith("values from 0 to 1") == (odd in (1.004, 1.3, 1e6))
        square = opening.open_square(tmp_path / "a.tif", 30)
        assert abs(square.mean() - of.mean()) < 2
    tifffile.imwrite(tmp_path / "a.tif", (RGB / 250).astype(np.float32), photometric="rgb")
    check(opening.open_picture(tmp_path / "a.tif"), most=6)


def test_wide_integers_are_scaled_by_their_bits_or_a_look(tmp_path):
    path, samples = tmp_path / "a.tif", GRAY.astype(np.uint32) * 257
    samples[5, 5] = 70_000
    assert scaled(path, samples) == "values from 0 to 70000: 0 is taken as black, 65535 as white"
    samples[5, 5] = 4_000_000_000
    assert "65535 as white" in scaled(path, samples)
    for bits in (8, 18, 22, 28):
        samples = np.rint(GRAY / 255 * ((1 << bits) - 1)).astype(np.uint32)
        samples[0, 0] = (1 << bits) - 1
        assert f"{(1 << bits) - 1} as white" in scaled(path, samples)
    samples = GRAY.astype(np.uint32) // 9 * 65793  # dark, and declared
    assert scaled(path, samples, of=GRAY // 9, bitspersample=24) == ""


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "float32"])
def test_negative_halves_are_part_of_the_picture(tmp_path, dtype):
    if dtype == "float32":
        samples, black = (GRAY / 127.5 - 1).astype(dtype), "-1"
    else:
        ends = np.iinfo(dtype)
        span = float(ends.max) - ends.min
        samples, black = np.rint(GRAY / 255 * span + ends.min).astype(dtype), str(ends.min)
    remark = scaled(tmp_path / "a.tif", samples)
    assert f"{black} is taken as black" in remark
    few = np.maximum(samples, 0)
    few[5, 5] = -1  # no more than an accident
    tifffile.imwrite(tmp_path / "a.tif", few)
    picture = opening.open_picture(tmp_path / "a.tif")
    assert picture.pixels[5, 5] == 0 and "values from -1" in picture.remark
    assert ": 0 is taken as black" in picture.remark


def test_dark_values_of_wide_types_keep_their_meaning(tmp_path):
    """16 bits in a wider type, and floats of 8 or 16 bits, are taken as what they are."""
    for dtype, top in (("uint32", 65535), ("int32", 65535), ("float32", 255), ("float32", 65535)):
        tifffile.imwrite(tmp_path / "a.tif", (GRAY / 255 * top).astype(dtype))
        check(opening.open_picture(tmp_path / "a.tif"), most=0.6)


@pytest.mark.parametrize("compression", ["jpeg", "zstd", "packbits", "lzma", "tiff_lzw"])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_compressions(tmp_path, mode, compression):
    image = photograph(45, 30).convert(mode)
    image.save(tmp_path / "a.tif", compression=compression)
    assert close(opening.open_picture(tmp_path / "a.tif").pixels, image)


def pages(path, *arrays_and_options):
    with tifffile.TiffWriter(path) as writer:
        for array, options in arrays_and_options:
            writer.write(array, metadata=None, **options)


@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_a_thumbnail_before_the_picture(tmp_path, dtype):
    small = of_type(GRAY, dtype)[::5, ::5]
    thumbnail, mask = {"subfiletype": 1}, {"subfiletype": 4}
    pages(tmp_path / "a.tif", (small, thumbnail), (of_type(GRAY, dtype), {}), (GRAY > 9, mask))
    picture = opening.open_picture(tmp_path / "a.tif")
    check(picture)
    assert picture.remark == "" and opening.picture_size(tmp_path / "a.tif") == (45, 30)


@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_several_pages_are_told(tmp_path, dtype):
    other = np.zeros((9, 9), dtype)
    pages(tmp_path / "a.tif", (of_type(GRAY, dtype), {}), (other, {}), (other, {}))
    picture = opening.open_picture(tmp_path / "a.tif")
    check(picture)
    assert picture.remark == "the first of its 3 pages; the others are left out"


def test_a_camera_s_raw_file_is_not_its_preview(tmp_path):
    preview, sensor = RGB[::5, ::5], of_type(GRAY, "uint16")
    for name, subifd, tags in (("a.dng", 1, [(50706, 1, 4, (1, 4, 0, 0), True)]), ("a.nef", 1, [])):
        with tifffile.TiffWriter(tmp_path / name) as writer:
            writer.write(preview, photometric="rgb", subfiletype=1, subifds=subifd, extratags=tags)
            writer.write(sensor, photometric=32803, subfiletype=0)
        with pytest.raises(ImageError, match="camera's raw file; develop it first"):
            opening.open_picture(tmp_path / name)


def test_what_cannot_be_read_is_named(tmp_path):
    tifffile.imwrite(tmp_path / "lab.tif", of_type(RGB, "uint16"), photometric="cielab")
    with pytest.raises(ImageError, match="a rare kind, CIELAB of 16 bits"):
        opening.open_picture(tmp_path / "lab.tif")
    complex_numbers = GRAY.astype(np.complex64)
    tifffile.imwrite(tmp_path / "complex.tif", complex_numbers, photometric="minisblack")
    with pytest.raises(ImageError, match="a rare kind, MINISBLACK of 64 bits"):
        opening.open_picture(tmp_path / "complex.tif")


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_what_is_cut_short_is_damaged(tmp_path, compression):
    write(tmp_path / "a.tif", "minisblack", "int16", compression=compression, rowsperstrip=5)
    whole = (tmp_path / "a.tif").read_bytes()
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        last = file.pages[0].dataoffsets[-1]
    (tmp_path / "a.tif").write_bytes(whole[: last + 20])
    with pytest.raises(ImageError, match="damaged"):
        opening.open_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("size", [1, 20])
def test_bigtiffs(tmp_path, byteorder, bigtiff, size):
    deep = of_type(GRAY, "uint16").repeat(size, axis=0).repeat(size, axis=1)
    tags = [(33432, 2, 0, "Somebody", True), (274, 3, 1, 6, True)]
    options = {"byteorder": byteorder, "bigtiff": bigtiff, "extratags": tags}
    for samples in (deep, (deep >> 8).astype(np.uint8)):
        tifffile.imwrite(tmp_path / "a.tif", samples, software=False, metadata=None, **options)
        picture = opening.open_picture(tmp_path / "a.tif")
        pixels = picture.pixels * (1 if samples is not deep else 255)
        assert np.allclose(pixels, np.rot90(deep / 257, -1), atol=1)
        kept = Image.Exif()
        kept.load(picture.metadata.exif)
        assert dict(kept) == {33432: "Somebody"}


def test_metadata_of_tiffs_that_pillow_does_not_read(tmp_path):
    write(
        tmp_path / "a.tif",
        "minisblack",
        "int16",
        resolution=(236, 118),
        resolutionunit=3,
        software=False,
        extratags=[
            (33432, 2, 0, "Somebody", True),
            (33723, 7, 9, b"\x1c\x02\x78\x00\x04text", True),
            (274, 3, 1, 6, True),
        ],
    )
    picture = opening.open_picture(tmp_path / "a.tif")
    assert picture.pixels.shape == (45, 30)  # upright
    assert np.allclose(255 * picture.pixels, np.rot90(GRAY, -1), atol=1)
    assert picture.metadata.dpi == pytest.approx((118 * 2.54, 236 * 2.54))
    assert picture.metadata.iptc == b"\x1c\x02\x78\x00\x04text"
    kept = Image.Exif()
    kept.load(picture.metadata.exif)
    assert dict(kept) == {33432: "Somebody"}
