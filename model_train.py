"""Records to weights: trains the network by the joint loss (section 4 of the paper).

    python model_train.py --records records --run-dir runs/mine --preset compact
    python model_train.py --records records --run-dir runs/wide --set width=0.75 --set steps=50000

Started again on the same run folder it goes on from the last checkpoint, and ends with the same
numbers as a run that was never interrupted. The run folder holds config.json, metrics.jsonl,
best.weights.h5, checkpoints/, panels/, curves.png and TensorBoard events.
"""

import dataclasses
import hashlib
import os
import signal
import sys
import time

import command_line
from command_line import UserError
from config import Config, changed, differences, load_config, read_config

CHECKPOINTS_KEPT = 2
VALIDATION_BATCH = 32


def train(config, records, run_dir):
    """Train until `config.steps`, from the last checkpoint if there is one.

    Args:
        config: a `config.Config`.
        records: folder made by input_create.py.
        run_dir: run folder; made if missing.

    Returns:
        The last validation figures, or None for a run that was already finished.

    Raises:
        UserError: settings, records, disk or loss stand in the way.
        Stopped: a signal asked to stop; a checkpoint was written.
    """
    import record_files

    dataset = record_files.read_dataset(records)
    config = _complete(config, dataset)
    os.makedirs(run_dir, exist_ok=True)
    import tensorflow as tf

    import devices
    import run_folder

    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    strategy, device = devices.make_strategy(config.devices)
    if config.batch_size % (strategy.num_replicas_in_sync * config.gradient_accumulation):
        raise UserError(
            f"setting batch_size: expected a multiple of {strategy.num_replicas_in_sync} replicas "
            f"x gradient_accumulation={config.gradient_accumulation}, got {config.batch_size}"
        )
    chosen = config.precision
    config = run_folder.settle_precision(config, run_dir)
    if config.precision == "auto":
        precision, chosen = devices.choose_precision(lambda p: _seconds_a_step(config, p))
        config = dataclasses.replace(config, precision=precision)
    config = run_folder.settle_config(config, run_dir)
    return _Run(config, records, dataset, run_dir, strategy).go(device, chosen)


def _complete(config, dataset):
    """The settings with what the records decide: classes and fingerprint."""
    names = tuple(dataset["class_names"])
    fingerprint = hashlib.sha256(repr(sorted(map(str, dataset["train"]["shards"]))).encode())
    return dataclasses.replace(
        config, class_names=names, num_classes=max(1, len(names)),
        use_classification=config.use_classification and bool(names),
        picture_size=dataset["settings"]["picture_size"], records=fingerprint.hexdigest()[:16],
    )


def _seconds_a_step(config, precision):
    """Measured seconds of a training step on random pictures, at most 8 of them."""
    import tensorflow as tf

    import devices
    import training_step

    small = dataclasses.replace(
        config, batch_size=min(config.batch_size, 8), gradient_accumulation=1
    )
    training = training_step.Training(small, precision, tf.distribute.get_strategy())
    size, batch = small.crop_size, small.batch_size
    luminance = tf.random.stateless_uniform((batch, size, size, 1), (0, 0))
    chrominance = tf.random.stateless_uniform((batch, size // 2, size // 2, 2), (0, 1))
    label = tf.zeros(batch, tf.int64)
    return devices.seconds_of(
        lambda: (training.step(luminance, chrominance, label), training.take_totals())
    )


class Stopped(Exception):
    """A signal asked to stop; its number is the argument."""


class _Run:
    """One process's part of a training run."""

    def __init__(self, config, records, dataset, run_dir, strategy):
        import tensorflow as tf

        import training_step

        self.tf, self.step_module = tf, training_step
        self.config, self.records, self.dataset = config, records, dataset
        self.run_dir, self.strategy = run_dir, strategy
        self.signal = None
        resolver = strategy.cluster_resolver
        self.chief = not resolver or resolver.task_type in (None, "chief") or not resolver.task_id
        with strategy.scope():
            self.training = training_step.Training(config, config.precision, strategy)
        # Every host takes part in saving; only the chief's files count.
        folder = "checkpoints" if self.chief else f"checkpoints/worker-{resolver.task_id}"
        self.checkpoints = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                model=self.training.model, optimizer=self.training.optimizer,
                totals=self.training.totals, best=self.training.best,
            ),
            os.path.join(run_dir, folder), CHECKPOINTS_KEPT, checkpoint_name="step",
        )

    def go(self, device, precision):
        # 1. A run with a checkpoint goes on from it; 2. any other starts with fresh weights.
        self._restore()
        step = self.training.steps_done()
        self._describe(device, precision, step)
        if step >= self.config.steps:
            print(f"finished: all {step} steps are done; raise steps to go on")
            return None
        import run_folder

        self.log = run_folder.Log(self.run_dir, step) if self.chief else None
        previous = {s: signal.signal(s, self._on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            return self._loop(step)
        except self.tf.errors.DataLossError:
            import read_input

            count = self.training.steps_done() * self.config.batch_size
            raise read_input.damage_report(self.records, self.dataset, "train", count) from None
        except self.tf.errors.ResourceExhaustedError as error:
            raise UserError(
                f"out of device memory with batch_size={self.config.batch_size}; lower it, or set "
                "gradient_accumulation=2 (or more) or precision=mixed_bfloat16"
            ) from error
        except self.tf.errors.UnavailableError as error:
            raise UserError(
                "another host of the run is gone; start all hosts again, they resume from the "
                f"last checkpoint ({str(error).splitlines()[0][:100]})"
            ) from error
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            if self.log:
                self.log.close()

    def _on_signal(self, number, frame):
        if self.signal is not None:
            os._exit(128 + number)  # asked twice
        self.signal = number
        print("stopping after this step; once more to stop at once", file=sys.stderr, flush=True)

    def _restore(self):
        for path in reversed(self.checkpoints.checkpoints or self._chiefs_checkpoints()):
            try:
                self.checkpoints.checkpoint.restore(path).assert_consumed()
                return
            except (self.tf.errors.OpError, AssertionError) as error:
                print(f"{path}: cannot be read ({str(error).splitlines()[0][:80]}), "
                      "trying the one before", file=sys.stderr)

    def _chiefs_checkpoints(self):
        state = self.tf.train.get_checkpoint_state(os.path.join(self.run_dir, "checkpoints"))
        return list(state.all_model_checkpoint_paths) if state else []

    def _describe(self, device, precision, step):
        import numpy as np

        config, data = self.config, self.dataset
        changed_settings = {
            name: new for name, (new, _) in differences(config, Config()).items()
            if name not in ("class_names", "records")
        }
        count = sum(int(np.prod(v.shape)) for v in self.training.model.trainable_variables)
        passes = config.steps * config.batch_size / max(1, data["train"]["pictures"])
        print(
            f"settings    {', '.join(f'{k}={v}' for k, v in changed_settings.items()) or 'paper'}\n"
            f"device      {device}\nprecision   {precision}\n"
            f"pictures    {data['train']['pictures']} to train, {data['val']['pictures']} to "
            f"validate, {len(config.class_names)} classes\n"
            f"parameters  {count:,}\n"
            f"steps       {step} done of {config.steps} of {config.batch_size} pictures, "
            f"{passes:.1f} passes", flush=True,
        )

    def _batches(self, step):
        import read_input

        replicas = self.strategy.num_replicas_in_sync

        def make(context):
            return read_input.training_batches(
                self.config, self.records, self.dataset, step, context.input_pipeline_id,
                context.num_input_pipelines, replicas // context.num_input_pipelines,
            )

        if replicas == 1:
            return iter(read_input.training_batches(self.config, self.records, self.dataset, step))
        return iter(self.strategy.distribute_datasets_from_function(make))

    def _loop(self, step):
        config, figures = self.config, None
        batches = self._batches(step)
        started, first = time.perf_counter(), step
        with command_line.progress(config.steps, "steps", initial=step) as bar:
            while step < config.steps:
                batch = next(batches)
                self._step(batch, step)
                step += 1
                bar.update()
                if step % config.log_every == 0:
                    rate = (step - first) * config.batch_size / (time.perf_counter() - started)
                    self._log_training(step, rate, bar)
                    started, first = time.perf_counter(), step
                if step % config.validate_every == 0 or step == config.steps:
                    paused = time.perf_counter()
                    figures = self._validate(step)
                    started += time.perf_counter() - paused
                if (step % config.checkpoint_every == 0 or step == config.steps
                        or self.signal is not None):
                    self._save(step)
                if self.signal is not None:
                    raise Stopped(self.signal)
        return figures

    def _step(self, batch, step):
        try:
            self.training.step(*batch)
        except self.tf.errors.InvalidArgumentError as error:
            if self.step_module.NOT_FINITE not in str(error):
                raise
            luminance = self.strategy.experimental_local_results(batch[0])[0]
            name = self.step_module.first_not_finite(self.training.model, luminance)
            raise UserError(
                f"the loss is not finite at step {step + 1}, learning rate "
                f"{self.training.learning_rate():g}; first tensor that is not finite: {name}; "
                "the last checkpoint is kept; lower learning_rate, or use precision=float32"
            ) from None

    def _log_training(self, step, rate, bar):
        figures = self.training.take_totals()
        if not self.chief:
            return
        row = {**figures, "learning_rate": self.training.learning_rate(),
               "images_per_second": round(rate, 2)}
        self.log.row(step, row)
        left = (self.config.steps - step) * self.config.batch_size / rate
        bar.set_postfix_str(f"loss {figures['loss']:.5f}, {rate:.1f} pictures/s")
        if bar.disable:
            print(f"step {step}/{self.config.steps} loss {figures['loss']:.5f} "
                  f"mse {figures['mse']:.5f} cross_entropy {figures['cross_entropy'] or 0:.3f} "
                  f"learning_rate {row['learning_rate']:.2e} pictures/s {rate:.1f} "
                  f"left {left / 60:.0f} min", flush=True)

    def _validate(self, step):
        """Validation figures; on the chief, which also keeps the best weights and draws a panel."""
        if not self.chief or not self.dataset["val"]["pictures"]:
            return None
        import model_files
        import validation

        figures, panel = validation.validate(
            self.training.predict, self.config, self.records, self.dataset, VALIDATION_BATCH
        )
        self.log.row(step, figures)
        print(f"step {step} " + " ".join(f"{k} {v:.4f}" for k, v in figures.items() if v is not None),
              flush=True)
        if panel:
            self.log.panel(step, *panel)
        if figures["val_rmse_ab"] < float(self.training.best):
            self.training.best.assign(figures["val_rmse_ab"])
            model_files.save_weights(
                self.training.model, os.path.join(self.run_dir, model_files.WEIGHTS)
            )
        import run_folder

        run_folder.draw_curves(self.run_dir)
        return figures

    def _save(self, step):
        try:
            self.checkpoints.save(step)
        except (self.tf.errors.OpError, OSError) as error:
            raise UserError(
                f"{self.run_dir}: cannot write the checkpoint of step {step}: "
                f"{str(error).splitlines()[0][:150]}; the one before is intact; free space and "
                "start again"
            ) from None


def start(options):
    """The script's work, from parsed arguments; returns the exit code."""
    saved = os.path.join(options.run_dir, "config.json")
    if options.preset is None and os.path.exists(saved):
        config = changed(read_config(saved), options.set)
    else:
        config = load_config(options.preset, options.set)
    try:
        train(config, options.records, options.run_dir)
    except Stopped as stopped:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 128 + stopped.args[0]
    return command_line.DONE


def main(argv=None):
    arguments = command_line.parser(__doc__)
    arguments.add_argument("--records", required=True, metavar="DIR", help="of input_create.py")
    arguments.add_argument("--run-dir", required=True, metavar="DIR",
                           help="run folder to make or to go on with")
    command_line.add_settings(arguments)
    return command_line.run(start, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
