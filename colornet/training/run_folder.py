"""What a run folder holds: the name of each file, and writing that says what failed."""

import contextlib
import os

import tensorflow as tf

from colornet.errors import UserError
from colornet.network import weights_files


class RunFolder:
    """Names of what a run leaves, each in one place.

    Attributes:
        path: the folder itself.
        settings: config.json; its presence says that a step was made.
        metrics: rows of figures, one JSON object a line.
        best_weights: the network with the lowest validation error so far.
        checkpoints: folder of what training needs to go on.
        panels: folder of pictures of grey, predicted and true colors.
        curves: the figures as a picture.
        events: folder of TensorBoard's.
    """

    def __init__(self, path):
        self.path = os.fspath(path)
        self.settings = os.path.join(path, weights_files.CONFIG)
        self.metrics = os.path.join(path, "metrics.jsonl")
        self.best_weights = os.path.join(path, weights_files.WEIGHTS)
        self.checkpoints = os.path.join(path, "checkpoints")
        self.panels = os.path.join(path, "panels")
        self.curves = os.path.join(path, "curves.png")
        self.events = os.path.join(path, "events")

    def make(self):
        """Make the folder if it is missing; raises UserError."""
        with writing(self.path, "the run folder"):
            os.makedirs(self.path, exist_ok=True)


@contextlib.contextmanager
def writing(folder, what):
    """Context in which a failure to write becomes a UserError."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        # TensorFlow's texts are "{{node ...}} path; reason [Op:...]".
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        reason = reason.rpartition("; ")[2].partition(" [Op")[0]
        raise UserError(
            f"{folder}: cannot write {what}: {reason}; what was written before is intact: "
            "free space or mend the disk, and start again to go on from the last checkpoint"
        ) from error


def to_disk(*paths):
    """Have the files survive a power cut; raises OSError."""
    for path in {*paths, *map(os.path.dirname, paths)}:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
