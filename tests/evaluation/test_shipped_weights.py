"""The weights that ship, held to their figures on photographs that come with scikit-image."""

import json

import pytest
import skimage.data
from PIL import Image

import model_evaluate

SIDE = 256  # pixels, of the longer side
NAMES = ("astronaut", "chelsea", "coffee", "rocket")
TOLERANCE = 0.01  # other processors round otherwise


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    for name in NAMES:
        image = Image.fromarray(getattr(skimage.data, name)())
        image.thumbnail((SIDE, SIDE))
        image.save(folder / f"{name}.png")
    return str(folder)


@pytest.mark.parametrize(
    "options, ratio, colorfulness", [([], 0.721, 0.436), (["--aged"], 0.756, 0.293)]
)
def test_shipped_weights_keep_their_figures(photographs, tmp_path, options, ratio, colorfulness):
    report = tmp_path / "report.json"
    assert model_evaluate.main([photographs, *options, "--report", str(report)]) == 0
    compared = json.loads(report.read_text())["sets"][0]["compared"]["model"]
    assert compared["rmse_ab_to_gray"]["value"] == pytest.approx(ratio, abs=TOLERANCE)
    assert compared["colorfulness_to_truth"]["value"] == pytest.approx(colorfulness, abs=TOLERANCE)
