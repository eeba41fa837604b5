"""Train the network on records by the joint loss (section 3.3 of the paper).

    python model_train.py --records records --run-dir runs/mine --preset compact
    python model_train.py --records records --run-dir runs/wide --set width=0.75 --set steps=50000

Interrupt it at any time; the same command resumes from the last checkpoint, with bit-identical
results. The run folder contains config.json, metrics.jsonl, best.weights.h5, last.weights.h5,
checkpoints/, panels/, curves.png, TensorBoard's events/, and at the end result.json.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from colornet import shell
from colornet.config import ONEDNN, Presets, changed, load_config, read_config
from colornet.network.vocabulary import settings_path
from colornet.training.stopping import Stopped
from colornet.training.train import train


def _start(options: argparse.Namespace, presets: Presets) -> int:
    saved = settings_path(options.run_dir)
    began = read_config(saved) if os.path.exists(saved) else None
    if began and began.onednn:  # other operations round otherwise
        os.environ[ONEDNN] = began.onednn
    os.environ.setdefault(ONEDNN, "1")
    if options.preset is None and began:
        config = changed(began, options.set, "model_train")
    else:
        config = load_config(presets, options.preset, options.set, "model_train")
    try:
        train(config, options.records, options.run_dir)
    except Stopped as stopped:
        print("stopped; the same command resumes from here", file=sys.stderr)
        return 128 + stopped.args[0]
    return shell.DONE


def main(argv: Sequence[str] | None, presets: Presets) -> int:
    arguments = shell.parser(__doc__)
    arguments.add_argument("--records", required=True, metavar="DIR", help="of input_create.py")
    arguments.add_argument(
        "--run-dir", required=True, metavar="DIR", help="run folder to make or to resume"
    )
    shell.add_settings(arguments, "model_train", presets)
    return shell.run(lambda options: _start(options, presets), arguments.parse_args(argv))
