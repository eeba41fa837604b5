"""The package as a library: `Colorizer().colorize` for every kind of array, anywhere."""

import os
import subprocess
import sys

import numpy as np
import pytest

import colornet
from tiny import photograph

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(colornet.__file__)))
RGB = np.asarray(photograph())
GRAY = np.asarray(photograph().convert("L"))
ALPHA = np.random.default_rng(0).integers(0, 256, GRAY.shape, np.uint8)
SCALES = {"uint8": 1, "uint16": 257, "float16": 1 / 255, "float32": 1 / 255, "float64": 1 / 255}


@pytest.mark.parametrize("kind", SCALES)
@pytest.mark.parametrize("opaque", [GRAY, RGB], ids=["gray", "rgb"])
def test_arrays_of_any_depth_and_shape(colorizer, kind, opaque):
    expected = colorizer.colorize(opaque)
    assert expected.shape == RGB.shape and expected.dtype == np.uint8
    with_alpha = np.dstack([opaque, ALPHA])
    before = with_alpha.copy()
    for pixels in (opaque, with_alpha, with_alpha[::-1][::-1], np.asfortranarray(with_alpha)):
        scaled = (pixels * np.float64(SCALES[kind])).astype(kind)
        made = colorizer.colorize(scaled)
        assert made.dtype == np.uint8
        assert np.abs(made[..., :3].astype(int) - expected).max() <= (kind != "uint8") * 6
        if pixels.shape != opaque.shape:
            np.testing.assert_array_equal(made[..., 3], ALPHA)
        else:
            assert made.shape == RGB.shape
    np.testing.assert_array_equal(with_alpha, before)


def test_a_style_is_another_picture_of_any_kind(colorizer):
    other = np.asarray(photograph(50, 70).rotate(180))
    made = colorizer.colorize(GRAY, style=other)
    assert not np.array_equal(made, colorizer.colorize(GRAY))
    np.testing.assert_array_equal(
        colorizer.colorize(GRAY, style=np.dstack([other, other[..., 0]])), made
    )
    np.testing.assert_array_equal(colorizer.colorize(GRAY, style=GRAY), colorizer.colorize(GRAY))


@pytest.mark.parametrize(
    "pixels",
    [
        GRAY.astype(np.int32),
        GRAY > 9,
        GRAY.astype(np.float32),
        np.full((9, 9), np.nan),
        GRAY.astype(np.float32) / 255 - 0.1,
        np.zeros((9, 9, 5), np.uint8),
        np.zeros((0, 9), np.uint8),
        np.zeros((2, 9, 9, 3), np.uint8),
        np.zeros(9, np.uint8),
        "photograph.jpg",
        None,
    ],
)
def test_other_arrays_are_refused_in_one_line(colorizer, pixels):
    for arguments in ((pixels,), (GRAY, pixels) if pixels is not None else ([],)):
        with pytest.raises(ValueError, match="^expected uint8, uint16, or float in .*; got .*$"):
            colorizer.colorize(*arguments)


def test_two_lines_color_with_the_pretrained_weights_where_windows_has_no_modules(tmp_path):
    """Nothing but the light installation is imported, and nothing that Windows lacks."""
    photograph().save(tmp_path / "a.png")
    hidden = ["fcntl", "resource", "pwd", "grp", "termios", "tensorflow", "keras", "h5py",
              "av", "skimage", "scipy", "matplotlib", "tifffile", "imagecodecs",
              "pillow_heif"]  # fmt: skip
    code = (
        "import os, sys\n"
        f"for name in {hidden}: sys.modules[name] = None\n"
        "del os.fork\n"
        "import numpy as np\n"
        "from colornet import Colorizer\n"
        "assert Colorizer().colorize(np.zeros((40, 60), np.uint8)).shape == (40, 60, 3)\n"
        "from colornet.coloring.command import main\n"
        "sys.exit(main(['a.png', '-o', 'b.png']))\n"
    )
    environment = {**os.environ, "PYTHONPATH": ROOT}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0 and "1 colored, 0 failed" in done.stdout, done.stderr
    assert (tmp_path / "b.png").exists()


def test_the_package_is_a_command_and_answers_at_once(tmp_path):
    code = (
        "import sys, runpy; sys.argv = ['x', '--help']\n"
        "try: runpy.run_module('colornet', run_name='__main__')\n"
        "finally: print(sorted({'numpy', 'PIL', 'tensorflow'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": ROOT}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "usage: colornet" in done.stdout, done.stderr
    assert "tensorflow" not in done.stdout.splitlines()[-1]


def test_each_picture_is_decoded_from_one_opening(run, monkeypatch):
    from colornet.pictures import opening

    opened, open_file = [], opening._file
    monkeypatch.setattr(opening, "_file", lambda path: opened.append(path) or open_file(path))
    for name in ("a.png", "b.jpg"):
        photograph().save(name)
    assert run("a.png", "b.jpg", "-o", "out") == 0
    assert sorted(opened) == ["a.png", "b.jpg"]


def test_the_package_has_no_other_names():
    with pytest.raises(AttributeError, match="no attribute 'Colourizer'"):
        _ = colornet.Colourizer
