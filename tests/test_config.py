"""Settings: presets, `--set` and config.json."""

import dataclasses
import json
import pathlib

import pytest

from colornet import config as config_module
from colornet.config import (
    FIELDS,
    OPTIMIZERS,
    SCRIPTS,
    Config,
    changed,
    differences,
    read_config,
    save_config,
    settings_of,
)
from colornet.errors import UserError
from colornet.versions import VERSION
from config import PRESETS
from presets import load_config

ROOT = pathlib.Path(__file__).resolve().parent.parent
EVERY = set(FIELDS)
FILLED_IN = {name for name, field in FIELDS.items() if not field.metadata["scripts"]}
# What the paper says, and Torch's constants where it is silent: written out here literally.
PAPER = dict(
    picture_size=256,
    crop_size=224,
    width=1.0,
    use_global_features=True,
    use_classification=True,
    num_classes=205,
    normalization_momentum=0.9,
    normalization_epsilon=1e-5,
    zoom=1.0,
    aging=0.0,
    stretching=False,
    initial_weights="",
    steps=200_000,
    batch_size=128,
    gradient_accumulation=1,
    classification_weight=1 / 300,
    optimizer="adadelta",
    learning_rate=1.0,
    schedule="constant",
    warmup_steps=0,
    adadelta_rho=0.9,
    adadelta_epsilon=1e-6,
    precision="float32",
    chroma=1.0,
    smoothing=False,
)


# --- Presets --------------------------------------------------------------------------------


def test_the_paper_preset_is_the_papers():
    paper = dataclasses.asdict(load_config("paper"))
    assert {name: paper[name] for name in PAPER} == PAPER


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid(preset):
    assert load_config(preset) == Config(**PRESETS[preset], preset=preset)


def test_without_a_preset_the_first_counts():
    assert load_config() == Config(preset="paper") == load_config("paper")


@pytest.mark.parametrize(
    "edit, says",
    [
        (dict(stpes=5), "'stpes': no such setting; nearest is 'steps'"),
        (dict(steps="many"), "setting steps: expected a whole number, got 'many'"),
        (dict(steps=5e3), "setting steps: expected a whole number, got 5000.0"),
        (dict(use_classification="no"), "setting use_classification: expected true or false"),
    ],
)
def test_a_mistake_in_an_edited_preset_is_one_line(monkeypatch, edit, says):
    monkeypatch.setitem(PRESETS, "mine", dict(PRESETS["compact"], **edit))
    with pytest.raises(UserError, match=says):
        load_config("mine")


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_config("paper").steps = 1


def test_unknown_preset():
    with pytest.raises(UserError, match=f"{', '.join(PRESETS)}, got 'papr'"):
        load_config("papr")


# --- --set ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, name, value",
    [
        ("steps=5_000", "steps", 5000),
        ("learning_rate=1e-3", "learning_rate", 0.001),
        ("classification_weight=1/300", "classification_weight", 1 / 300),
        ("use_classification=false", "use_classification", False),
        ("optimizer=adam", "optimizer", "adam"),
        ("mean_color=0.5,-2", "mean_color", (0.5, -2.0)),
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
        ("steps=0", ["steps", "1 to 2147483647", "0"]),
        ("learning_rate=__import__('os')", ["learning_rate", "number"]),
        ("learning_rate=inf", ["learning_rate", "finite", "inf"]),
        ("mean_color=nan,1", ["mean_color", "finite", "nan"]),
        ("optimizer=other", ["optimizer", ", ".join(OPTIMIZERS), "'other'"]),
        ("use_classification=perhaps", ["use_classification", "true or false"]),
        ("crop_size=100", ["crop_size", "multiple of 8", "100"]),
        ("zoom=0.9", ["zoom", "1 to 2", "0.9"]),
        ("muon_momentum=1", ["muon_momentum", "less than 1"]),
        ("adadelta_epsilon=0", ["adadelta_epsilon", "1e-37 to 1e+37"]),
        ("validation_batch=0", ["validation_batch", "1 to 65536"]),
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


@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
@pytest.mark.parametrize(
    "name", [field.name for field in dataclasses.fields(Config) if field.type is float]
)
def test_no_number_may_be_infinite(name, value):
    with pytest.raises(UserError, match=f"setting {name}: expected a finite number"):
        load_config("paper", [f"{name}={value}"])


@pytest.mark.parametrize("value", ["-1000000", "1" + 300 * "0"])
@pytest.mark.parametrize(
    "name", [field.name for field in dataclasses.fields(Config) if field.type in (int, float)]
)
def test_every_number_has_a_range(name, value):
    """A new setting declares one, too."""
    with pytest.raises(UserError, match=f"setting {name}: expected"):
        load_config("paper", [f"{name}={value}"])


@pytest.mark.parametrize(
    "assignment",
    ["seed=9999999999", "chroma=1e308", "adam_epsilon=1e-300", "picture_size=100000000"],
)
def test_absurd_numbers_are_refused(assignment):
    with pytest.raises(UserError, match="expected"):
        load_config("paper", [assignment])


def test_settings_nested_without_end_are_one_line(tmp_path):
    (tmp_path / "config.json").write_text("[" * 200_000)
    with pytest.raises(UserError, match="expected settings as JSON"):
        read_config(tmp_path / "config.json")


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_takes_its_own_settings_and_refuses_the_rest_by_name(script):
    paper = load_config("paper")
    for name in EVERY:
        value = getattr(paper, name)
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        if name in settings_of(script):
            load_config("paper", [f"{name}={text}"], script)
            continue
        with pytest.raises(UserError, match=f"setting {name}: ") as error:
            load_config("paper", [f"{name}={text}"], script)
        others = [other for other in SCRIPTS if name in settings_of(other)]
        assert all(f"{other}.py" in str(error.value) for other in others)


@pytest.mark.parametrize(
    "script, arguments, says",
    [
        ("model_train", "--records r --run-dir d --set num_classes=3", "from the records"),
        ("model_train", "--records r --run-dir d --set picture_size=64", "input_create.py can"),
        ("input_create", "--images i --records r --set width=0.5", "model_train.py can set it"),
        ("build_model", "--set learning_rate=1", "build_model.py does not use it"),
        ("build_model", "--set width=-1", "width"),
    ],
)
def test_a_wrong_setting_ends_a_script_with_2(script, arguments, says, capsys):
    assert __import__(script).main(arguments.split()) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and says in error


# --- config.json ----------------------------------------------------------------------------


def test_config_json_round_trip(tmp_path):
    config = load_config("compact", ["class_names=a,b", "num_classes=2"])
    save_config(config, tmp_path / "config.json")
    assert read_config(tmp_path / "config.json") == config


def test_config_json_names_schema_and_versions(tmp_path):
    save_config(load_config("smoke"), tmp_path / "config.json")
    content = json.loads((tmp_path / "config.json").read_text())
    assert content["schema"] == config_module.SCHEMA and content["version"] == VERSION
    pinned = (ROOT / "requirements.txt").read_text()
    for library in ("tensorflow", "keras", "numpy"):
        assert f"\n{library}=={content['libraries'][library]}\n" in pinned
    assert set(content["settings"]) == EVERY


def saved(**values):
    """What a config.json contains, with some settings changed."""
    settings = json.loads(json.dumps(dataclasses.asdict(load_config("smoke"))))
    return {"schema": config_module.SCHEMA, "version": VERSION, "settings": settings | values}


def write(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"steps": "many"}', '{"schema": 2}', '{"schema": 2, "settings": 1}']
)
def test_config_json_that_does_not_fit(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(UserError, match="config.json: "):
        read_config(path)


@pytest.mark.parametrize(
    "values, says",
    [
        (dict(width=None), "setting width: expected a number, got None"),
        (dict(steps=-1), "setting steps: expected 1 to 2147483647"),
        (dict(steps=True), "setting steps: expected a whole number, got True"),
        (dict(class_names="sea"), "setting class_names: expected values"),
        (dict(zoom=float("inf")), "zoom: expected a finite number"),
        (dict(mean_color=["red"]), "mean_color: expected"),
    ],
)
def test_a_value_that_does_not_fit_is_named(tmp_path, values, says):
    with pytest.raises(UserError, match=f"config.json: .*{says}"):
        read_config(write(tmp_path, saved(**values)))


def test_a_missing_setting_that_every_code_had_is_named(tmp_path):
    content = saved()
    del content["settings"]["width"]
    with pytest.raises(UserError, match="expected the settings width, found none"):
        read_config(write(tmp_path, content))


def test_newer_settings_are_refused(tmp_path):
    path = write(tmp_path, {"schema": 99, "version": "9.0", "settings": {}})
    with pytest.raises(UserError, match="expected schema 2, got 99; version 9.0 reads it"):
        read_config(path)


def test_settings_without_a_schema_name_the_version_that_reads_them(tmp_path):
    with pytest.raises(UserError, match="got none; version 0.1 or 0.2 reads it"):
        read_config(write(tmp_path, saved()["settings"]))


def test_a_setting_that_is_absent_gets_what_the_code_did_before_it(tmp_path, capsys):
    content = saved()
    for name in ("smoothing", "adadelta_rho", "min_toning_deviation"):
        del content["settings"][name]
    config = read_config(write(tmp_path, content))
    assert config.smoothing and config.adadelta_rho == 0.95 and config.min_toning_deviation == 0
    assert not capsys.readouterr().err


def test_a_setting_that_is_no_more_is_dropped_with_a_word(tmp_path, capsys):
    read_config(write(tmp_path, saved(dropout=0.5)))
    assert "ignored, as they no longer exist: dropout" in capsys.readouterr().err


def test_the_settings_of_the_weights_that_ship_load(capsys):
    config = read_config(ROOT / "colornet" / "weights" / "config.json")
    assert config.class_names and config.mean_color
    assert not capsys.readouterr().err


def test_differences_name_both_values():
    config = load_config("paper")
    assert differences(changed(config, ["seed=3"]), config) == {"seed": (3, 0)}
