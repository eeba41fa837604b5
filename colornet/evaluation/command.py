"""Colour pictures in; makes them grey, colours them, compares: figures, a report and a sheet.

    python model_evaluate.py photographs/val
    python model_evaluate.py scenes/val photos/val --model runs/mine --report report.json
    python model_evaluate.py photographs/val --resolution 224 --limit 500 --sheet sheet.png
    python model_evaluate.py photographs/val --model runs/a --model runs/b

The network is given each photograph's own L*. The 8-bit RGB picture that comes of it is compared
with the photograph, beside two baselines of the same L*: grey, and everywhere the mean colour of
the training pictures. Measures and their sources are in metrics.py. A photograph's scene is
named by its folders, where the network knows that; all others count for colour alone.

Of several networks the table has the differences from the first, with the standard errors of the
differences themselves: pictures that are hard for one are hard for all.

With --aged the network is given the photograph as an old one: on a film that sees other colours,
blurred, grainy, faded, scanned; each in its own way, the same on every run. The colours that come
of it are compared on the photograph's own L*, as without.
"""

import argparse
import os
import random
from collections.abc import Callable, Collection, Sequence

from colornet import files, shell
from colornet.coloring.options import add_options
from colornet.errors import UserError
from colornet.files import printable
from colornet.pictures import finding

LIMIT_SEED = 0


def find_sets(inputs: Sequence[str], limit: int | None) -> dict[str, list[str]]:
    """{name: paths}: each folder is a set; pictures given by themselves are one together.

    Args:
        inputs: files and folders.
        limit: at most so many of each set, the first in a seeded random order; None: all.

    Raises:
        UserError: an input does not exist, or a folder has no pictures.
    """
    sets: dict[str, list[str]] = {}
    for path in inputs:
        if not os.path.lexists(path):
            raise UserError(f"{printable(path)}: no such file or folder")
        if os.path.isdir(path):
            found: list[str] = []
            others: list[str] = []
            for file in finding.find_files(path, others):
                (found if finding.is_picture_name(file) else others).append(file)
            if not found:
                raise UserError(
                    f"{printable(path)}: expected pictures (.jpg, .png, "
                    "…) in this folder, found none"
                )
            sets[_set_name(path, sets)] = found
            finding.say_left_out(path, others)
        else:
            sets.setdefault("pictures", []).append(path)
    if limit:  # a seed for each set, so that the others do not matter
        sets = {
            name: random.Random(LIMIT_SEED).sample(paths, min(limit, len(paths)))
            for name, paths in sets.items()
        }
    return sets


def _set_name(path: str, taken: Collection[str]) -> str:
    """The folder's last two names, such as scenes/val; the whole path if that is taken."""
    short = "/".join(os.path.abspath(path).split(os.sep)[-2:])
    return printable(path if short in taken else short)


def evaluate(options: argparse.Namespace) -> int:
    """The script's work, from parsed arguments; returns the exit code."""
    sets = find_sets(options.pictures, options.limit)
    with shell.native_remarks_hidden():
        # TensorFlow takes seconds to import.
        from colornet.evaluation import evaluating

        return evaluating.evaluate(options, sets)


def parser() -> argparse.ArgumentParser:
    arguments = shell.parser(__doc__)
    add = arguments.add_argument
    add("pictures", nargs="+", metavar="PICTURE_OR_FOLDER", help="each folder gets its own table")
    add(
        "--model",
        action="append",
        metavar="DIR_OR_FILE",
        help="run folder or weights file (default: the weights that ship); given several times, "
        "the networks are compared with the first",
    )
    add("--report", metavar="FILE", help="write all figures as JSON")
    add(
        "--sheet",
        metavar="FILE",
        help="write grey | coloured | truth of the worst, median and best by ab error",
    )
    add(
        "--resolution",
        type=shell.number(int, 8),
        metavar="N",
        help="squeeze photographs to N x N first; 224 is the common protocol (default: full size)",
    )
    add("--aged", action="store_true", help="show the network each photograph as an old one")
    add_options(arguments)
    _add_set_options(arguments.add_argument)
    return arguments


def _add_set_options(add: Callable[..., object]) -> None:
    add(
        "--limit",
        type=shell.number(int, 1),
        metavar="N",
        help="measure N of each set, in a random order that is always the same",
    )
    add(
        "--mean-color",
        type=shell.number(float, -150, 150),
        nargs=2,
        metavar=("A", "B"),
        help="mean a* and b* of the training pictures (default: the model's)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    options.model = options.model or [files.PRETRAINED]
    return shell.run(evaluate, options)
