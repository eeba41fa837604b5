"""benchmarks/public_sets.py on generated pictures with the names of Kodak's."""

import pathlib
import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data

import tiny

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "benchmarks"))
import public_sets


@pytest.fixture(scope="module")
def kodak(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kodak")
    for number, pixels in enumerate(np.split(data.coffee()[:384, :600], 24, axis=1), 1):
        Image.fromarray(pixels[:32]).save(folder / f"kodim{number:02}.png")
    return folder


def test_the_row_has_every_column(kodak, tmp_path, capsys):
    model = tiny.save_network(tmp_path)
    assert public_sets.main(["kodak", str(kodak), "--model", model, "--resolution", "24"]) == 0
    checked, headings, line, values = capsys.readouterr().out.splitlines()
    assert checked == "kodak: 24 pictures, checked by count and names"
    assert headings.replace("\\|", "").count("|") == line.count("|") == values.count("|")
    assert values.startswith(f"| kodak | 24 | --model {model} --resolution 24 | ")
    assert values.count("±") == len(public_sets.COLUMNS)


def test_wrong_photographs_are_refused(kodak, tmp_path):
    for path in kodak.iterdir():
        (tmp_path / path.name.replace("24", "25")).touch()
    with pytest.raises(SystemExit, match="expected the names of kodak"):
        public_sets.main(["kodak", str(tmp_path)])
    (tmp_path / "kodim25.png").unlink()
    with pytest.raises(SystemExit, match="expected 24 pictures, got 23"):
        public_sets.main(["kodak", str(tmp_path)])
    with pytest.raises(SystemExit, match="expected 200 pictures, got 24"):
        public_sets.main(["bsds500-test", str(kodak)])
