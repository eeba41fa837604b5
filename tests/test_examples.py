"""The README's examples in Python run."""

import pathlib
import re

import numpy as np
from PIL import Image

from build_model import build_model
from colornet.config import read_config

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLOR, KERAS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


def test_python_example_runs(tmp_path, monkeypatch):
    Image.new("RGB", (40, 30), "gray").save(tmp_path / "photograph.jpg")
    (tmp_path / "colornet/weights").symlink_to(ROOT / "colornet" / "colornet/weights")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(COLOR, names)
    assert names["rgb"].shape == (30, 40, 3)


def test_keras_example_runs(tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mine").symlink_to(ROOT / "colornet" / "colornet/weights")
    monkeypatch.chdir(tmp_path)
    names = {"build_model": build_model, "read_config": read_config}
    exec(KERAS, names | {"luminance": np.zeros((1, 128, 128, 1), np.float32)}, names)
    assert names["chrominance"].shape == (1, 64, 64, 2)
