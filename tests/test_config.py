"""Settings: presets, `--set`, config.json, and the scripts' start-up."""

import dataclasses
import json
import pathlib
import subprocess
import sys

import pytest

from colornet.errors import UserError
from config import PRESETS, Config, changed, differences, load_config, read_config, save_config

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRIPTS = (
    "input_create",
    "build_model",
    "model_train",
    "model_transform",
    "model_evaluate",
    "demo",
)


def test_paper_preset_is_the_papers_training():
    paper = load_config("paper")
    assert (paper.picture_size, paper.crop_size, paper.width) == (256, 224, 1.0)
    assert (paper.batch_size, paper.steps) == (128, 200_000)
    assert (paper.optimizer, paper.learning_rate) == ("adadelta", 1.0)
    assert paper.classification_weight == pytest.approx(1 / 300)
    assert paper.num_classes == 205


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid(preset):
    assert load_config(preset) == Config(**PRESETS[preset])


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_config("paper").steps = 1


@pytest.mark.parametrize(
    "text, name, value",
    [
        ("steps=5_000", "steps", 5000),
        ("learning_rate=1e-3", "learning_rate", 0.001),
        ("classification_weight=1/300", "classification_weight", 1 / 300),
        ("use_classification=false", "use_classification", False),
        ("optimizer=adam", "optimizer", "adam"),
        ("class_names=forest,sea", "class_names", ("forest", "sea")),
    ],
)
def test_set_is_typed(text, name, value):
    assert getattr(load_config("paper", [text]), name) == value


@pytest.mark.parametrize(
    "text, parts",
    [
        ("step=5", ["'step'", "'steps'"]),
        ("steps", ["key=value", "'steps'"]),
        ("steps=many", ["steps", "whole number", "'many'"]),
        ("steps=0", ["steps", "1 or more", "0"]),
        ("learning_rate=__import__('os')", ["learning_rate", "number"]),
        ("optimizer=sgd", ["optimizer", "adadelta, adam, muon", "'sgd'"]),
        ("use_classification=perhaps", ["use_classification", "true or false"]),
        ("crop_size=100", ["crop_size", "multiple of 8", "100"]),
        ("crop_size=512", ["crop_size", "picture_size (256)"]),
        ("zoom=0.9", ["zoom", "1 to 2", "0.9"]),
        ("precision=int8", ["precision", "mixed_bfloat16"]),
        ("devices=tpu", ["devices", "cpu:N"]),
        ("use_global_features=false", ["use_classification=false"]),
    ],
)
def test_wrong_settings_are_named(text, parts):
    with pytest.raises(UserError) as error:
        load_config("paper", [text])
    assert "\n" not in str(error.value)
    for part in parts:
        assert part in str(error.value)


def test_unknown_preset():
    with pytest.raises(UserError, match="paper, compact, smoke, got 'papr'"):
        load_config("papr")


def test_config_json_round_trip(tmp_path):
    config = load_config("compact", ["class_names=a,b", "num_classes=2"])
    save_config(config, tmp_path / "config.json")
    assert read_config(tmp_path / "config.json") == config


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"step": 1}', '{"steps": "many"}', '{"width": null}', '{"steps": -1}']
)
def test_config_json_that_does_not_fit(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(UserError):
        read_config(path)


def test_older_config_json_gets_the_defaults(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"steps": 7}))
    assert read_config(path) == Config(steps=7)


def test_differences_name_both_values():
    config = load_config("paper")
    assert differences(changed(config, ["seed=3"]), config) == {"seed": (3, 0)}


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_comes_without_tensorflow(script):
    code = (
        f"import sys, {script}\n"
        f"try: {script}.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'tensorflow', 'keras', 'skimage'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{script}.py" in done.stdout


def test_wrong_setting_ends_a_script_with_2(capsys):
    import build_model

    assert build_model.main(["--set", "width=-1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
