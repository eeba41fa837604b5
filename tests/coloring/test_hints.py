"""Strokes of color: where they spread, and what is refused."""

import os

import numpy as np
import pytest
from PIL import Image

import tiny
from colornet.coloring import hints
from colornet.errors import ImageError
from colornet.pictures import colorspace

RED = (200, 40, 40)


def strokes(size, box, color=RED, alpha=255):
    image = Image.new("RGBA", size)
    image.paste((*color, alpha), box)
    return image


def drawn(*arguments):
    return np.asarray(strokes(*arguments))


def two_fields():
    """Luminance (60, 80) of a dark field beside a bright one."""
    return np.where(np.arange(80) < 40, 0.3, 0.7)[None].repeat(60, 0).astype(np.float32)


def test_a_stroke_colors_its_field_and_not_the_other():
    ab = np.full((30, 40, 2), 5, np.float32)
    colored = hints.apply_hints(ab, two_fields(), drawn((160, 120), (20, 40, 40, 60)))
    red = colorspace.rgb_to_lab(np.uint8([[RED]]))[0, 0, 1:]
    assert colored.shape == (84, 112, 2)
    assert np.abs(colored[28:42, 14:28] - red).max() < 3  # under the stroke
    assert np.linalg.norm(colored[:, 5:50] - red, axis=-1).mean() < 0.3 * np.linalg.norm(red - 5)
    assert np.abs(colored[:, 60:] - 5).max() < 1


def test_no_stroke_changes_nothing():
    ab = np.random.default_rng(0).normal(0, 20, (84, 112, 2)).astype(np.float32)
    colored = hints.apply_hints(ab, two_fields(), np.zeros((60, 80, 4), np.uint8))
    assert np.abs(colored - ab).max() < 1e-4


def test_a_gray_stroke_takes_color_away():
    ab = np.full((30, 40, 2), 40, np.float32)
    colored = hints.apply_hints(ab, two_fields(), drawn((80, 60), (0, 0, 40, 60), (90, 90, 90)))
    assert np.abs(colored[:, :50]).max() < 2
    assert np.abs(colored[:, 62:] - 40).max() < 2


def test_the_solution_satisfies_the_equations():
    """Against a direct solution of a small grid."""
    random = np.random.default_rng(1)
    height, width = 7, 9
    luminance = random.random((height, width), np.float32) / 10
    coverage = np.zeros((height, width), np.float32)
    coverage[2, 3] = coverage[5, 7] = 1
    correction = random.normal(0, 20, (height, width, 2)).astype(np.float32)
    matrix = np.zeros((height * width,) * 2)
    for y, x in np.ndindex(height, width):
        here = y * width + x
        matrix[here, here] += hints.PULL + hints.STROKE * coverage[y, x]
        for dy, dx in np.ndindex(3, 3):
            other = y + dy - 1, x + dx - 1
            if (dy, dx) != (1, 1) and 0 <= other[0] < height and 0 <= other[1] < width:
                difference = float(luminance[y, x] - luminance[other])
                weight = np.exp(-(difference**2) / (2 * hints.EDGE**2))
                matrix[here, here] += weight
                matrix[here, other[0] * width + other[1]] -= weight
    right = (hints.STROKE * coverage[..., None] * correction).reshape(-1, 2)
    expected = np.linalg.solve(matrix, right).reshape(height, width, 2)
    assert np.abs(hints.spread(correction, coverage, luminance) - expected).max() < 0.02


def test_strokes_of_another_shape_or_without_transparency_are_refused(tmp_path):
    strokes((80, 60), (0, 0, 9, 9)).save(tmp_path / "wide.png")
    Image.new("RGB", (80, 60)).save(tmp_path / "opaque.png")
    assert hints.open_strokes(str(tmp_path / "wide.png"), (120, 160)).size == (80, 60)
    with pytest.raises(ImageError, match="expected the shape of the picture, 60 x 80, got 80 x 60"):
        hints.open_strokes(str(tmp_path / "wide.png"), (80, 60))
    with pytest.raises(ImageError, match="on a transparent picture"):
        hints.open_strokes(str(tmp_path / "opaque.png"), (60, 80))


def test_the_command_takes_a_file_or_a_folder_of_strokes(run, capsys):
    tiny.photograph(80, 60).convert("L").save("a.png")
    tiny.photograph(80, 60).convert("L").save("b.png")
    os.mkdir("strokes")
    strokes((80, 60), (0, 0, 80, 60)).save("strokes/a.png")
    assert run("a.png", "b.png", "-o", "plain") == 0
    assert run("a.png", "b.png", "-o", "out", "--hints", "strokes") == 0
    plain, hinted = (
        [np.asarray(Image.open(f"{folder}/{name}.png").convert("RGB")) for name in "ab"]
        for folder in ("plain", "out")
    )
    assert np.array_equal(plain[1], hinted[1])
    red = colorspace.rgb_to_lab(hinted[0])[..., 1].mean()
    assert red > colorspace.rgb_to_lab(plain[0])[..., 1].mean() + 10
    strokes((60, 80), (0, 0, 9, 9)).save("wrong.png")
    capsys.readouterr()
    assert run("a.png", "-o", "other", "--hints", "wrong.png") == 1
    assert "expected the shape of the picture" in capsys.readouterr().err
