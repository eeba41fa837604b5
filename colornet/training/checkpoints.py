"""What a run starts from: checkpoints, with all that it needs to go on, or other weights."""

import glob
import os
import re
import shutil
import sys
import tempfile

import tensorflow as tf

from colornet.config import Config
from colornet.errors import UserError
from colornet.network import weights_files
from colornet.training.run_folder import RunFolder, to_disk, writing
from colornet.training.step import TrainState

KEPT = 2  # the newest, and one to fall back on if a power cut spoiled it


class Checkpoints:
    """Files `step-N.index` and `step-N.data-…`; the index is written last and makes it whole.

    Args:
        run_folder: a `run_folder.RunFolder`.
        state: a `step.TrainState`.
        host: number of this one. Every host takes part in saving; only the files of 0 count.
    """

    def __init__(self, run_folder: RunFolder, state: TrainState, host: int = 0) -> None:
        self.run_folder, self.state, self.host = run_folder, state, host
        self.folder = run_folder.checkpoints
        self.saved = os.path.join(self.folder, f"host-{host}") if host else self.folder
        self.checkpoint = tf.train.Checkpoint(**state.checkpointed())

    def start(self, config: Config) -> int:
        """Begin the run or go on with it; returns the steps done; raises UserError."""
        # 1. A run with a checkpoint goes on from it; 2. any other starts with initial_weights, or
        # 3. with fresh ones.
        done, run_folder = self._restore(), self.run_folder
        if not done:
            run_folder.check_nothing_is_lost()
            if config.initial_weights:
                weights_files.start_from(self.state.model, config)
        elif not run_folder.begun():
            raise UserError(
                f"{run_folder.settings}: no such file; expected the settings of the run whose "
                f"checkpoints lie beside it; put it back, or begin another --run-dir"
            )
        elif not self.host and not os.path.exists(run_folder.last_weights):  # killed before then
            run_folder.save_weights(self.state.model, run_folder.last_weights)
        return done

    def _restore(self) -> int:
        """Restore the newest checkpoint that can be read; returns its step, 0 without any."""
        steps = _steps(self.folder)
        for step in reversed(steps):
            path = _path(self.folder, step)
            try:
                self._read(step)
                return step
            except Exception as error:  # a spoilt file can raise almost anything
                print(
                    f"{path}: cannot be read ({str(error).splitlines()[0][:80]})", file=sys.stderr
                )
        if steps:
            raise UserError(
                f"{self.folder}: expected checkpoints of this network, could read none; restore "
                "them from a copy, or start anew with another --run-dir"
            )
        return 0

    def _read(self, step: int) -> None:
        # TensorFlow takes the path that it reads, not the one it writes, for a pattern.
        with tempfile.TemporaryDirectory() as plain:
            link = os.path.join(plain, "link")
            os.symlink(os.path.abspath(self.folder), link)
            self.checkpoint.read(_path(link, step)).assert_existing_objects_matched()

    def save(self, step: int) -> None:
        """Write a step's checkpoint and weights, and remove older ones; raises UserError."""
        path = _path(self.saved, step)
        with writing(self.saved, f"the checkpoint of step {step}"):
            try:
                os.makedirs(self.saved, exist_ok=True)
                self.checkpoint.write(path)
                to_disk(*glob.glob(f"{glob.escape(path)}.*"))
            except (tf.errors.OpError, OSError):
                _remove(self.saved, step)
                raise
            kept = [number for number in _steps(self.saved) if number <= step][-KEPT:]
            for number in set(_steps(self.saved, "*")) - set(kept):
                _remove(self.saved, number)
        if self.host:
            shutil.rmtree(self.saved, ignore_errors=True)
        else:
            self.run_folder.save_weights(self.state.model, self.run_folder.last_weights)


def _path(folder: str, step: int) -> str:
    return os.path.join(folder, f"step-{step}")


def _steps(folder: str, ending: str = ".index") -> list[int]:
    """Steps of the checkpoints in a folder, ascending; with ending "*" unfinished ones too."""
    names = map(os.path.basename, glob.glob(os.path.join(glob.escape(folder), "step-*" + ending)))
    found = (re.match(r"step-(\d+)([._]|$)", name) for name in names)
    return sorted({int(match[1]) for match in found if match})


def _remove(folder: str, step: int) -> None:
    # The index first: without it the rest is no checkpoint.
    path = glob.escape(_path(folder, step))
    for part in glob.glob(f"{path}.index") + glob.glob(f"{path}[._]*"):
        if os.path.isdir(part):
            shutil.rmtree(part)
        elif os.path.exists(part):
            os.remove(part)
