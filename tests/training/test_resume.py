"""Interrupted runs: killed, asked to stop, or with a spoilt checkpoint, they end the same."""

import io
import random
import shutil
import signal
import sys
import time

import pytest

import model_train
from colornet import config
from tiny_training import assert_same_run, rows, start, train

RUN = dict(validate_every=3)  # as of `trained`


def wait_for(condition, process=None, seconds=120):
    """Wait until `condition()` holds or the process has ended."""
    end = time.monotonic() + seconds
    while not condition() and (process is None or process.poll() is None):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.001)


def test_killed_while_saving(records, trained, tmp_path):
    run_dir, run = tmp_path / "run", dict(RUN, checkpoint_every=1)
    process = start(records, run_dir, **run)
    wait_for(lambda: list(run_dir.glob("checkpoints/step-4*")), process)
    assert process.poll() is None, (tmp_path / "run.log").read_text()
    process.kill()
    process.wait()
    assert (run_dir / "checkpoints" / "step-3.index").exists()
    assert train(records, run_dir, **run) == 0
    assert_same_run(run_dir, trained, 6)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_killed_again_and_again(records, tmp_path, precision):
    run = dict(RUN, optimizer="muon", steps=200, checkpoint_every=5, precision=precision)
    run |= dict(gradient_accumulation=2)
    assert train(records, tmp_path / "uninterrupted", **run) == 0
    run_dir, chance = tmp_path / "run", random.Random(precision)
    kills = 0
    for target in sorted(chance.sample(range(1, 150), 5)):
        process = start(records, run_dir, **run)
        if chance.random() < 0.5:  # while a checkpoint is being written
            save = -(-target // 5) * 5
            wait_for(lambda: list(run_dir.glob(f"checkpoints/step-{save}[_.]*")), process)
        else:
            wait_for(lambda: rows_so_far(run_dir) >= target, process)
            time.sleep(chance.random() * 0.05)
        kills += process.poll() is None
        process.kill()
        process.wait()
    assert kills >= 3
    assert train(records, run_dir, **run) == 0
    assert_same_run(run_dir, tmp_path / "uninterrupted", 200)


def rows_so_far(run_dir):
    try:
        return max((row["step"] for row in rows(run_dir)), default=0)
    except (OSError, ValueError):
        return 0


class Asking(io.StringIO):
    """Standard output that sends a signal when it is told of a step, and waits till it is heard."""

    def __init__(self, number, told, heard):
        super().__init__()
        self.number, self.told, self.heard = number, told, heard

    def write(self, text):
        if self.told in text:
            signal.raise_signal(self.number)
            wait_for(self.heard)
        return super().write(text)


@pytest.mark.parametrize(
    "number, code",
    [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)],
)
def test_asked_to_stop(records, trained, tmp_path, monkeypatch, number, code):
    """In folders whose names would be patterns to a shell."""
    run_dir, errors = tmp_path / "run [1-3] *?" / "{a,b}", io.StringIO()
    records = shutil.copytree(records, tmp_path / "records [x]")
    asking = Asking(number, "step 4/6", lambda: "Finishing this step" in errors.getvalue())
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", asking)
        patch.setattr(sys, "stderr", errors)
        assert train(records, run_dir, **RUN, checkpoint_every=1000) == code
    assert "same command resumes" in errors.getvalue()
    assert [path.stem for path in (run_dir / "checkpoints").glob("*.index")] == ["step-4"]
    # Nothing but the folders: the settings are the run's own, not the defaults.
    settings = config.read_config(run_dir / "config.json")
    assert model_train.main(["--records", str(records), "--run-dir", str(run_dir)]) == 0
    assert config.read_config(run_dir / "config.json") == settings
    assert_same_run(shutil.copytree(run_dir, tmp_path / "plain"), trained, 6)


def test_asked_to_stop_in_the_last_step_it_leaves_its_result(unvalidated, tmp_path, monkeypatch):
    errors = io.StringIO()
    asking = Asking(signal.SIGTERM, "step 2/2", lambda: "Finishing this step" in errors.getvalue())
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", asking)
        patch.setattr(sys, "stderr", errors)
        assert train(unvalidated, tmp_path, steps=2) == 143
    assert (tmp_path / "result.json").exists()


@pytest.mark.slow
def test_asked_twice_it_ends_at_once(records, tmp_path):
    run_dir = tmp_path / "run"
    # Steps of many seconds: ending at once cannot mean after the step.
    process = start(records, run_dir, width=1, batch_size=16, gradient_accumulation=4, log_every=1)
    log = tmp_path / "run.log"
    wait_for(lambda: "steps " in log.read_text(), process)
    time.sleep(3)  # building the step, or in it
    process.send_signal(signal.SIGINT)
    wait_for(lambda: "again to quit now" in log.read_text(), process, seconds=20)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert time.monotonic() - asked < 2
    assert not list(run_dir.glob("checkpoints/*"))


def test_a_spoilt_checkpoint_falls_back_on_the_one_before(records, _trained, trained, capsys):
    run_dir = trained
    (data,) = (run_dir / "checkpoints").glob("step-6.data*")
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    assert train(records, run_dir, **RUN) == 0
    captured = capsys.readouterr()
    assert "step-6: cannot be read" in captured.err and "3 / 6" in captured.out
    assert_same_run(run_dir, _trained, 6)
    for data in (run_dir / "checkpoints").glob("*.data*"):
        data.write_bytes(b"spoilt")
    assert train(records, run_dir, **dict(RUN, steps=9)) == 2
    assert "could read none" in capsys.readouterr().err
