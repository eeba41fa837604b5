"""Records to batches: a tf.data chain whose random choices are functions of (seed, step).

    python read_input.py --records records --output batch.png --preset compact --set aging=0.5

A reader started at any step gives what an uninterrupted one would give from there. As a script it
shows a batch as training sees it: each crop's luminance, and beside it the crop in colour.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from colornet import shell
from config import Config, load_config

if TYPE_CHECKING:
    import tensorflow as tf

    from colornet.records.batches import Batches


def training_batches(
    config: Config,
    folder: str,
    dataset: dict[str, Any],
    start_step: int = 0,
    pipeline: int = 0,
    pipelines: int = 1,
    parts: int = 1,
) -> "tf.data.Dataset":
    """Endless shuffled batches of random crops, half of them flipped (section 3.4).

    With a `zoom` above 1 the crops are rectangles of random sides, and are scaled to crop_size.
    A share `aging` of them has the luminance of old photographs. Errors of reading come from
    TensorFlow; `iterate` makes them plain.

    Args:
        config: a `config.Config`; those of `config.BATCH_SETTINGS` count.
        folder: the records folder; `dataset` is its `dataset.read_dataset`.
        start_step: the step whose batch comes first.
        pipeline, pipelines: this host takes the pipeline-th of `pipelines` parts of each batch,
            and reads the records of that part alone.
        parts: into how many batches, one a replica, this host's part is cut.

    Returns:
        A tf.data.Dataset of (luminance (batch, crop, crop, 1) float32 in [0, 1], chrominance
        (batch, crop/2, crop/2, 2) float32 in [0, 1], label (batch,) int64).

    Raises:
        UserError: the pictures are smaller than the crop, or too few.
    """
    return _chains().training_batches(
        config, folder, dataset, start_step, pipeline, pipelines, parts
    )


def validation_batches(
    config: Config, folder: str, dataset: dict[str, Any], batch_size: int
) -> "Batches":
    """The validation pictures once, in order, as centre crops, to be used as of `iterate`.

    At most `config.validation_pictures` of them (0: all). The last batch may be smaller.

    Raises:
        UserError: a shard is damaged.
    """
    return _chains().validation_batches(config, folder, dataset, batch_size)


def iterate(batches: Iterable[Any]) -> "Batches":
    """Iterator over the batches of `training_batches`, and a context at whose end reading ends.

    Leave none to the garbage collector, as a loop left by an error would:

        with read_input.iterate(read_input.training_batches(...)) as batches:
            for luminance, chrominance, label in batches:

    Raises:
        UserError: a shard is damaged.
    """
    return _chains().Batches(batches)


def _chains() -> ModuleType:
    # Late: whatever imports TensorFlow takes seconds, and --help answers at once.
    from colornet.records import batches

    return batches


def show(options: argparse.Namespace) -> int:
    """The script's work, from parsed arguments; returns the exit code."""
    config = load_config(options.preset, options.set, "read_input")
    shell.import_tensorflow()
    _chains().show(config, options.records, options.step, options.output)
    return shell.DONE


def main(argv: Sequence[str] | None = None) -> int:
    arguments = shell.parser(__doc__)
    arguments.add_argument("--records", required=True, metavar="DIR", help="of input_create.py")
    arguments.add_argument("--output", required=True, metavar="PNG", help="picture to make")
    arguments.add_argument(
        "--step", type=shell.number(int, 0), default=0, metavar="N", help="whose batch (0)"
    )
    shell.add_settings(arguments, "read_input")
    return shell.run(show, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
