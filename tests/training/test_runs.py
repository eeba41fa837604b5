"""Whole runs: what they leave, what they start from, and what stops them."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import model_train
from colornet.config import read_config, save_config
from colornet.errors import UserError
from presets import load_config
from tiny_training import (
    SMALL,
    checkpoint_files,
    command,
    make_records,
    make_training,
    rows,
    settings,
    train,
)


def test_a_run_leaves_what_it_promises(_trained, trained):
    run_dir, shown = trained, open(f"{_trained}.log").read()
    for word in (
        "settings",
        "width=0.0625",
        "device",
        "CPU",
        "float32",
        "pictures",
        "2 classes",
        "parameters",
        "steps",
        "0 / 6",
    ):
        assert word in shown
    assert {
        "config.json",
        "metrics.jsonl",
        "best.weights.h5",
        "checkpoints",
        "panels",
        "events",
        "curves.png",
    } <= {entry.name for entry in run_dir.iterdir()}
    training = [row for row in rows(run_dir) if "loss" in row]
    validation = [row for row in rows(run_dir) if "val_rmse_ab" in row]
    assert [row["step"] for row in training] == [2, 4, 6]
    assert [row["step"] for row in validation] == [3, 6]
    assert set(training[0]) == {
        "step",
        "loss",
        "mse",
        "cross_entropy",
        "learning_rate",
        "images_per_second",
    }
    assert {"val_rmse_ab", "val_psnr", "val_top1"} <= set(validation[0])
    assert [panel.name for panel in sorted((run_dir / "panels").iterdir())] == [
        "step-00000003.png",
        "step-00000006.png",
    ]
    assert Image.open(run_dir / "curves.png").width > 100

    from colornet.network import weights_files

    model, config = weights_files.load_trained(str(run_dir))
    assert config.class_names == ("kitchen", "street")
    assert config.shard_pictures == SMALL["shard_pictures"]  # of the records, not of train()


def test_a_finished_run_says_so_and_goes_on_with_more_steps(records, trained, capsys):
    run_dir = trained
    before = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*") if path.is_file()}
    assert train(records, run_dir) == 0  # finished: says so, and touches nothing
    assert "finished" in capsys.readouterr().out
    assert before == {p: p.stat().st_mtime_ns for p in run_dir.rglob("*") if p.is_file()}

    assert (
        train(
            records,
            run_dir,
            steps=9,
            log_every=3,
            checkpoint_every=2,
            panel_pictures=0,
            devices="cpu",
            working_size=0,
            chroma=1.5,
            validate_every=4,
        )
        == 0
    )
    assert [row["step"] for row in rows(run_dir)] == [2, 3, 4, 6, 6, 8, 9, 9]
    assert len(list((run_dir / "checkpoints").glob("*.index"))) == 2
    assert train(records, run_dir, batch_size=8, steps=12) == 2
    assert "batch_size was 4, now 8" in capsys.readouterr().err


def test_other_records_are_refused(unlabeled, trained, capsys):
    assert train(unlabeled, trained, steps=9) == 2
    error = capsys.readouterr().err
    assert (
        "records_fingerprint was" in error
        and "class_names was ('kitchen', 'street'), now ()" in error
    )


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(dict(use_classification=False), marks=pytest.mark.slow),
        dict(use_classification=False, use_global_features=False),
    ],
)
def test_ablations_train(records, tmp_path, values, capsys):
    assert train(records, tmp_path, **values) == 0
    assert rows(tmp_path)[0]["cross_entropy"] is None
    assert "cross_entropy" not in capsys.readouterr().out
    assert rows(tmp_path)[-1]["val_top1"] is None
    from colornet.network import weights_files

    model, _ = weights_files.load_trained(str(tmp_path))
    names = [layer.name for layer in model.layers]
    assert "classification" not in names
    assert ("global" in names) == ("use_global_features" not in values)


def weights(folder):
    from colornet.network import vocabulary, weights_files

    return weights_files.read_weights(vocabulary.trained_files(folder)[0])


def test_a_run_can_start_from_the_weights_of_another(
    unvalidated, unlabeled, trained, tmp_path, capsys
):
    first, second, third = trained, tmp_path / "second", tmp_path / "third"
    still = dict(initial_weights=first, learning_rate=1e-9, steps=1)
    assert train(unvalidated, second, **still) == 0
    # Other classes: without the scene classifier, and none to learn.
    assert train(unlabeled, third, **still, log_every=1) == 0
    assert rows(third)[0]["cross_entropy"] is None
    assert rows(third)[0]["loss"] == rows(third)[0]["mse"]
    before, labeled, flat = map(weights, (first, second, third))
    assert labeled.keys() == before.keys() > flat.keys()
    for name, value in [*labeled.items(), *flat.items()]:
        if "moving" not in name:
            np.testing.assert_allclose(value, before[name], atol=1e-6, err_msg=name)
    assert train(unvalidated, tmp_path / "wide", **still, width=0.125) == 2
    error = capsys.readouterr().err
    assert "weights of another network" in error and str(first) in error
    assert train(unvalidated, tmp_path / "none", initial_weights=tmp_path / "absent") == 2
    assert "no such weights" in capsys.readouterr().err
    assert not list(tmp_path.glob("wide/checkpoints/*"))
    shutil.rmtree(first)  # no longer needed: a run goes on from its own checkpoint
    assert train(unvalidated, second, **still) == 0


def test_the_start_says_where_settings_come_from(tmp_path):
    from colornet.training import run_folder, run_settings

    folder = run_folder.RunFolder(str(tmp_path))
    dataset = {"train": {"pictures": 8}, "val": {"pictures": 2}}
    config = load_config("smoke", ["steps=500"])
    block = run_settings.start_block(config, dataset, folder, "CPU", 1, 0)
    assert "preset smoke: " in block and "steps=500" in block and "seed" not in block
    save_config(config, folder.settings)
    block = run_settings.start_block(config, dataset, folder, "CPU", 1, 0)
    assert f"resumed from {folder.settings}: " in block


def test_a_single_class_trains_no_classifier_with_a_word(tmp_path, capsys):
    records = make_records(tmp_path / "one", classes=("only",))
    assert train(records, tmp_path / "run", steps=1) == 0
    assert "a single one: trained without the classification network" in capsys.readouterr().out
    assert not read_config(tmp_path / "run" / "config.json").use_classification


def test_a_finished_run_leaves_its_result(records, trained):
    result = json.loads((trained / "result.json").read_text())
    assert result["steps"] == 6 and result["seconds"] > 0 and result["version"]
    assert result["settings"]["width"] and "preset" not in result["settings"]
    assert result["best"]["val_rmse_ab"] <= result["last"]["val_rmse_ab"]


def test_validation_measures_on_the_luminance_that_is_stored(records, tmp_path, monkeypatch):
    """So that runs with and without stretching can be compared; the network sees it stretched."""
    from colornet.training import run
    from colornet.training.step import TrainState

    real, measured, seen = run.validate, [], []

    def validate(predict, batches, *rest):
        batches = list(batches)
        measured.append(np.concatenate([batch["luminance"] for batch in batches]))
        return real(predict, batches, *rest)

    predicted = TrainState.predict
    monkeypatch.setattr(
        TrainState, "predict", lambda state, x: seen.append(np.asarray(x)) or predicted(state, x)
    )
    monkeypatch.setattr(run, "validate", validate)
    for stretching in (False, True):
        folder = tmp_path / str(stretching)
        assert train(records, folder, steps=1, stretching=stretching) == 0
    np.testing.assert_array_equal(*measured)
    plain, stretched = np.split(np.concatenate(seen), 2)
    np.testing.assert_array_equal(plain, measured[0])
    assert np.abs(stretched - plain).max() > 0.01


def test_onednn_is_as_it_was_when_the_run_began(unvalidated, tmp_path, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    assert train(unvalidated, tmp_path, steps=1) == 0
    began = read_config(tmp_path / "config.json")
    assert began.onednn == os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
    save_config(dataclasses.replace(began, onednn="0"), tmp_path / "config.json")
    assert train(unvalidated, tmp_path, steps=2) == 0
    assert read_config(tmp_path / "config.json").onednn == "0"
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    save_config(dataclasses.replace(began, onednn=""), tmp_path / "config.json")  # not written
    assert train(unvalidated, tmp_path, steps=3) == 0


# --- As a library ---------------------------------------------------------------------------


def test_training_runs_twice_in_a_process_after_a_failure_and_in_a_thread(unvalidated, tmp_path):
    import threading

    from colornet.training.train import train as train_by_call

    config = load_config("smoke", settings(steps=2)[1::2])
    with pytest.raises(UserError):
        train_by_call(config, str(tmp_path / "absent"), str(tmp_path / "a"))
    train_by_call(config, str(unvalidated), str(tmp_path / "b"))
    thread = threading.Thread(
        target=train_by_call, args=(config, str(unvalidated), str(tmp_path / "c"))
    )
    thread.start()
    thread.join()
    assert weights(tmp_path / "b").keys() == weights(tmp_path / "c").keys()
    for name, value in weights(tmp_path / "b").items():
        np.testing.assert_array_equal(value, weights(tmp_path / "c")[name])


def test_devices_that_cannot_change_any_more_are_one_line(unvalidated, tmp_path, capsys):
    assert train(unvalidated, tmp_path / "a", steps=1) == 0
    assert train(unvalidated, tmp_path / "b", devices="cpu:2") == 2
    assert "TensorFlow has already started in this process" in capsys.readouterr().err


# --- What stops a run -----------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_the_run(records, trained, capsys):
    assert train(records, trained, steps=9, learning_rate=1e30) == 2  # another setting
    poison(trained, 6, "mid_level_1/kernel")
    before = checkpoint_files(trained)
    capsys.readouterr()
    assert train(records, trained, steps=9) == 3
    error = capsys.readouterr().err
    assert "the loss is NaN or infinite" in error and "lower learning_rate=0.002" in error
    assert error.count("\n") == 1
    assert checkpoint_files(trained) == before


@pytest.mark.parametrize("every", [dict(log_every=1), dict(checkpoint_every=1), {}])
def test_a_huge_learning_rate_fails_the_run_and_saves_nothing(records, tmp_path, capsys, every):
    assert train(records, tmp_path, learning_rate=1e30, **every) == 3
    assert "lower learning_rate=1e+30" in capsys.readouterr().err
    assert not (tmp_path / "result.json").exists()
    for path in tmp_path.glob("*.weights.h5"):
        assert all(np.isfinite(value).all() for value in weights(tmp_path).values()), path


@pytest.mark.parametrize(
    "spoilt, every",
    [
        ("weights", dict(validate_every=1)),
        ("weights", dict(checkpoint_every=1)),
        ("totals", dict(checkpoint_every=1)),
    ],
)
def test_nothing_is_saved_once_a_number_is_not_finite(
    records, tmp_path, monkeypatch, spoilt, every
):
    """Not even where colors stay finite, as with NaN in the classification network alone."""
    from colornet.training.step import TrainState

    def spoil(state, batch):
        if spoilt == "totals":
            return state.totals.assign([np.nan] * 4)
        weight = next(v for v in state.model.weights if v.path == "classification_logits/bias")
        return weight.assign(np.full(weight.shape, np.nan))

    monkeypatch.setattr(TrainState, "step", spoil)
    rare = dict(log_every=100, validate_every=100, checkpoint_every=100)
    assert train(records, tmp_path, **{**rare, **every}) == 3
    assert not [*tmp_path.glob("*.h5"), *tmp_path.glob("checkpoints/*")]


def poison(run_dir, step, name):
    """Put NaN into one weight of a checkpoint."""
    import tensorflow as tf

    path = str(run_dir / "checkpoints" / f"step-{step}")
    training, _ = make_training(num_classes=2)
    checkpoint = tf.train.Checkpoint(**training.checkpointed())
    checkpoint.read(path).assert_existing_objects_matched()
    weight = next(v for v in training.model.weights if v.path == name)
    weight.assign(
        np.where(
            np.arange(weight.shape.num_elements()).reshape(weight.shape) == 3,
            np.nan,
            weight.numpy(),
        )
    )
    checkpoint.write(path)


@pytest.mark.slow
def test_a_batch_for_which_memory_does_not_suffice(records, tmp_path):
    code = (
        "import resource, sys, model_train\n"
        "import tensorflow\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (3 << 30),) * 2)\n"
        "sys.exit(model_train.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        command(code, records, tmp_path, width=2, batch_size=512),
        capture_output=True,
        text=True,
        cwd=os.path.dirname(model_train.__file__),
    )
    assert done.returncode == 3, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    for word in ("memory", "batch_size=512", "gradient_accumulation"):
        assert word in line


@pytest.mark.slow
def test_a_full_disk_keeps_the_last_checkpoint(records, tmp_path, capsys):
    if os.geteuid() or sys.platform != "linux":
        pytest.skip("needs root to mount a small file system")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", tmp_path]).returncode:
        pytest.skip("cannot mount a small file system")
    try:
        run_dir = tmp_path / "run"
        assert train(records, run_dir, steps=3) == 0
        before = checkpoint_files(run_dir)
        free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
        (tmp_path / "filler").write_bytes(bytes(free - 200_000))
        capsys.readouterr()
        assert train(records, run_dir, steps=6, validate_every=100) == 3
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "No space left on device" in error
        assert before.items() <= checkpoint_files(run_dir).items()
        (tmp_path / "filler").unlink()
        assert train(records, run_dir, steps=6) == 0
        assert rows(run_dir)[-1]["step"] == 6
    finally:
        subprocess.run(["umount", tmp_path], check=True)
