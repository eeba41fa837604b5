"""Measure a network: color photographs from their own luminance and compare them with the truth.

    python model_evaluate.py photographs/val
    python model_evaluate.py scenes/val photos/val --model runs/mine --report report.json
    python model_evaluate.py photographs/val --resolution 224 --limit 500 --sheet sheet.png
    python model_evaluate.py photographs/val --model runs/a --model runs/b

The network is given each photograph's own L*. The resulting 8-bit RGB picture is compared with the
photograph, beside two baselines of the same L*: gray, and the mean color of the training pictures
everywhere. The measures and their sources are in colornet/evaluation/metrics.py. A photograph's
scene is named by its folders, where the network knows it; all others count for color alone.

With several networks the table has the differences from the first, with the standard errors of the
paired differences: pictures that are hard for one are hard for all.

With --aged the network is given the photograph as an old one: on a film that sees other colors,
blurred, grainy, faded, scanned; each in its own way, the same on every run. The resulting colors
are compared on the photograph's own L*, as without.

Pictures that other programs made of the same photographs are measured beside the network:

    python model_evaluate.py photographs/val --resolution 256 --save-colored measured
    python model_evaluate.py photographs/val --resolution 256 --colored other=other/outputs
"""

import argparse
import os
from collections.abc import Sequence

from colornet import files, shell
from colornet.coloring.options import add_options, colorizer_arguments
from colornet.evaluation.photograph_sets import find_colored, find_sets


def _evaluate(options: argparse.Namespace) -> int:
    sets = find_sets(options.pictures, options.limit, options.only)
    colored = find_colored(options.colored)
    from colornet.evaluation import evaluating

    return evaluating.evaluate(
        sets,
        options.model or [files.PRETRAINED],
        colorizer_arguments(options, sum(map(len, sets.values()))),
        colored=colored,
        resolution=options.resolution,
        crop=options.crop == "center",
        aged=options.aged,
        mean_color=tuple(options.mean_color or ()),
        save_folder=options.save_colored,
        chosen={"limit": options.limit, "only": options.only and os.path.basename(options.only)},
        report_path=options.report,
        sheet_path=options.sheet,
    )


def parser() -> argparse.ArgumentParser:
    arguments = shell.parser(__doc__)
    add = arguments.add_argument
    add("pictures", nargs="+", metavar="PICTURE_OR_FOLDER", help="each folder gets its own table")
    add("--model", action="append", metavar="DIR_OR_FILE",
        help="run folder or weights file (default: the pretrained weights); given several times, "
        "the networks are compared with the first")  # fmt: skip
    add("--colored", action="append", default=[], type=_named_folder, metavar="NAME=DIR",
        help="measure the pictures in DIR too, which another program made of the photographs; "
        "they have the photographs' names, with any ending; may be repeated")  # fmt: skip
    add("--save-colored", metavar="DIR",
        help="write every measured picture as DIR/METHOD/NAME.png, also the truth")  # fmt: skip
    add("--report", metavar="FILE", help="write all figures as JSON")
    add("--sheet", metavar="FILE",
        help="write gray | colored | truth of the worst, median and best by ab error")  # fmt: skip
    add("--resolution", type=shell.number(int, 8), metavar="N",
        help="squeeze photographs to N x N first (default: full size)")  # fmt: skip
    add("--crop", choices=("center",),
        help="measure the largest square in the middle of each photograph")  # fmt: skip
    add("--aged", action="store_true", help="show the network each photograph as an old one")
    add("--limit", type=shell.number(int, 1), metavar="N",
        help="measure N of each set, in a random order that is always the same")  # fmt: skip
    add("--only", metavar="FILE",
        help="measure the photographs whose names this file lists, one a line")  # fmt: skip
    add("--mean-color", type=shell.number(float, -150, 150), nargs=2, metavar=("A", "B"),
        help="mean a* and b* of the training pictures (default: the model's)")  # fmt: skip
    add_options(arguments)
    return arguments


def _named_folder(text: str) -> tuple[str, str]:
    name, _, folder = text.partition("=")
    if name and folder:
        return name, folder
    raise argparse.ArgumentTypeError(f"expected a name and a folder as NAME=DIR, got {text!r}")


def main(argv: Sequence[str] | None = None) -> int:
    return shell.run(_evaluate, parser().parse_args(argv))
