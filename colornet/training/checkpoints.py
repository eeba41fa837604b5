"""Checkpoints of a run: everything that training needs to go on as if nothing had happened."""

import glob
import os
import re
import shutil
import sys

import tensorflow as tf

from colornet.errors import UserError
from colornet.training.run_folder import to_disk, writing

KEPT = 2  # the newest, and one to fall back on if a power cut spoiled it


class Checkpoints:
    """Files `step-N.index` and `step-N.data-…`; the index is written last and makes it whole."""

    def __init__(self, folder, state):
        """`state`: dict of trackable objects; every value in them is saved."""
        self.folder = folder
        self.checkpoint = tf.train.Checkpoint(**state)

    def restore(self, run_dir):
        """Restore the newest checkpoint that can be read; returns its step, 0 without any.

        Raises:
            UserError: there are checkpoints, but none can be read.
        """
        folder = os.path.join(run_dir, "checkpoints")
        steps = _steps(folder)
        for step in reversed(steps):
            path = _path(folder, step)
            try:
                self.checkpoint.read(path).assert_existing_objects_matched()
                return step
            except Exception as error:  # a spoilt file can raise almost anything
                print(
                    f"{path}: cannot be read ({str(error).splitlines()[0][:80]})", file=sys.stderr
                )
        if steps:
            raise UserError(
                f"{folder}: expected checkpoints of this network, could read none; restore them "
                "from a copy, or start anew with another --run-dir"
            )
        return 0

    def save(self, step):
        """Write the checkpoint of a step, then remove older ones; raises UserError."""
        path = _path(self.folder, step)
        with writing(self.folder, f"the checkpoint of step {step}"):
            try:
                os.makedirs(self.folder, exist_ok=True)
                self.checkpoint.write(path)
                to_disk(*glob.glob(f"{path}.*"))
            except (tf.errors.OpError, OSError):
                _remove(self.folder, step)
                raise
            kept = [number for number in _steps(self.folder) if number <= step][-KEPT:]
            for number in set(_steps(self.folder, "*")) - set(kept):
                _remove(self.folder, number)

    def discard(self):
        """Remove all of them: those of hosts that only take part in saving."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _path(folder, step):
    return os.path.join(folder, f"step-{step}")


def _steps(folder, ending=".index"):
    """Steps of the checkpoints in a folder, ascending; with ending "*" unfinished ones too."""
    names = map(os.path.basename, glob.glob(os.path.join(glob.escape(folder), "step-*" + ending)))
    return sorted({int(re.match(r"step-(\d+)", name)[1]) for name in names})


def _remove(folder, step):
    # The index first: without it the rest is no checkpoint.
    path = glob.escape(_path(folder, step))
    for part in glob.glob(f"{path}.index") + glob.glob(f"{path}[._]*"):
        shutil.rmtree(part) if os.path.isdir(part) else os.path.exists(part) and os.remove(part)
