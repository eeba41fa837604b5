"""Train a network: the loop behind model_train.py, and what a program of one's own calls.

from colornet.training.train import train
train(config, "records", "runs/mine")
"""

import dataclasses
import os
import time

from colornet import shell
from colornet.config import ONEDNN, Config
from colornet.training.stopping import SIGNALS, Stopped, StopSignals


def train(config: Config, records: str, run_dir: str) -> None:
    """Train until `config.steps`, from the last checkpoint if there is one.

    May be called any number of times in a process, and from any thread; signals stop only a run of
    the main thread. TensorFlow cannot change its devices once it has started. Set
    TF_ENABLE_ONEDNN_OPTS=1 before it is imported, as model_train.py does: some CPUs train faster.

    Args:
        config: the settings.
        records: folder made by input_create.py.
        run_dir: run folder; made if missing.

    Raises:
        UserError: settings or records are wrong, or another process trains in the run folder.
        RunError: the loss is NaN or infinite, memory or disk are full, or another host is gone.
        Stopped: a signal asked to stop; a checkpoint was written.
    """
    config = dataclasses.replace(config, onednn=os.environ.get(ONEDNN, ""))
    shell.import_tensorflow()

    from colornet.records import batches as reading
    from colornet.records.dataset import read_dataset
    from colornet.training.run import open_run

    dataset, started = read_dataset(records), time.monotonic()
    with open_run(config, dataset, run_dir) as run:
        config = run.config
        if run.finished:
            return
        spread = run.spread(
            lambda *part: reading.training_batches(config, records, dataset, run.done, *part)
        )
        with StopSignals() as signals, run.progress() as bar, reading.Batches(spread) as batches:
            for step, batch in zip(range(run.done + 1, config.steps + 1), batches):
                run.step(step, batch)
                bar.update()
                last = step == config.steps
                if step % config.log_every == 0:
                    bar.write(run.log(step))
                if (step % config.validate_every == 0 or last) and run.validates:
                    with run.validation_batches(records) as pictures:
                        bar.write(run.validate(step, pictures))
                # All hosts stop after the same step: saving needs them all.
                stop = next((n for n in SIGNALS if run.hosts.sum(signals.number == n)), 0)
                if step % config.checkpoint_every == 0 or last or stop:
                    run.save(step)
                if last:
                    run.write_result(time.monotonic() - started)
                if stop:
                    raise Stopped(stop)
