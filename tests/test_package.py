"""The package as pyproject.toml has it installed: without the weights, away from the checkout."""

import os
import pathlib
import shutil
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from PIL import Image

import tiny
from colornet import Colorizer
from colornet.coloring import command
from colornet.errors import ImageError, UserError
from colornet.films import kinds
from colornet.network.engines import load_engine
from colornet.pictures import opening

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture
def installed(tmp_path):
    """A folder that holds what a wheel does: the modules and the declared data."""
    data = PROJECT["tool"]["setuptools"]["package-data"]["colornet"]
    for path in [*(ROOT / "colornet").rglob("*.py"), *(ROOT / "colornet" / name for name in data)]:
        to = tmp_path / "site" / path.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
    return tmp_path / "site"


def test_it_colors_as_the_checkout_does(installed, tmp_path):
    photograph = tiny.photograph()
    photograph.save(tmp_path / "a.png")
    code = (
        "import sys, numpy as np\n"
        "from PIL import Image\n"
        "from colornet import Colorizer\n"
        "np.save('a.npy', Colorizer().colorize(np.asarray(Image.open('a.png'))))\n"
        "from colornet.coloring.command import main\n"
        "sys.exit(main(['a.png', '-o', 'b.png']))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and str(installed) in done.stdout, done.stderr + done.stdout
    expected = Colorizer(engine="litert").colorize(np.asarray(photograph))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), expected)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "b.png")), expected)


def test_it_says_that_the_weights_are_not_installed(installed):
    weights = installed / "colornet" / "weights"
    with pytest.raises(UserError, match="LiteRT alone computes exported files"):
        load_engine(weights, "tensorflow")
    settings = weights / "config.json"
    settings.write_text(settings.read_text().replace('"width": 0.5', '"width": 1.0'))
    with pytest.raises(UserError, match="best.tflite: not made of .*config.json"):
        load_engine(weights)


@pytest.mark.parametrize("missing, name", [("pillow_heif", "a.heic"), ("tifffile", "a.tif")])
def test_a_missing_format_is_not_called_damage(tmp_path, monkeypatch, missing, name):
    path = tmp_path / name
    if missing == "tifffile":
        Image.new("F", (9, 9)).save(path)
    else:
        import pillow_heif

        pillow_heif.from_pillow(tiny.photograph()).save(path)
    opening.open_picture(path)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImageError, match=r"^[^\n]*let-there-be-color\[formats\][^\n]*$") as raised:
        opening.open_picture(path)
    assert missing in str(raised.value) and "damaged" not in str(raised.value)


def test_a_film_without_pyav_names_the_extra(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.mp4").write_bytes(b"a film")
    monkeypatch.setattr(kinds, "can_be_read", lambda: False)
    assert command.main([str(tmp_path / "a.mp4"), "-o", str(tmp_path / "out")]) == 1
    assert (
        "a.mp4: films need PyAV; pip install 'let-there-be-color[films]'" in capsys.readouterr().err
    )
