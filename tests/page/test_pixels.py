"""The page colors as model_transform.py does, to a level or two of each 8-bit pixel."""

import numpy as np
import pytest
from PIL import Image

from colornet import Colorizer
from colornet.pictures.opening import open_picture
from photographs import MADE, SAMPLES

MOST = 2  # levels of 255
USUAL = 0.995  # of the samples are within 1


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer()


@pytest.mark.parametrize("name", [*(f"{name}.png" for name in SAMPLES), *MADE])
def test_pixels_are_those_of_the_command_line(name, photographs, pixels_of, colorizer):
    found, exact = pixels_of(photographs / name)
    picture = open_picture(photographs / name)
    expected = colorizer.colorize(picture.pixels)
    assert exact
    assert found.shape[:2] == expected.shape[:2]
    difference = np.abs(found[..., :3].astype(int) - expected)
    print(f"{name}: at most {difference.max()}, {np.mean(difference <= 1):.4%} within 1")
    assert difference.max() <= MOST
    assert np.mean(difference <= 1) >= USUAL
    if picture.alpha is not None:
        assert np.array_equal(found[..., 3], picture.alpha)


def test_a_shape_that_the_network_does_not_take_is_colored_and_said_to_be(tmp_path, pixels_of):
    Image.new("L", (700, 31), 90).save(tmp_path / "strip.png")
    found, exact = pixels_of(tmp_path / "strip.png")
    assert found.shape == (31, 700, 4) and not exact
