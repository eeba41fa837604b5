"""Colouring through the script's `main`, and through the functions to import."""

import dataclasses
import glob
import itertools
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import ExifTags, Image
from skimage import color, data

import model_transform
import tiny
from colornet.coloring import jobs
from colornet.errors import ImageError
from colornet.pictures import colorspace, opening
from colornet.pictures.mounts import within_mount
from tiny import photograph

COLOR = photograph()
GRAY = COLOR.convert("L")
ROOT = os.path.dirname(os.path.abspath(model_transform.__file__))


def pixels_of(path):
    return np.asarray(Image.open(path).convert("RGB"))


def chroma_of(pixels):
    return np.hypot(*np.moveaxis(color.rgb2lab(pixels)[..., 1:], -1, 0))


def files_below(folder):
    return sorted(
        os.path.relpath(os.path.join(where, name), folder)
        for where, _, names in os.walk(folder)
        for name in names
    )


# --- Kinds of pictures --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "kind"),
    [
        ("a.jpg", "a.jpg", "JPEG"),
        ("a.JPEG", "a.JPEG", "JPEG"),
        ("a.png", "a.png", "PNG"),
        ("a.tif", "a.tif", "TIFF"),
        ("a.webp", "a.webp", "WEBP"),
        ("a.bmp", "a.bmp", "BMP"),
        ("a.gif", "a.png", "PNG"),
        ("a.ppm", "a.png", "PNG"),
    ],
)
def test_each_kind_comes_out_in_color_at_its_size(run, source, target, kind):
    GRAY.resize((61, 43)).save(source)
    assert run(source, "-o", "out") == 0
    assert os.listdir("out") == [target]
    with Image.open(f"out/{target}") as made:
        assert made.format == kind and made.mode == "RGB" and made.size == (61, 43)
        assert chroma_of(np.asarray(made)).mean() > 2


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (7, 9), (300, 20), (64, 48)])
def test_any_size(run, size):
    GRAY.resize(size).save("a.png")
    for working_size in ("full", "48", "8"):
        assert run("a.png", "-o", f"{working_size}.png", "--working-size", working_size) == 0
        assert Image.open(f"{working_size}.png").size == size


def test_the_network_sees_what_working_size_says(run):
    photograph(150, 100).convert("L").save("a.png")
    for size in ("16", "150", "full"):
        assert run("a.png", "-o", f"{size}.png", "--working-size", size) == 0
    assert np.array_equal(pixels_of("150.png"), pixels_of("full.png"))
    assert not np.array_equal(pixels_of("16.png"), pixels_of("full.png"))


@pytest.mark.parametrize("source", [data.astronaut, data.chelsea, data.rocket])
def test_luminance_is_kept_at_every_pixel(run, source):
    Image.fromarray(source()).save("a.png")
    assert run("a.png", "-o", "out.png", "--chroma", "2") == 0
    before, after = (color.rgb2lab(pixels)[..., 0] for pixels in (source(), pixels_of("out.png")))
    assert np.abs(after - before).max() < 1.0


def test_luminance_of_16_bits_is_kept(run):
    deep = np.linspace(0, 65535, 64 * 48).astype(np.uint16).reshape(48, 64)
    Image.fromarray(deep).save("a.png")
    assert run("a.png", "-o", "out.png") == 0
    gray = np.repeat(deep[..., None] / 65535, 3, axis=2)
    assert np.abs(color.rgb2lab(pixels_of("out.png")) - color.rgb2lab(gray))[..., 0].max() < 1.0


def test_colors_of_the_input_do_not_count(run):
    """What a picture's own colours would tell the network is its luminance alone."""
    GRAY.save("grey.png")
    lightness = color.rgb2lab(np.asarray(GRAY.convert("RGB")))[..., 0]
    from colornet.pictures import colorspace

    tinted = colorspace.lab_to_rgb(lightness, np.full((*lightness.shape, 2), 4.0))
    Image.fromarray(tinted).save("tinted.png")
    assert run("grey.png", "tinted.png", "-o", "out") == 0
    apart = np.abs(pixels_of("out/grey.png").astype(int) - pixels_of("out/tinted.png"))
    assert apart.mean() < 1.5


def test_alpha_and_exif_are_carried(run):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Artist] = 6, "A. Adams"
    image = GRAY.convert("RGB")
    alpha = Image.linear_gradient("L").resize(GRAY.size)
    image.putalpha(alpha)
    for name in ("a.png", "a.webp", "a.tif"):
        image.save(name, exif=exif.tobytes(), lossless=True, exact=True)
        assert run(name, "-o", "out") == 0
        with Image.open(f"out/{name}") as made:
            assert made.mode == "RGBA" and made.size == (40, 60)
            upright = alpha.transpose(Image.Transpose.ROTATE_270)
            assert np.abs(np.asarray(made.getchannel("A"), int) - np.asarray(upright)).max() == 0
            assert made.getexif()[ExifTags.Base.Artist] == "A. Adams"
            assert made.getexif().get(ExifTags.Base.Orientation, 1) == 1
    image.save("a.png")
    assert run("a.png", "-o", "flat.jpg") == 0  # on white, as JPEG has no alpha
    assert pixels_of("flat.jpg")[0].mean() > 245


def test_exif_that_jpeg_cannot_hold_is_left_out(run):
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "x" * 70000
    GRAY.save("a.png", exif=exif)
    assert run("a.png", "-o", "out.jpg") == 0
    assert run("a.png", "-o", "out.png") == 0
    assert len(Image.open("out.png").getexif()[ExifTags.Base.ImageDescription]) == 70000


def test_format_and_quality(run):
    photograph(200, 150).save("a.png")
    for quality in (30, 100):
        assert run("a.png", "-o", f"{quality}", "--format", "jpeg", "--quality", quality) == 0
    assert os.path.getsize("30/a.jpg") < os.path.getsize("100/a.jpg") / 2
    assert run("a.png", "-o", "x", "--format", "WEBP") == 0
    assert Image.open("x/a.webp").format == "WEBP"


def test_a_format_that_cannot_hold_the_size_is_named(run, capsys):
    Image.new("L", (70000, 1)).save("wide.png")
    for kind in ("jpeg", "webp"):
        assert run("wide.png", "-o", kind, "--format", kind) == 1
        assert "choose another --format" in capsys.readouterr().err
        assert files_below(kind) == []


# --- Files, folders and outputs -----------------------------------------------------------------


def test_folders_are_mirrored_and_patterns_expanded(run, capsys):
    for name in (
        "album/a.jpg",
        "album/b/c.png",
        "album/b/d/e.gif",
        "album/notes.txt",
        "album/b/c.nef",
        "album/.old/f.jpg",
        "album/.DS_Store",
        "x1.png",
        "x2.png",
    ):
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        GRAY.save(name, format="PNG")
    os.symlink("b", "album/link")
    GRAY.save("x2.tif", save_all=True, append_images=[COLOR.copy()])
    os.replace("x2.tif", "x2.png")
    assert run("album", "x?.png", "-o", "out") == 0
    assert files_below("out") == ["a.jpg", "b/c.png", "b/d/e.png", "x1.png", "x2.png"]
    lines = capsys.readouterr().out.splitlines()
    assert "album: left out 1 camera raw, 1 linked folder, 1 other file, 1 hidden folder" in lines
    assert "x2.png: the first of its 2 pages; the others are left out" in lines
    assert "5 colored, 0 failed" in lines


def test_folders_come_out_as_one_by_one(run):
    os.mkdir("album")
    sizes = [(60, 40), (40, 60), (60, 41), (33, 33)]
    for number, size in zip(range(23), itertools.cycle(sizes)):
        photograph(*size, data.chelsea).rotate(15 * number).save(f"album/{number}.png")
    assert run("album", "-o", "together") == 0
    for number in (0, 1, 2, 3, 20, 22):
        assert run(f"album/{number}.png", "-o", f"{number}.png") == 0
        one, many = pixels_of(f"{number}.png"), pixels_of(f"together/{number}.png")
        assert np.array_equal(one, many)
    assert len(os.listdir("together")) == 23


def test_more_pictures_than_are_in_memory_at_a_time(tmp_path):
    from colornet.coloring.pipeline import each_picture

    sizes = [(60 + number % 3, 40) for number in range(80)]
    sizes[40] = (200, 100)
    paths = [str(tmp_path / f"{number}.png") for number in range(80)]
    for path, size in zip(paths, sizes):
        GRAY.resize(size).save(path)
    lock, held, seen = threading.Lock(), [], []

    def work(path, reserve):
        width, height = opening.open_picture(path, reserve=reserve).pixels.shape[::-1]
        with lock:
            held.append(width * height)
            seen.append(list(held))
        time.sleep(0.002)
        with lock:
            held.remove(width * height)
        return path

    done = list(each_picture(work, paths, limit=5000))
    assert done == [(path, path, None) for path in paths]
    assert all(sum(pixels) <= 5000 or pixels == [20000] for pixels in seen)
    assert [20000] in seen and max(map(len, seen)) == 2


def test_finished_outputs_are_skipped_unless_told(run, capsys):
    GRAY.save("a.png")
    GRAY.save("b.png")
    assert run("a.png", "-o", "out") == 0
    before = os.stat("out/a.png").st_mtime_ns
    assert run("a.png", "b.png", "-o", "out") == 0
    assert "1 already colored" in capsys.readouterr().out
    assert os.stat("out/a.png").st_mtime_ns == before and os.path.exists("out/b.png")
    assert run("a.png", "b.png", "-o", "out", "--overwrite") == 0
    assert os.stat("out/a.png").st_mtime_ns > before


def test_no_output_replaces_an_input(run, capsys):
    os.makedirs("album/sub")
    names = (
        "album/a.png",
        "album/sub/b.png",
        "album/c.gif",
        "album/c.png",
        "album/d.jpg",
        "album/d.compare.png",
    )
    for name in names:
        GRAY.save(name)
    os.symlink("album", "link")
    os.mkdir("linked")
    os.symlink("../album/a.png", "linked/a.png")
    os.link("album/sub/b.png", "linked/b.png")
    before = {name: open(name, "rb").read() for name in names}
    for arguments in (
        ("album", "-o", "album"),
        ("album", "-o", "link"),
        ("link", "-o", "album", "--compare"),
        ("album/a.png", "-o", "album/a.png"),
        ("album/a.png", "-o", "linked"),
        ("album/a.png", "-o", "./album/../album"),
        ("linked", "-o", "album"),
        ("linked/a.png", "linked/b.png", "-o", "album/sub"),
    ):
        assert run(*arguments, "--overwrite") == 1
        assert "would replace" in capsys.readouterr().err
    assert before == {name: open(name, "rb").read() for name in names}


def test_no_output_replaces_the_style_or_the_model(run, tiny_network, capsys):
    shutil.copytree(tiny_network, "model")
    for name in ("curves.png", "style.png", "model/curves.png"):
        GRAY.save(name)
    before = {path: open(path, "rb").read() for path in ("style.png", "model/curves.png")}
    for output in ("style.png", "model"):
        arguments = ["curves.png", "-o", output, "--style-from", "style.png", "--overwrite"]
        assert run(*arguments, model="model") == 1
        assert "would replace an input" in capsys.readouterr().err
    assert before == {path: open(path, "rb").read() for path in before}


def test_an_empty_file_is_no_finished_output(run):
    GRAY.save("a.png")
    os.mkdir("out")
    open("out/a.png", "w").close()
    assert run("a.png", "-o", "out") == 0
    assert pixels_of("out/a.png").shape == pixels_of("a.png").shape[:2] + (3,)


def test_options_of_films_without_a_film_are_named(run, capsys):
    GRAY.save("a.png")
    assert run("a.png", "-o", "out", "--from", "0", "--steady", "on", "--codec", "ffv1") == 0
    assert capsys.readouterr().err.splitlines()[0] == (
        "--from, --steady, --codec: for films only, and no input is one"
    )


def test_an_output_folder_inside_the_input_is_not_searched(run):
    os.mkdir("album")
    GRAY.save("album/a.png")
    for _ in range(2):
        assert run("album", "-o", "album/colored") == 0
    assert files_below("album") == ["a.png", "colored/a.png"]


def test_two_inputs_do_not_share_an_output(run, capsys):
    os.mkdir("b")
    GRAY.save("a.png")
    GRAY.save("b/a.png")
    assert run("a.png", "b/a.png", "a.png", "-o", "out") == 1
    caught = capsys.readouterr()
    assert caught.err == "b/a.png: its output out/a.png is that of another input too\n"
    assert "1 colored, 1 failed" in caught.out


def test_what_follows_a_point_in_a_name_is_kept(run):
    os.mkdir("album")
    for name in ("1923.07.04 Harbour", "1923.07.05 Pier", "scan", "b.gif"):
        GRAY.save(f"album/{name}", format="PNG")
    album = [f"album/{name}" for name in os.listdir("album")]
    assert run(*album, "-o", "out") == 0
    assert files_below("out") == [
        "1923.07.04 Harbour.png", "1923.07.05 Pier.png", "b.png", "scan.png"
    ]  # fmt: skip
    assert run(*album, "-o", "jpeg", "--format", "jpeg") == 0
    assert files_below("jpeg") == [
        "1923.07.04 Harbour.jpg", "1923.07.05 Pier.jpg", "b.jpg", "scan.jpg"
    ]  # fmt: skip


def test_names_that_a_file_system_takes_for_one_do_not_share_an_output(run, capsys, monkeypatch):
    os.mkdir("album")
    names = ("A.png", "a.png", "caf\u00e9.png", "cafe\u0301.png")
    for name in names:
        GRAY.save(f"album/{name}")
    if len(os.listdir("album")) == 4:  # this one tells them apart
        assert run("album", "-o", "out") == 0
        assert len(os.listdir("out")) == 4
        monkeypatch.setattr(jobs, "_tells_apart", lambda folder: False)
        assert run("album", "-o", "other") == 1
        assert len(os.listdir("other")) == 2
        assert capsys.readouterr().err.count("is that of another input too") == 2


def test_failures_are_named_and_the_rest_goes_on(run, capsys):
    GRAY.save("good.png")
    open("text.png", "w").write("text")
    open("empty.png", "w")
    os.mkdir("folder.png")
    os.symlink("nowhere", "dangling.png")
    assert run("text.png", "good.png", "empty.png", "dangling.png", "folder.png", "-o", "out") == 1
    caught = capsys.readouterr()
    assert sorted(caught.err.splitlines()) == [
        "dangling.png: no such file or directory",
        "empty.png: empty file",
        "text.png: not a picture",
    ]
    assert "1 colored, 3 failed" in caught.out and os.listdir("out") == ["good.png"]


def test_outputs_that_cannot_be_written_are_named(run, capsys):
    GRAY.save("a.png")
    os.makedirs("out/a.png")
    assert run("a.png", "-o", "out") == 1
    open("file", "w")
    assert run("a.png", "-o", "file/deeper") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all(line.startswith("a.png: cannot save ") for line in lines)
    assert files_below("out") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_folders_that_may_not_be_read_are_named(run, capsys):
    os.makedirs("album/locked")
    GRAY.save("album/a.png")
    os.chmod("album/locked", 0)
    assert run("album", "-o", "out") == 1
    assert "album/locked: " in capsys.readouterr().err and os.listdir("out") == ["a.png"]


def test_pictures_over_max_pixels_are_refused(run, capsys):
    GRAY.save("a.png")
    assert run("a.png", "-o", "out", "--max-pixels", "2399") == 1
    error = capsys.readouterr().err
    assert "60 x 40" in error and "allow more by --max-pixels" in error


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.png", "-o", "out"], "missing.png: no such file or folder"),
        (["*.nothing", "-o", "out"], "no such file or folder"),
        (["bare", "-o", "out"], "no pictures found"),
        (["a.png", "b.png", "-o", "out.png"], "there are 2 pictures"),
        (["a.png", "-o", "out.gif"], "expected a folder, or a file name with .jpg"),
        (["a.png", "-o", "out.png", "--format", "jpeg"], "does not go with --format JPEG"),
        (["a.png", "-o", "text"], "expected a folder, but a file has that name"),
        (
            ["a.png", "-o", "out", "--style-from", "missing.png"],
            "--style-from missing.png: no such",
        ),
        (["a.png", "-o", "out", "--style-from", "bare"], "--style-from bare: a folder; expected a"),
    ],
)
def test_wrong_commands_say_what_was_expected(run, capsys, arguments, says):
    GRAY.save("a.png")
    GRAY.save("b.png")
    os.mkdir("bare")
    open("text", "w")
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and says in error and error.count("\n") == 1
    assert not os.path.exists("out")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a.png", "-o", ""],
        ["a.png", "-o", "out", "--format", "gif"],
        ["a.png", "-o", "out", "--chroma", "-1"],
        ["a.png", "-o", "out", "--chroma", "nan"],
        ["a.png", "-o", "out", "--working-size", "7"],
        ["a.png", "-o", "out", "--quality", "101"],
        ["a.png", "-o", "out", "--classes", "x"],
    ],
)
def test_wrong_options(run, capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2 and "error: " in capsys.readouterr().err


# --- Colours ------------------------------------------------------------------------------------


def test_style_of_another_picture_changes_colors_and_its_own_changes_nothing(run):
    photograph(64, 48).save("a.png")
    photograph(64, 48, data.rocket).save("style.png")
    assert run("a.png", "-o", "plain.png") == 0
    assert run("a.png", "-o", "styled.png", "--style-from", "style.png") == 0
    assert run("a.png", "-o", "own.png", "--style-from", "a.png") == 0
    assert np.array_equal(pixels_of("own.png"), pixels_of("plain.png"))
    assert not np.array_equal(pixels_of("styled.png"), pixels_of("plain.png"))


def test_chroma_makes_colors_stronger_or_none(run):
    GRAY.save("a.png")
    mean = {}
    for chroma in ("0", "0.5", "1"):
        assert run("a.png", "-o", f"{chroma}.png", "--chroma", chroma) == 0
        mean[chroma] = chroma_of(pixels_of(f"{chroma}.png")).mean()
    assert np.array_equal(pixels_of("0.png"), np.asarray(GRAY.convert("RGB")))
    assert mean["0"] < mean["0.5"] < mean["1"]


def test_classes_are_named_with_their_probabilities(run, capsys):
    GRAY.save("a.png")
    COLOR.rotate(180).save("b.png")
    assert run("a.png", "b.png", "-o", "out", "--classes", "3", "--style-from", "b.png") == 0
    _, *lines = capsys.readouterr().out.splitlines()[:3]
    for line, name in zip(lines, ("a.png", "b.png")):
        source, scenes = line.split(": ")
        names, shares = zip(*(scene.rstrip(" %").rsplit(" ", 1) for scene in scenes.split(", ")))
        assert source == name and sorted(names) == list(tiny.CLASSES)
        shares = list(map(float, shares))
        assert sum(shares) == pytest.approx(100, abs=0.2) and shares == sorted(shares)[::-1]


def test_compare_shows_gray_and_colored(run):
    COLOR.save("a.png")
    assert run("a.png", "-o", "out", "--compare") == 0
    assert files_below("out") == ["a.compare.png", "a.png"]
    both = pixels_of("out/a.compare.png")
    assert both.shape == (40, 120, 3)
    assert np.ptp(both[:, :60], axis=-1).max() <= 1
    assert np.array_equal(both[:, 60:], pixels_of("out/a.png"))


def test_scenes_of_a_finished_picture_are_named_without_coloring_it(
    run, colorizer, monkeypatch, capsys
):
    def fail(luminance, features):
        raise MemoryError("colored again")

    GRAY.save("a.png")
    assert run("a.png", "-o", "out", "--classes", "2") == 0
    named = capsys.readouterr().out.splitlines()
    monkeypatch.setattr(colorizer.engine, "color", fail)
    assert run("a.png", "-o", "out", "--classes", "2") == 0
    line = next(line for line in named if line.startswith("a.png: "))
    assert line in capsys.readouterr().out.splitlines()


def test_what_is_missing_of_a_colored_picture_is_made(run, capsys):
    GRAY.save("a.png")
    assert run("a.png", "-o", "out") == 0
    before = os.stat("out/a.png").st_mtime_ns
    assert run("a.png", "-o", "out", "--compare") == 0
    assert files_below("out") == ["a.compare.png", "a.png"]
    capsys.readouterr()
    assert run("a.png", "-o", "out", "--classes", "1") == 0
    assert "\na.png: " in capsys.readouterr().out
    assert os.stat("out/a.png").st_mtime_ns == before
    os.remove("out/a.png")
    assert run("a.png", "-o", "out", "--compare") == 0
    assert files_below("out") == ["a.compare.png", "a.png"]


# --- Weights ------------------------------------------------------------------------------------


def test_weights_may_be_a_file(run, tiny_network):
    GRAY.save("a.png")
    assert run("a.png", "-o", "1.png", model=os.path.join(tiny_network, "best.weights.h5")) == 0
    assert run("a.png", "-o", "2.png") == 0
    assert np.array_equal(pixels_of("1.png"), pixels_of("2.png"))


def _truncate(path):
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        file.truncate(size // 2)


def _foreign(path):
    import h5py

    with h5py.File(path, "w") as file:
        file["other/kernel"] = np.zeros(3)


class _Trap:
    def __reduce__(self):
        return (open, ("sprung", "w"))


def _pickle(path):
    with open(path, "wb") as file:
        pickle.dump(_Trap(), file)


def _flip(path):
    """Damage the middle third: names, sizes and numbers."""
    data = bytearray(open(path, "rb").read())
    random = np.random.default_rng(0)
    for place in random.integers(0, len(data), 2000):
        data[place] ^= int(random.integers(1, 256))
    open(path, "wb").write(data)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("best.weights.h5", os.remove),
        ("best.weights.h5", _truncate),
        ("best.weights.h5", _foreign),
        ("best.weights.h5", _pickle),
        ("best.weights.h5", _flip),
        ("best.weights.h5", lambda path: open(path, "w").close()),
        ("config.json", os.remove),
        ("config.json", _truncate),
        ("config.json", _pickle),
        ("config.json", lambda path: open(path, "w").write('{"width": 0.25}')),
        ("config.json", lambda path: open(path, "w").write('{"width": "wide"}')),
        ("config.json", lambda path: open(path, "w").write("[1]")),
    ],
)
def test_weights_that_do_not_fit_are_one_line(run, tiny_network, capsys, file, change):
    shutil.copytree(tiny_network, "model")
    change(f"model/{file}")
    GRAY.save("a.png")
    assert run("a.png", "-o", "out", model="model") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: model/") and error.count("\n") == 1
    assert not os.path.exists("out") and not os.path.exists("sprung")


def test_networks_without_global_features_or_classes(run, tmp_path, capsys):
    GRAY.save("a.png")
    os.mkdir("model")
    model = tiny.save_network(
        tmp_path / "model", "use_global_features=false", "use_classification=false"
    )
    assert run("a.png", "-o", "out.png", model=model) == 0
    assert chroma_of(pixels_of("out.png")).mean() > 1
    for option in (("--style-from", "a.png"), ("--classes", "2")):
        assert run("a.png", "-o", "x", *option, model=model) == 2
        assert f"error: {option[0]}" in capsys.readouterr().err


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_an_error_that_nobody_foresaw_ends_one_picture(run, monkeypatch, capsys, debug):
    from colornet.pictures import saving

    save = saving.save

    def fails_for_one(image, path, *arguments):
        if path.endswith("b.png"):
            raise IndexError("list index\nout of range")
        save(image, path, *arguments)

    monkeypatch.setattr(saving, "save", fails_for_one)
    for name in ("a.png", "b.png", "c.png"):
        GRAY.save(name)
    assert run("a.png", "b.png", "c.png", "-o", "out", *debug) == 1
    caught = capsys.readouterr()
    assert "2 colored, 1 failed" in caught.out and files_below("out") == ["a.png", "c.png"]
    reason = "b.png: unexpected error, IndexError: list index out of range"
    if debug:
        assert reason in caught.err and "Traceback" in caught.err and "fails_for_one" in caught.err
    else:
        assert caught.err.splitlines() == [reason + "; --debug shows where"]


# --- Functions ----------------------------------------------------------------------------------


def test_colorize_is_what_the_script_does(run, colorizer, tiny_network):
    from colornet.coloring.colorizer import Colorizer

    photograph(150, 100).save("a.png")
    photograph(64, 48, data.rocket).save("style.png")
    pixels = pixels_of("a.png")
    assert run("a.png", "-o", "a_out.png") == 0
    assert np.array_equal(colorizer.colorize(pixels), pixels_of("a_out.png"))
    assert (
        run(
            "a.png",
            "-o",
            "b.png",
            "--style-from",
            "style.png",
            "--chroma",
            "1.5",
            "--working-size",
            "full",
        )
        == 0
    )
    full = Colorizer(tiny_network, chroma=1.5, working_size=0)
    made = full.colorize(pixels, style=pixels_of("style.png"))
    assert np.array_equal(made, pixels_of("b.png"))


def test_colors_that_are_not_finite_make_no_picture(colorizer, monkeypatch):
    from colornet.coloring.colorizer import Inputs

    class Broken:
        source = "broken.weights.h5"

        def color(self, luminance, features):
            return np.full((1, 20, 30, 2), np.nan, np.float32)

    monkeypatch.setattr(colorizer, "engine", Broken())
    inputs = Inputs(np.zeros((1, 40, 60, 1), np.float32), np.zeros((1, 32, 32, 1), np.float32))
    with pytest.raises(ImageError, match="broken.weights.h5 produced NaN or infinite values"):
        colorizer.predict(inputs, np.zeros((1, 8), np.float32))


def test_classes_without_names_have_numbers(tiny_network):
    from colornet.coloring.colorizer import Colorizer

    colorizer = Colorizer(tiny_network)
    colorizer.config = dataclasses.replace(colorizer.config, class_names=())
    assert colorizer.likeliest_scenes(np.array([0.1, 0.7, 0.2]), 2) == [
        ("class 1", 0.7), ("class 2", 0.2)
    ]  # fmt: skip


def test_a_mount_is_no_part_of_the_style(tiny_network):
    from colornet.coloring.colorizer import Colorizer

    colorizer = Colorizer(tiny_network, mount=True)
    scan = np.full((100, 140), 246, np.uint8)
    scan[25:85, 20:100] = tiny.photograph(80, 60, data.astronaut).convert("L")
    rows, columns = within_mount(scan)
    assert rows.stop - rows.start < 64
    style = colorizer.describe(scan[rows, columns])[0]
    np.testing.assert_array_equal(colorizer.describe(scan)[0], style)
    assert Colorizer(tiny_network).within(scan) == (slice(0, 100), slice(0, 140))  # as in the paper


def test_a_mount_is_said_and_can_be_colored(run, capsys):
    scan = np.full((100, 140), 246, np.uint8)
    scan[25:85, 20:100] = tiny.photograph(80, 60, data.astronaut).convert("L")
    Image.fromarray(scan).save("a.png")
    assert run("a.png", "-o", "on.png", "--mount", "on") == 0
    assert "mount is left without color" in "".join(capsys.readouterr())
    assert np.ptp(np.asarray(Image.open("on.png"))[:20].astype(int), axis=2).max() == 0
    assert run("a.png", "-o", "off.png", "--mount", "off") == 0
    assert "mount" not in "".join(capsys.readouterr())


def test_colorize_takes_gray_of_any_depth(colorizer):
    gray = np.asarray(GRAY)
    deep = colorizer.colorize(gray.astype(np.float32) / 255)
    apart = np.abs(deep.astype(int) - colorizer.colorize(np.repeat(gray[..., None], 3, 2)))
    assert deep.dtype == np.uint8 and deep.shape == (40, 60, 3) and apart.max() <= 6


def test_strips_join_without_seams():
    from colornet.coloring import joining

    size = (600, 400)
    assert size[0] * size[1] > 3 * joining.STRIP_PIXELS
    ab = np.random.default_rng(0).normal(0, 20, (9, 7, 2)).astype(np.float32)
    planes = [Image.fromarray(ab[..., i]).resize(size, Image.Resampling.BILINEAR) for i in range(2)]
    pixels = np.full((*size[::-1], 3), 128, np.uint8)
    whole = colorspace.lab_to_rgb(joining.lightness_of(pixels), np.stack(planes, -1))
    assert np.abs(joining.join(pixels, ab).astype(int) - whole).max() <= 1


def test_working_shapes():
    from colornet.coloring.colorizer import working_shape

    assert working_shape((3000, 4000), 200) == (200, 200)
    assert working_shape((1000, 4000), 200) == (100, 200)
    assert working_shape((100, 50), 200) == (100, 50)
    assert working_shape((3000, 4000), 0) == (3000, 4000)
    assert working_shape((1, 30000), 192) == (1, 192)
    assert working_shape((30000, 20), 192) == (192, 8)


# --- Processes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_and_started_again(exported_network, tmp_path, run, kill):
    os.mkdir("album")
    for number in range(12):
        GRAY.resize((750, 500)).save(f"album/{number}.png")
    command = [
        sys.executable,
        os.path.join(ROOT, "model_transform.py"),
        "album",
        "-o",
        "out",
        "--model",
        exported_network,
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while not glob.glob("out/*.png"):
            time.sleep(0.002)
            assert process.poll() is None
        process.send_signal(kill)
        error = process.communicate()[1].decode()
    visible = [name for name in os.listdir("out") if not name.startswith(".")]
    assert 0 < len(visible) < 12
    for name in visible:
        opening.open_picture(f"out/{name}")
    if kill == signal.SIGINT:
        assert process.returncode == 130 and "interrupted" in error and "Traceback" not in error
        assert sorted(visible) == sorted(os.listdir("out"))
    assert run("album", "-o", "out", model=exported_network) == 0
    assert sorted(os.listdir("out")) == sorted(os.listdir("album"))


def test_bfloat16_colors_nearly_as_float32(run):
    COLOR.save("a.png")
    for precision in ("float32", "bfloat16"):
        assert run("a.png", "-o", precision, "--precision", precision) == 0
    exact, rounded = (pixels_of(f"{name}/a.png").astype(int) for name in ("float32", "bfloat16"))
    assert 0 < np.abs(rounded - exact).mean() < 1.5


def test_the_script_as_a_process_colors_as_the_function_does(tiny_network, colorizer, tmp_path):
    """There it keeps laid-out copies of the weights, over pictures of several shapes."""
    shapes = [(64, 48), (40, 56), (24, 24), (64, 48)]
    for number, shape in enumerate(shapes):
        photograph(*shape).save(tmp_path / f"{number}.png")
    script = os.path.join(ROOT, "model_transform.py")
    subprocess.run(
        [
            sys.executable,
            script,
            str(tmp_path),
            "-o",
            str(tmp_path / "out"),
            "--model",
            tiny_network,
        ],
        check=True,
        capture_output=True,
    )
    for number in range(len(shapes)):
        expected = colorizer.colorize(pixels_of(tmp_path / f"{number}.png")).astype(int)
        colored = pixels_of(tmp_path / "out" / f"{number}.png")
        assert np.abs(colored - expected).max() <= 1


@pytest.mark.parametrize("zoom", [1.0, 1.2])
def test_the_global_path_sees_the_whole_picture(colorizer, monkeypatch, zoom):
    """Its edges too, whatever part of a picture the training crops were."""
    monkeypatch.setattr(colorizer, "config", dataclasses.replace(colorizer.config, zoom=zoom))
    framed = np.zeros((36, 36, 3), np.uint8)
    framed[[0, 1, -1, -2]] = framed[:, [0, 1, -1, -2]] = 255
    global_copy = colorizer.prepare(framed).global_[0]
    assert global_copy.shape == (32, 32, 1)
    frame = np.ones((32, 32), bool)
    frame[1:-1, 1:-1] = False
    assert global_copy[frame].min() > 0.9 and global_copy[3:-3, 3:-3].max() < 0.1
