"""A training run: what the loop of model_train.py asks for, put together from this room's parts."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from colornet.config import Config
from colornet.errors import UserError
from colornet.pictures.stretching import stretch
from colornet.progress import Bar, progress
from colornet.records.batches import Batches, validation_batches
from colornet.training import devices, run_settings, step
from colornet.training.checkpoints import Checkpoints
from colornet.training.log import Log, write_result
from colornet.training.run_folder import RunFolder, writing
from colornet.training.validation import validate


@contextlib.contextmanager
def open_run(
    config: Config, dataset: dict[str, Any], run_dir: str | os.PathLike[str]
) -> Iterator["Run"]:
    """Context of a `Run`, begun or restored, on the devices that are there.

    Args:
        config: a `Config`.
        dataset: of the records, as of `dataset.read_dataset`.
        run_dir: run folder; made if missing.

    Raises:
        UserError: settings, memory, disk or another host stand in the way, now or in the context.
    """
    folder, cluster = RunFolder(run_dir), devices.read_cluster()
    with contextlib.ExitStack() as stack:
        if cluster.chief:
            stack.enter_context(folder.claimed())
        config = run_settings.resume_config(run_settings.apply_dataset(config, dataset), folder)
        if config.deterministic:
            tf.config.experimental.enable_op_determinism()
        memory = (
            f"lower batch_size={config.batch_size}, or raise gradient_accumulation="
            f"{config.gradient_accumulation}"
        )
        stack.enter_context(devices.plain_errors(cluster, memory))
        strategy, device = devices.make_strategy(config.devices, cluster)
        devices.check_batch(config, strategy)
        hosts = devices.Hosts(cluster, strategy)
        with strategy.scope():
            state = step.TrainState(config, strategy)
        run = Run(config, dataset, folder, state, hosts)
        stack.callback(run.close)
        block = run_settings.start_block(
            config, dataset, folder, device, state.parameters(), run.done
        )
        print(block, flush=True)
        if run.finished:
            print(run_settings.finished_line(config, folder))
        yield run


class Run:
    """One process's part of a run.

    Attributes:
        config: the settings, with what the records, the run's beginning and the devices decided.
        done: steps done before this process began.
        finished: whether no step is left.
        validates: whether this host has the validation to do.
        hosts: a `devices.Hosts`.
    """

    def __init__(
        self,
        config: Config,
        dataset: dict[str, Any],
        folder: RunFolder,
        state: step.TrainState,
        hosts: devices.Hosts,
    ) -> None:
        self.config, self.folder, self.hosts, self._state = config, folder, hosts, state
        self._dataset = dataset
        self._checkpoints = Checkpoints(folder, state, hosts.number)
        self.done = self._checkpoints.start(config)
        if hosts.sum(self.done) != self.done * hosts.count:
            raise UserError(
                f"{folder.path}: expected one folder that all hosts share, but this host finds "
                f"step {self.done} in it and another host another step"
            )
        self.finished = self.done >= config.steps
        self.validates = hosts.chief and dataset["val"]["pictures"] > 0
        self._log: Log | None = None
        if hosts.chief and not self.finished:
            with writing(folder.path, "its figures"):
                os.makedirs(folder.checkpoints, exist_ok=True)  # says that none is lost
                self._log = Log(folder, self.done, config)
        self._timed_from, self._timer = self.done, time.perf_counter()

    def spread(self, make: Callable[[int, int, int], tf.data.Dataset]) -> Iterable[Any]:
        """Batches, spread over the replicas.

        Args:
            make: function from (this host's number, hosts, replicas a host) to a tf.data.Dataset.
        """
        return self._state.spread(make)

    def progress(self) -> Bar:
        """Return a context manager with the progress over all steps."""
        return progress(self.config.steps, "steps", self.done)

    def validation_batches(self, records: str) -> Batches:
        """Return the validation records, their luminance as it is stored."""
        config = dataclasses.replace(self.config, stretching=False)
        return validation_batches(config, records, self._dataset, config.validation_batch)

    def step(self, number: int, batch: Any) -> None:
        """Train on a batch; the first step that works writes the settings."""
        self._state.step(batch)
        if number == self.done + 1 and self.hosts.chief:
            # Not before: settings that cannot run, such as too large a batch, may change.
            self.folder.save_settings(self.config)

    def log(self, number: int) -> str:
        """Log the training figures since the last call; returns a line of them."""
        config, seconds = self.config, time.perf_counter() - self._timer
        rate = (number - self._timed_from) * config.batch_size / seconds
        self._timed_from, self._timer = number, time.perf_counter()
        figures = self._state.take_totals()
        figures["learning_rate"] = self._state.learning_rate()
        if self._log:
            with writing(self.folder.path, "training figures"):
                self._log.training(number, {**figures, "images_per_second": round(rate, 2)})
        left = (config.steps - number) * config.batch_size / rate
        entropy = figures["cross_entropy"]  # None without a classifier, or without labeled pictures
        of_classes = "" if entropy is None else f"cross_entropy {entropy:.3f} "
        return (
            f"step {number}/{config.steps} loss {figures['loss']:.5f} mse {figures['mse']:.5f} "
            f"{of_classes}learning_rate {figures['learning_rate']:.2e} pictures/s {rate:.1f} "
            f"left {left / 60:.0f} min"
        )

    def validate(self, number: int, batches: Iterable[Any]) -> str:
        """Validate; log the figures and a panel, and keep the weights if they are the best so far.

        Returns:
            A line of them.

        Raises:
            RunError: a weight is NaN or infinite; nothing is written.
        """
        self._state.check_finite()
        started = time.perf_counter()
        memory = f"lower validation_batch={self.config.validation_batch}"
        with devices.plain_errors(self.hosts, memory):
            figures, panel = validate(self._predict, batches, self._state.objective, self.config)
        if figures["val_rmse_ab"] < self._state.best_so_far():
            self._state.best.assign(figures["val_rmse_ab"])
            self.folder.save_weights(self._state.model, self.folder.best_weights)
        if self._log:
            with writing(self.folder.path, "validation figures and panel"):
                self._log.validation(number, figures, panel)
        self._timer += time.perf_counter() - started
        return " ".join(
            [f"step {number}"] + [f"{k} {v:.4f}" for k, v in figures.items() if v is not None]
        )

    def _predict(self, luminance: Any) -> Any:
        if self.config.stretching:
            luminance = stretch(np.asarray(luminance))
        return self._state.predict(luminance)

    def write_result(self, seconds: float) -> None:
        """Write result.json: settings, figures, and versions of a finished run.

        Args:
            seconds: that training took, since the run began or was resumed.
        """
        if self._log:
            self._log.to_disk()
            write_result(self.folder, self.config, seconds)

    def save(self, number: int) -> None:
        """Write a checkpoint and its weights; every host must.

        Raises:
            RunError: the loss or a weight is NaN or infinite; nothing is written.
        """
        self._state.check_finite(tf.convert_to_tensor(self._state.totals))
        if self._log:
            self._log.to_disk()
        self._checkpoints.save(number)

    def close(self) -> None:
        if self._log:
            self._log.close()
