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


@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
@pytest.mark.parametrize(
    "options, ratio, colorfulness", [([], 0.736, 0.454), (["--aged"], 0.704, 0.417)]
)
def test_shipped_weights_keep_their_figures(
    photographs, tmp_path, engine, options, ratio, colorfulness
):
    report = tmp_path / "report.json"
    command = [photographs, "--engine", engine, *options, "--report", str(report)]
    assert model_evaluate.main(command) == 0
    measured = json.loads(report.read_text())
    assert measured["models"][0]["engine"].startswith(engine)  # else its export is stale
    compared = measured["sets"][0]["compared"]["model"]
    assert compared["rmse_ab_to_gray"]["value"] == pytest.approx(ratio, abs=TOLERANCE)
    assert compared["colorfulness_to_truth"]["value"] == pytest.approx(colorfulness, abs=TOLERANCE)
