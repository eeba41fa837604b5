"""Records to batches: a tf.data chain whose random choices are functions of (seed, step).

    python read_input.py --records records --output batch.png --preset compact --set aging=0.5

A reader started at any step gives what an uninterrupted one would give from there. As a script it
shows a batch as training sees it: each crop's luminance, and beside it the crop in colour.
"""

import argparse
from collections.abc import Sequence

from colornet import shell
from colornet.config import Presets, load_config


def show(options: argparse.Namespace, presets: Presets) -> int:
    """The script's work, from parsed arguments; returns the exit code."""
    config = load_config(presets, options.preset, options.set, "read_input")
    shell.import_tensorflow()
    from colornet.records import batches

    batches.show(config, options.records, options.step, options.output)
    return shell.DONE


def main(argv: Sequence[str] | None, presets: Presets) -> int:
    arguments = shell.parser(__doc__)
    arguments.add_argument("--records", required=True, metavar="DIR", help="of input_create.py")
    arguments.add_argument("--output", required=True, metavar="PNG", help="picture to make")
    arguments.add_argument(
        "--step", type=shell.number(int, 0), default=0, metavar="N", help="whose batch (0)"
    )
    shell.add_settings(arguments, "read_input", presets)
    return shell.run(lambda options: show(options, presets), arguments.parse_args(argv))
