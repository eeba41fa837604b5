"""demo.py, run for real."""

import numpy as np
import pytest
from PIL import Image

import demo


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The demo's own folder; the demo is called in another, which has a demo/ of somebody's."""
    own = tmp_path / "own"
    monkeypatch.setattr(demo, "FOLDER", str(own))
    (tmp_path / "elsewhere" / "demo").mkdir(parents=True)
    (tmp_path / "elsewhere" / "demo" / "thesis.txt").write_text("three weeks of work")
    own.mkdir()
    (own / "photographs.txt").write_text("mine")
    monkeypatch.chdir(tmp_path / "elsewhere")
    yield own
    assert (tmp_path / "elsewhere" / "demo" / "thesis.txt").read_text() == "three weeks of work"
    assert (own / "photographs.txt").read_text() == "mine"
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["demo"]


def columns(path):
    """Gray, colored, and truth of the side-by-side picture, as arrays."""
    sheet = np.asarray(Image.open(path).convert("RGB")).astype(int)
    width = sheet.shape[1] // 3
    return [sheet[:, number * width : (number + 1) * width] for number in range(3)]


def test_it_colors_photographs_again_and_again(folder, capsys):
    for _ in range(2):
        assert demo.main([]) == 0
        assert "5 colored, 0 failed" in capsys.readouterr().out
    gray, colored, truth = (
        np.ptp(each, axis=-1).mean() for each in columns(folder / "side_by_side.png")
    )
    assert gray < 1 < 5 < colored < truth


def test_a_file_in_the_place_of_its_folder_is_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "demo").touch()
    monkeypatch.setattr(demo, "FOLDER", str(tmp_path / "demo"))
    assert demo.main([]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "demo") in line and "expected" in line


@pytest.mark.slow
def test_it_trains_a_network_anew_each_time(folder):
    assert demo.main(["--train"]) == 0
    run = folder / demo.TRAINED / "run"
    assert (run / "best.weights.h5").exists() and (folder / "trained" / "coffee.png").exists()
    (run / "of_the_last_time").touch()
    assert demo.main(["--train"]) == 0
    assert not (run / "of_the_last_time").exists()
