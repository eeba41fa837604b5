"""What a run folder holds: the name of each file, who may write there, and what failed to."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from colornet.config import Config, save_config
from colornet.errors import RunError, UserError
from colornet.files import check_folder
from colornet.locks import locked
from colornet.network import vocabulary, weights_files


class RunFolder:
    """Names of what a run leaves, each in one place.

    Attributes:
        path: the folder itself.
        settings: config.json; its presence says that a step was made.
        result: what a finished run came to, as JSON.
        metrics: rows of figures, one JSON object a line.
        best_weights: the network with the lowest validation error so far.
        last_weights: the network of the last checkpoint.
        checkpoints: folder of what training needs to go on.
        panels: folder of pictures of grey, predicted and true colors.
        curves: the figures as a picture.
        events: folder of TensorBoard's.
        lock: file that is there while a process trains.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.settings = vocabulary.settings_path(path)
        self.result = os.path.join(path, "result.json")
        self.metrics = os.path.join(path, "metrics.jsonl")
        self.best_weights = os.path.join(path, vocabulary.BEST_WEIGHTS)
        self.last_weights = os.path.join(path, vocabulary.LAST_WEIGHTS)
        self.checkpoints = os.path.join(path, "checkpoints")
        self.panels = os.path.join(path, "panels")
        self.curves = os.path.join(path, "curves.png")
        self.events = os.path.join(path, "events")
        self.lock = os.path.join(path, "lock")

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Context in which no other process trains here; makes the folder if it is missing.

        Raises:
            UserError: one does, or the folder cannot be made.
        """
        check_folder(self.path, "--run-dir")
        with contextlib.ExitStack() as stack:
            with writing(self.path, "the run folder"):
                os.makedirs(self.path, exist_ok=True)
                stack.enter_context(locked(self.lock, f"{self.path}: this run folder"))
            yield

    def begun(self) -> bool:
        """Whether a run made a step here."""
        return os.path.exists(self.settings)

    def save_settings(self, config: Config) -> None:
        """Write config.json; raises UserError."""
        with writing(self.path, os.path.basename(self.settings)):
            save_config(config, self.settings)
            to_disk(self.settings)

    def save_weights(self, model: Any, path: str) -> None:
        """Write the best or the last weights; raises UserError."""
        with writing(self.path, os.path.basename(path)):
            weights_files.save_weights(model, path)
            to_disk(path)

    def check_nothing_is_lost(self) -> None:
        """Raise UserError where a run without a checkpoint left what a new one would overwrite.

        A run that was killed before its first checkpoint has the folder for it, and no weights
        but those of a validation; begun anew without them it makes the same again.
        """
        weights = [path for path in (self.last_weights, self.best_weights) if os.path.exists(path)]
        left = [os.path.basename(path) for path in weights]
        if os.path.exists(self.metrics) and os.path.getsize(self.metrics):
            left.append(os.path.basename(self.metrics))
        unsaved = os.path.isdir(self.checkpoints) and not os.path.exists(self.last_weights)
        if not left or (unsaved and not weights):
            return
        ways = [f"put {os.path.basename(self.checkpoints)}/ back to go on with it"]
        another = "start another --run-dir"
        if weights:
            another += f" from its weights with --set initial_weights={self.path}"
        ways.append(another)
        if unsaved:
            ways.append(
                "if it was stopped before its first checkpoint, delete "
                f"{self.best_weights} to begin it anew"
            )
        raise UserError(
            f"{self.path}: expected the checkpoints of the run that left {', '.join(left)}, "
            f"found none; {', or '.join(ways)}"
        )


@contextlib.contextmanager
def writing(folder: str, what: str) -> Iterator[None]:
    """Context manager in which a failure to write becomes a RunError."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        # TensorFlow's texts are "{{node ...}} path; reason [Op:...]".
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        reason = reason.rpartition("; ")[2].partition(" [Op")[0]
        raise RunError(
            f"{folder}: cannot write {what}: {reason}; what was written before is intact: "
            "free space or mend the disk, and start again to go on from the last checkpoint"
        ) from error


def to_disk(*paths: str) -> None:
    """Have the files survive a power cut; raises OSError."""
    for path in {*paths, *map(os.path.dirname, paths)}:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
