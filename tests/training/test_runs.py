"""Whole runs: what they leave, what they start from, and what stops them."""

import dataclasses
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import model_train
from colornet.config import read_config, save_config
from config import PRESETS
from presets import load_config
from tiny_training import SMALL, checkpoint_files, command, make_training, rows, train


def test_a_run_leaves_what_it_promises(_trained, trained):
    run_dir, shown = trained, open(f"{_trained}.log").read()
    for word in (
        "settings",
        "width=0.0625",
        "device",
        "CPU",
        "precision",
        "float32",
        "pictures",
        "2 classes",
        "parameters",
        "steps",
        "0 done of 6",
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


def test_the_start_says_where_settings_come_from(tmp_path, monkeypatch):
    """And what config.py has otherwise since a run began, such as an edited preset."""
    from colornet.training import run_folder, run_settings

    folder = run_folder.RunFolder(str(tmp_path))
    dataset = {"train": {"pictures": 8}, "val": {"pictures": 2}}

    def start():
        return run_settings.start_block(config, dataset, folder, "CPU", "float32", 1, 0)

    config = load_config("smoke", ["steps=500"])
    assert "config.py, preset smoke" in start() and "now: steps=500 (there 300)\n" in start()
    save_config(config, folder.settings)
    monkeypatch.setitem(PRESETS, "smoke", dict(PRESETS["smoke"], learning_rate=0.1))
    assert f"{folder.settings}, begun with preset smoke" in start()
    assert "now: steps=500 (there 300), learning_rate=0.002 (there 0.1)\n" in start()
    monkeypatch.delitem(PRESETS, "smoke")
    assert "which config.py no longer has" in start()


def test_a_measured_precision_is_not_deterministic(records, tmp_path, capsys):
    assert train(records, tmp_path, precision="auto") == 2
    error = capsys.readouterr().err
    assert "precision=auto" in error and "--set deterministic=false" in error


def test_a_precision_that_the_run_folder_holds_goes_with_deterministic(tmp_path):
    from colornet.training import run_folder, run_settings

    folder = run_folder.RunFolder(str(tmp_path))
    asked = load_config("smoke", ["precision=auto"])
    save_config(dataclasses.replace(asked, precision="mixed_bfloat16"), folder.settings)
    assert run_settings.going_on(asked, folder).precision == "mixed_bfloat16"


def test_precision_auto_is_measured_said_and_kept(unvalidated, tmp_path, capsys):
    from colornet.training import run_folder, run_settings

    assert train(unvalidated, tmp_path, precision="auto", deterministic=False, steps=1) == 0
    first = [line for line in capsys.readouterr().out.splitlines() if "precision" in line][-1]
    chosen = read_config(tmp_path / "config.json").precision
    assert chosen in ("float32", "mixed_bfloat16") and f"precision   {chosen} (measured" in first
    again = dataclasses.replace(read_config(tmp_path / "config.json"), precision="auto")
    assert run_settings.going_on(again, run_folder.RunFolder(str(tmp_path))).precision == chosen


# --- What stops a run -----------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_the_run(records, trained, capsys):
    assert train(records, trained, steps=9, learning_rate=1e30) == 2  # another setting
    poison(trained, 6, "mid_level_1/kernel")
    before = checkpoint_files(trained)
    capsys.readouterr()
    assert train(records, trained, steps=9) == 2
    error = capsys.readouterr().err
    assert "not finite at step 7, learning rate 0.002" in error
    assert "first tensor that is not finite: mid_level_1/kernel" in error
    assert error.count("\n") == 1
    assert (
        f"the last checkpoint is kept; on another --run-dir, with --set initial_weights={trained}"
        ", lower learning_rate=0.002\n" in error
    )
    assert checkpoint_files(trained) == before


def test_advice_about_a_loss_that_is_not_finite_can_be_followed(tmp_path):
    from colornet.training import run, run_folder

    folder = run_folder.RunFolder(tmp_path)
    config = load_config("smoke", ["precision=mixed_float16"])
    lower = "lower learning_rate=0.002, or use precision=float32"
    assert run._not_finite_advice(config, folder) == lower
    save_config(config, folder.settings)  # a step was made: neither may change
    assert run._not_finite_advice(config, folder) == f"on another --run-dir, with {lower}"


def test_a_huge_learning_rate_names_a_layer(records, tmp_path, capsys):
    assert train(records, tmp_path, learning_rate=1e30, log_every=1, checkpoint_every=1) == 2
    error = capsys.readouterr().err
    assert "not finite at step" in error and "learning rate 1e+30" in error
    assert "the output of " in error


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
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    for word in ("memory", "batch_size=512", "gradient_accumulation", "precision"):
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
        assert train(records, run_dir, steps=6, validate_every=100) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "No space left on device" in error
        assert before.items() <= checkpoint_files(run_dir).items()
        (tmp_path / "filler").unlink()
        assert train(records, run_dir, steps=6) == 0
        assert rows(run_dir)[-1]["step"] == 6
    finally:
        subprocess.run(["umount", tmp_path], check=True)
