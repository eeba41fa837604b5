"""Which engine the scripts use, on which device, and what they import for it."""

import os
import subprocess
import sys

import pytest
import tensorflow as tf

import model_evaluate
import model_transform
from colornet.coloring.options import colorizer_arguments
from tiny import photograph

ROOT = os.path.dirname(os.path.abspath(model_transform.__file__))
HEAVY = {"tensorflow", "keras", "h5py"}


@pytest.mark.parametrize(
    ("script", "options", "unwanted"),
    [
        ("model_transform", ("-o", "TMP/out"), HEAVY | {"skimage", "scipy", "av"}),
        ("model_evaluate", ("--report", "TMP/report.json"), HEAVY),
    ],
)
def test_an_exported_network_colors_without_tensorflow(
    exported_network, tmp_path, script, options, unwanted
):
    for number in range(3):
        photograph(60, 40 + number).save(tmp_path / f"{number}.png")
    code = (
        f"import sys, {script}; code = {script}.main(sys.argv[1:]); "
        f"print(code, 'ai_edge_litert' in sys.modules, sorted({unwanted} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path), "--model", exported_network]
    command += [option.replace("TMP", str(tmp_path)) for option in options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "litert int8" in done.stdout and done.stdout.endswith("\n0 True []\n"), done.stderr


def test_each_engine_is_named_and_nearly_the_same(exported_network, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    photograph().save("a.png")
    for engine in ("auto", "litert", "tensorflow"):
        arguments = ["a.png", "-o", engine, "--engine", engine, "--model", exported_network]
        assert model_transform.main(arguments) == 0
        name = "tensorflow float32" if engine == "tensorflow" else "litert int8"
        assert f", {name}\n" in capsys.readouterr().out
    same = [open(f"{engine}/a.png", "rb").read() for engine in ("auto", "litert", "tensorflow")]
    assert same[0] == same[1] != same[2]


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_missed(exported_network, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    photograph().save("a.png")
    for script, output in ((model_transform, ("-o", "out")), (model_evaluate, ())):
        common = ["a.png", *output, "--model", exported_network, "--device"]
        for device, engine, says in (
            ("gpu", "auto", "--device gpu: TensorFlow finds 0 GPUs"),
            ("gpu:1", "tensorflow", "--device gpu:1: TensorFlow finds 0 GPUs"),
            ("gpu", "litert", "--device gpu is of the TensorFlow engine"),
        ):
            assert script.main([*common, device, "--engine", engine]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith("error: ") and says in line
        assert script.main([*common, "cpu", "--engine", "tensorflow"]) == 0
        assert script.main([*common, "cpu"]) == 0
        with pytest.raises(SystemExit):
            script.main([*common, "tpu"])
        capsys.readouterr()


def test_as_many_pictures_at_once_as_there_are_and_cores(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    options = model_transform.parser().parse_args(["a.png", "-o", "out"])
    at_once = [colorizer_arguments(options, pictures)["at_once"] for pictures in (0, 1, 3, 9)]
    assert at_once == [1, 1, 3, 4]
