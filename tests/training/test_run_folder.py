"""What a run folder is trusted with: nothing in it is lost, mixed or said twice."""

import dataclasses
import shutil

import numpy as np
import pytest

from colornet import config as configs
from colornet.errors import UserError
from tiny_training import checkpoint_files, rows, train


def events(folder):
    """[(tag, step)] of what TensorBoard reads in a folder."""
    import tensorflow as tf

    found = []
    for path in sorted(folder.glob("*tfevents*")):
        for data in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(data)
            found += [(value.tag, event.step) for value in event.summary.value]
    return found


def test_without_validation_pictures_the_last_weights_are_kept(unvalidated, tmp_path, capsys):
    from colornet.network import weights_files

    run_dir = tmp_path / "run"
    assert train(unvalidated, run_dir, steps=2) == 0
    assert "0 to validate" in capsys.readouterr().out
    assert not (run_dir / "best.weights.h5").exists()
    model, _ = weights_files.load_trained(str(run_dir))
    assert np.isfinite(model(np.zeros((1, 32, 32, 1), "float32"))["chrominance"]).all()


def test_a_checkpoint_always_has_its_weights(records, trained):
    (trained / "last.weights.h5").unlink()  # killed between writing the one and the other
    before = checkpoint_files(trained)
    assert train(records, trained) == 0
    assert (trained / "last.weights.h5").exists() and checkpoint_files(trained) == before


def test_a_run_folder_without_its_checkpoints_is_not_overwritten(records, trained, capsys):
    shutil.rmtree(trained / "checkpoints")
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    assert train(records, trained, steps=9) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    for part in ("best.weights.h5", "put checkpoints/ back", f"initial_weights={trained}"):
        assert part in error
    assert before == {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}


def test_a_run_folder_without_its_settings_does_not_go_on_with_others(records, trained, capsys):
    (trained / "config.json").unlink()
    assert train(records, trained, steps=9, learning_rate=0.5, seed=9) == 2
    assert "config.json: no such file" in capsys.readouterr().err
    assert not (trained / "config.json").exists()


@pytest.mark.parametrize(
    "files, folder, lost",
    [
        (("config.json",), False, False),  # settings put there to be used
        (("config.json", "metrics.jsonl"), True, False),  # killed before the first checkpoint
        (("config.json", "metrics.jsonl"), False, True),
        (("best.weights.h5",), False, True),
        (("config.json", "metrics.jsonl", "best.weights.h5"), True, True),  # folder was emptied
        (("last.weights.h5",), True, True),
    ],
)
def test_what_says_that_checkpoints_are_lost(tmp_path, files, folder, lost):
    from colornet.training.run_folder import RunFolder

    for name in files:
        (tmp_path / name).write_text("something")
    if folder:
        (tmp_path / "checkpoints").mkdir()
    if not lost:
        return RunFolder(tmp_path).check_nothing_is_lost()
    with pytest.raises(UserError, match="put checkpoints/ back") as raised:
        RunFolder(tmp_path).check_nothing_is_lost()
    # What is advised is what there is.
    assert ("initial_weights=" in str(raised.value)) == any("weights" in name for name in files)
    assert ("delete " in str(raised.value)) == (folder and "last.weights.h5" not in files)


def test_a_file_is_no_run_folder(tmp_path):
    from colornet.training.run_folder import RunFolder

    (tmp_path / "file").touch()
    for name in ("file", "file/run"):
        with pytest.raises(UserError, match="--run-dir: expected a folder, but .*file is a file"):
            RunFolder(tmp_path / name).claimed().__enter__()


def test_two_processes_do_not_share_a_run_folder(records, trained, capsys):
    import os

    from colornet.training.run_folder import RunFolder

    before = checkpoint_files(trained)
    with RunFolder(trained).claimed():
        assert train(records, trained, steps=9) == 2
    error = capsys.readouterr().err
    assert f"{trained}: this run folder: in use by process {os.getpid()} on " in error
    assert checkpoint_files(trained) == before and not (trained / "lock").exists()


# --- Settings of a run that goes on ---------------------------------------------------------


def change_settings(run_dir, **values):
    path = run_dir / "config.json"
    configs.save_config(dataclasses.replace(configs.read_config(path), **values), path)


def test_the_mean_color_may_not_change(records, trained, capsys):
    change_settings(trained, mean_color=(1.0, 2.0))
    assert train(records, trained, steps=9) == 2
    assert "mean_color was (1.0, 2.0), now (" in capsys.readouterr().err
    change_settings(trained, mean_color=())  # of a run of before it was written
    assert train(records, trained) == 0


def test_steps_of_a_cosine_schedule_may_not_change(records, trained, capsys):
    change_settings(trained, schedule="cosine")
    assert train(records, trained, schedule="cosine", steps=12) == 2
    error = capsys.readouterr().err
    assert "steps: was 6, now 12" in error and f"initial_weights={trained}" in error


@pytest.mark.parametrize(
    "schedule, at_the_start, at_the_end",
    [
        ("cosine", "schedule=cosine", "set initial_weights="),
        ("constant", "0 / 6, batch size 128, 85.3 epochs", "raise steps to train on"),
    ],
)
def test_what_going_on_means_is_said(tmp_path, schedule, at_the_start, at_the_end):
    from colornet.training import run_settings
    from colornet.training.run_folder import RunFolder

    config, folder = configs.Config(schedule=schedule, steps=6), RunFolder(tmp_path)
    dataset = {"train": {"pictures": 9}, "val": {"pictures": 2}}
    block = run_settings.start_block(config, dataset, folder, "CPU", 7, 0)
    assert at_the_start in block
    assert at_the_end in run_settings.finished_line(config, folder)


# --- The log --------------------------------------------------------------------------------


def test_training_and_validation_are_two_curves_of_one_chart(trained):
    train_tags = {tag for tag, _ in events(trained / "events" / "train")}
    validation_tags = {tag for tag, _ in events(trained / "events" / "validation")}
    assert {"loss", "mse", "cross_entropy", "rmse_ab"} <= train_tags & validation_tags
    assert {"psnr", "top1"} <= validation_tags and "learning_rate" in train_tags
    settings = {tag for tag, _ in events(trained / "events")}
    assert "settings" in settings and any("hparams" in tag for tag in settings)


def test_runs_of_equal_names_are_rows_of_their_own(tmp_path):
    import tensorflow as tf
    from tensorboard.plugins.hparams import metadata

    from colornet.training.log import Log
    from colornet.training.run_folder import RunFolder

    trials = set()
    for run in (tmp_path / "s0" / "full", tmp_path / "s1" / "full"):
        run.mkdir(parents=True)
        Log(RunFolder(run), 0, configs.Config()).close()
        (path,) = (run / "events").glob("*.settings")
        for data in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            for value in tf.compat.v1.Event.FromString(data).summary.value:
                if value.tag == metadata.SESSION_START_INFO_TAG:
                    content = value.metadata.plugin_data.content
                    trials.add(metadata.parse_session_start_info_plugin_data(content).group_name)
    assert len(trials) == 2 and all(trial.startswith("full ") for trial in trials)


def test_what_comes_again_is_said_once(tmp_path):
    import tensorflow as tf

    from colornet.training.log import Log
    from colornet.training.run_folder import RunFolder

    folder, figures = RunFolder(tmp_path), {"mse": 0.5}
    log = Log(folder, 0, configs.Config())
    for step in (2, 4, 6):
        log.training(step, figures)
        log.validation(step, {"val_mse": 0.5}, None)
    log.close()
    (path,) = (tmp_path / "events" / "train").iterdir()
    path.write_bytes(path.read_bytes()[:-3])  # killed while it wrote
    log = Log(folder, 2, configs.Config())
    for step in (4, 6):
        log.training(step, figures)
        log.validation(step, {"val_mse": 0.5}, None)
    log.close()
    for name in ("train", "validation"):
        found = [step for tag, step in events(tmp_path / "events" / name) if tag == "mse"]
        assert sorted(found) == [2, 4, 6], name  # names of files count 9, 10: no order
    assert [row["step"] for row in rows(tmp_path)] == [2, 2, 4, 4, 6, 6]
    assert len(list((tmp_path / "events").glob("*.settings"))) == 1
    assert tf.io.gfile.exists(folder.metrics)


@pytest.mark.parametrize("line", [b"\n", b"5\n", b"\xff\xfe{}\n", b'{"loss": 1}\n', b'{"step": 2'])
def test_a_line_that_is_no_row_loses_no_other(tmp_path, line):
    from colornet.training.log import Log
    from colornet.training.run_folder import RunFolder

    folder, first = RunFolder(tmp_path), b'{"step": 1, "loss": 0.5}\n'
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(first + line)
    if line.endswith(b"\n"):
        path.write_bytes(content := first + line + b'{"step": 2, "loss": 0.25}\n')
        with pytest.raises(UserError, match=r"metrics.jsonl, line 2: expected a step"):
            Log(folder, 2, configs.Config())
        assert path.read_bytes() == content
    else:  # killed while it wrote
        Log(folder, 2, configs.Config()).close()
        assert path.read_bytes() == first


def test_infinity_is_no_json(tmp_path):
    from colornet.training.log import Log
    from colornet.training.run_folder import RunFolder

    log = Log(RunFolder(tmp_path), 0, configs.Config())
    log.validation(1, {"val_psnr": float("inf"), "val_mse": 0.0}, None)
    log.close()
    assert rows(tmp_path) == [{"step": 1, "val_psnr": None, "val_mse": 0.0}]
    assert "psnr" not in {tag for tag, _ in events(tmp_path / "events" / "validation")}


def test_curves_have_legends_and_lines_for_gray_and_the_mean_color(trained):
    from colornet.training.curves import figure

    axes = {each.get_title(): each for each in figure(rows(trained)).axes}
    legends = {
        title: [text.get_text() for text in each.get_legend().get_texts()]
        for title, each in axes.items()
    }
    assert legends["mse"] == ["training", "validation"]
    assert legends["rmse_ab"] == ["validation", "gray", "the records' mean color"]
    gray = [row["val_rmse_ab_gray"] for row in rows(trained) if "val_rmse_ab" in row]
    assert axes["rmse_ab"].get_lines()[1].get_ydata()[0] == gray[0] == gray[-1] > 3


def test_figures_of_validation_are_what_they_say():
    from colornet.pictures import colorspace
    from colornet.training.objective import make_objective
    from colornet.training.validation import validate

    random = np.random.default_rng(0)
    luminance = random.random((5, 8, 8, 1), np.float32)
    truth = random.random((5, 4, 4, 2), np.float32)
    predicted, logits = random.random((5, 4, 4, 2), np.float32), random.normal(size=(5, 3))
    label = np.array([0, 2, -1, 1, 2])
    parts = [slice(0, 3), slice(3, 5)]
    outputs = [{"chrominance": predicted[part], "logits": logits[part]} for part in parts]

    names = ("luminance", "chrominance", "label")
    batches = [{n: x[part] for n, x in zip(names, (luminance, truth, label))} for part in parts]
    settings = configs.Config(mean_color=(4.0, 9.0), panel_pictures=2)
    figures, panel = validate(lambda _: outputs.pop(0), batches, make_objective(settings), settings)
    ab, known = colorspace.decode_chrominance(truth), label >= 0
    chosen = logits[known, label[known]]
    entropies = np.log(np.exp(logits[known]).sum(axis=1)) - chosen
    assert figures["val_mse"] == pytest.approx(np.square(predicted - truth).mean(), rel=1e-5)
    assert figures["val_cross_entropy"] == pytest.approx(entropies.mean())
    assert figures["val_loss"] == pytest.approx(figures["val_mse"] + entropies.sum() / 5 / 300)
    assert figures["val_top1"] == np.mean(logits[known].argmax(1) == label[known])
    assert figures["val_rmse_ab_gray"] == pytest.approx(np.square(ab).mean() ** 0.5, rel=1e-5)
    assert figures["val_rmse_ab_mean_color"] == pytest.approx(
        np.square(ab - (4, 9)).mean() ** 0.5, rel=1e-5
    )
    assert [len(x) for x in panel] == [2, 2, 2]
