"""Records to weights: trains the network by the joint loss (section 3.3 of the paper).

    python model_train.py --records records --run-dir runs/mine --preset compact
    python model_train.py --records records --run-dir runs/wide --set width=0.75 --set steps=50000

Started again on the same run folder it goes on from the last checkpoint, and ends with the same
numbers as a run that was never interrupted. The run folder holds config.json, metrics.jsonl,
best.weights.h5 and last.weights.h5, checkpoints/, panels/, curves.png and TensorBoard's events/.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from colornet import shell
from colornet.config import Config, Presets, changed, load_config, read_config
from colornet.network.vocabulary import settings_path
from colornet.training.stopping import Stopped, StopSignals


def train(config: Config, records: str, run_dir: str) -> None:
    """Train until `config.steps`, from the last checkpoint if there is one.

    Args:
        config: a `Config`.
        records: folder made by input_create.py.
        run_dir: run folder; made if missing.

    Raises:
        UserError: settings, records, memory, disk, another host or the loss stand in the way.
        Stopped: a signal asked to stop; a checkpoint was written.
    """
    shell.import_tensorflow()

    from colornet.progress import progress
    from colornet.records import batches as reading
    from colornet.records.dataset import read_dataset
    from colornet.training.run import open_run

    dataset = read_dataset(records)
    with open_run(config, dataset, run_dir) as run:
        config = run.config
        if run.finished:
            return
        spread = run.spread(
            lambda *part: reading.training_batches(config, records, dataset, run.done, *part)
        )
        with (
            StopSignals() as signals,
            progress(config.steps, "steps", run.done) as bar,
            reading.Batches(spread) as batches,
        ):
            for step, batch in zip(range(run.done + 1, config.steps + 1), batches):
                run.step(step, batch)
                bar.update()
                last = step == config.steps
                if step % config.log_every == 0:
                    bar.write(run.log(step))
                if (step % config.validate_every == 0 or last) and run.validates:
                    with reading.validation_batches(
                        config, records, dataset, config.validation_batch
                    ) as pictures:
                        bar.write(run.validate(step, pictures))
                # All hosts stop after the same step: saving needs them all.
                stop = int(run.hosts.sum(signals.number or 0))
                if step % config.checkpoint_every == 0 or last or stop:
                    run.save(step)
                if stop:
                    raise Stopped(signals.number or stop)


def start(options: argparse.Namespace, presets: Presets) -> int:
    """The script's work, from parsed arguments; returns the exit code."""
    saved = settings_path(options.run_dir)
    if options.preset is None and os.path.exists(saved):
        config = changed(read_config(saved), options.set, "model_train")
    else:
        config = load_config(presets, options.preset, options.set, "model_train")
    try:
        train(config, options.records, options.run_dir)
    except Stopped as stopped:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 128 + stopped.args[0]
    return shell.DONE


def main(argv: Sequence[str] | None, presets: Presets) -> int:
    arguments = shell.parser(__doc__)
    arguments.add_argument("--records", required=True, metavar="DIR", help="of input_create.py")
    arguments.add_argument(
        "--run-dir", required=True, metavar="DIR", help="run folder to make or to go on with"
    )
    shell.add_settings(arguments, "model_train", presets)
    return shell.run(lambda options: start(options, presets), arguments.parse_args(argv))
