"""Records to weights: trains the network by the joint loss (section 4 of the paper).

    python model_train.py --records records --run-dir runs/mine --preset compact
    python model_train.py --records records --run-dir runs/wide --set width=0.75 --set steps=50000

Started again on the same run folder it goes on from the last checkpoint, and ends with the same
numbers as a run that was never interrupted. The run folder holds config.json, metrics.jsonl,
best.weights.h5, checkpoints/, panels/, curves.png and TensorBoard events.
"""

import contextlib
import dataclasses
import math
import os
import sys
import time

from build_model import build_model
from colornet import shell
from colornet.errors import UserError
from colornet.training.stopping import Stopped, StopSignals
from config import changed, load_config, read_config


def train(config, records, run_dir):
    """Train until `config.steps`, from the last checkpoint if there is one.

    Args:
        config: a `config.Config`.
        records: folder made by input_create.py.
        run_dir: run folder; made if missing.

    Returns:
        The last validation figures, or None for a run that was already finished.

    Raises:
        UserError: settings, records, memory, disk, another host or the loss stand in the way.
        Stopped: a signal asked to stop; a checkpoint was written.
    """
    tf = shell.import_tensorflow()

    from colornet.records.dataset import read_dataset
    from colornet.training import devices, run_folder

    dataset = read_dataset(records)
    config = run_folder.settle(run_folder.complete(config, dataset), run_dir)
    with run_folder.writing(run_dir, "the run folder"):
        os.makedirs(run_dir, exist_ok=True)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    with devices.plain_errors(config):
        strategy, device = devices.make_strategy(config.devices)
        parts = strategy.num_replicas_in_sync * config.gradient_accumulation
        if config.batch_size % parts:
            raise UserError(
                f"setting batch_size: expected a multiple of {strategy.num_replicas_in_sync} "
                f"replicas x gradient_accumulation={config.gradient_accumulation}, "
                f"got {config.batch_size}"
            )
        hosts = devices.Hosts(strategy)
        precision = config.precision
        if precision == "auto":
            policy, precision = devices.choose_precision(build_model, config, hosts)
            config = dataclasses.replace(config, precision=policy)
        run = _Run(config, records, dataset, run_dir, strategy, hosts)
        return run.go(device, precision)


class _Run:
    """One process's part of a training run."""

    def __init__(self, config, records, dataset, run_dir, strategy, hosts):
        from colornet.training import checkpoints
        from colornet.training import step as training_step

        self.config, self.records, self.dataset = config, records, dataset
        self.run_dir, self.strategy, self.hosts = run_dir, strategy, hosts
        with strategy.scope():
            self.training = training_step.Training(build_model, config, config.precision, strategy)
        # Every host takes part in saving; only the chief's files count.
        folder = "checkpoints" if hosts.chief else f"checkpoints/host-{hosts.number}"
        self.checkpoints = checkpoints.Checkpoints(
            os.path.join(run_dir, folder),
            {
                name: getattr(self.training, name)
                for name in ("model", "optimizer", "totals", "best")
            },
        )

    def go(self, device, precision):
        from colornet.network import weights_files
        from colornet.training import run_folder

        # 1. A run with a checkpoint goes on from it; 2. any other starts with initial_weights, or
        # 3. with fresh ones.
        step = self.checkpoints.restore(self.run_dir)
        if not step and self.config.initial_weights:
            weights_files.start_from(self.training.model, self.config)
        if self.hosts.sum(step) != step * self.hosts.count:
            raise UserError(
                f"{self.run_dir}: expected one folder that all hosts share, but this host finds "
                f"step {step} in it and another host another step"
            )
        count = sum(math.prod(v.shape) for v in self.training.model.trainable_variables)
        print(
            run_folder.start_block(
                self.config, self.dataset, self.run_dir, device, precision, count, step
            ),
            flush=True,
        )
        if step >= self.config.steps:
            print(f"finished: all {step} steps are done; raise steps to go on")
            return None
        with contextlib.ExitStack() as stack:
            if self.hosts.chief:
                with run_folder.writing(self.run_dir, run_folder.METRICS):
                    self.log = run_folder.Log(self.run_dir, step)
                stack.callback(self.log.close)
            return self._loop(step, stack.enter_context(StopSignals()))

    def _batches(self, step):
        import read_input

        replicas = self.strategy.num_replicas_in_sync

        def make(context):
            return read_input.training_batches(
                self.config,
                self.records,
                self.dataset,
                step,
                context.input_pipeline_id,
                context.num_input_pipelines,
                replicas // context.num_input_pipelines,
            )

        if replicas == 1:
            return iter(read_input.training_batches(self.config, self.records, self.dataset, step))
        return iter(self.strategy.distribute_datasets_from_function(make))

    def _loop(self, step, signals):
        from colornet.training import run_folder

        config, figures, first_step = self.config, None, step
        batches = self._batches(step)
        started, first = time.perf_counter(), step
        with shell.progress(config.steps, "steps", initial=step) as bar:
            while step < config.steps:
                self._step(batches, step)
                step += 1
                bar.update()
                if step == first_step + 1 and self.hosts.chief:
                    # Not before: settings that cannot run, such as too large a batch, may change.
                    run_folder.save_settings(config, self.run_dir)
                if step % config.log_every == 0:
                    rate = (step - first) * config.batch_size / (time.perf_counter() - started)
                    self._log_training(step, rate, bar)
                    started, first = time.perf_counter(), step
                if step % config.validate_every == 0 or step == config.steps:
                    paused = time.perf_counter()
                    figures = self._validate(step)
                    started += time.perf_counter() - paused
                # All hosts stop after the same step: saving needs them all.
                number = int(self.hosts.sum(signals.number or 0))
                if step % config.checkpoint_every == 0 or step == config.steps or number:
                    self._save(step)
                if number:
                    raise Stopped(signals.number or number)
        return figures

    def _step(self, batches, step):
        from tensorflow import errors

        import read_input
        from colornet.training import step as training_step

        try:
            batch = next(batches)
            self.training.step(*batch)
        except read_input.DAMAGE:
            raise read_input.damage_report(
                self.records, self.dataset, "train", step * self.config.batch_size
            ) from None
        except errors.InvalidArgumentError as error:
            if training_step.NOT_FINITE not in str(error):
                raise
            luminance = self.strategy.experimental_local_results(batch[0])[0]
            name = training_step.first_not_finite(self.training.model, luminance)
            raise UserError(
                f"{training_step.NOT_FINITE} at step {step + 1}, learning rate "
                f"{self.training.learning_rate():g}; first tensor that is not finite: {name}; "
                "the last checkpoint is kept; lower learning_rate, or use precision=float32"
            ) from None

    def _log_training(self, step, rate, bar):
        from colornet.training import run_folder

        figures = self.training.take_totals()
        if not self.hosts.chief:
            return
        rate_of_learning = self.training.learning_rate()
        with run_folder.writing(self.run_dir, run_folder.METRICS):
            self.log.row(
                step,
                {**figures, "learning_rate": rate_of_learning, "images_per_second": round(rate, 2)},
            )
        bar.set_postfix_str(f"loss {figures['loss']:.5f}, {rate:.1f} pictures/s")
        if bar.disable:
            left = (self.config.steps - step) * self.config.batch_size / rate
            print(
                f"step {step}/{self.config.steps} loss {figures['loss']:.5f} "
                f"mse {figures['mse']:.5f} cross_entropy {figures['cross_entropy'] or 0:.3f} "
                f"learning_rate {rate_of_learning:.2e} pictures/s {rate:.1f} "
                f"left {left / 60:.0f} min",
                flush=True,
            )

    def _validate(self, step):
        """Validation figures; on the chief, which also keeps the best weights and draws a panel."""
        if not self.hosts.chief or not self.dataset["val"]["pictures"]:
            return None
        import read_input
        from colornet.network import weights_files
        from colornet.training import run_folder, validation

        figures, panel = validation.validate(
            self.training.predict,
            read_input.validation_batches(
                self.config, self.records, self.dataset, self.config.validation_batch
            ),
            self.config,
        )
        print(
            f"step {step} " + " ".join(f"{k} {v:.4f}" for k, v in figures.items() if v is not None),
            flush=True,
        )
        with run_folder.writing(self.run_dir, "validation figures, panel and best weights"):
            self.log.row(step, figures)
            if panel:
                self.log.panel(step, *panel)
            if figures["val_rmse_ab"] < self.training.best_so_far():
                self.training.best.assign(figures["val_rmse_ab"])
                path = os.path.join(self.run_dir, weights_files.WEIGHTS)
                weights_files.save_weights(self.training.model, path)
                run_folder.to_disk(path)
            run_folder.draw_curves(self.run_dir)
        return figures

    def _save(self, step):
        if self.hosts.chief:
            self.log.to_disk()
        self.checkpoints.save(step)
        if not self.hosts.chief:
            self.checkpoints.discard()


def start(options):
    """The script's work, from parsed arguments; returns the exit code."""
    saved = os.path.join(options.run_dir, "config.json")
    if options.preset is None and os.path.exists(saved):
        config = changed(read_config(saved), options.set, "model_train")
    else:
        config = load_config(options.preset, options.set, "model_train")
    try:
        train(config, options.records, options.run_dir)
    except Stopped as stopped:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 128 + stopped.args[0]
    return shell.DONE


def main(argv=None):
    arguments = shell.parser(__doc__)
    arguments.add_argument("--records", required=True, metavar="DIR", help="of input_create.py")
    arguments.add_argument(
        "--run-dir", required=True, metavar="DIR", help="run folder to make or to go on with"
    )
    shell.add_settings(arguments, "model_train")
    return shell.run(start, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
