"""Colour pictures in; makes them grey, colours them, compares: figures, a report and a sheet.

    python model_evaluate.py photographs/val
    python model_evaluate.py scenes/val photos/val --model runs/mine --report report.json
    python model_evaluate.py photographs/val --resolution 224 --limit 500 --sheet sheet.png

The network is given each photograph's own L*. The 8-bit RGB picture that comes of it is compared
with the photograph, beside two baselines of the same L*: grey, and everywhere the mean colour of
the training pictures. Measures and their sources are in metrics.py. A photograph's scene is the
name of its folder, where the network knows that; all others count for colour alone.

With --aged the network is given the photograph as an old one: on a film that sees other colours,
blurred, grainy, faded, scanned; each in its own way, the same on every run. The colours that come
of it are compared on the photograph's own L*, as without.
"""

import os
import random
import sys
import time

from build_model import build_model
from colornet import shell
from colornet.errors import ImageError, UserError
from colornet.files import printable
from colornet.pictures import finding

LIMIT_SEED = 0
GUESSES = 2  # scenes in a caption of the sheet
SHEET_ENDINGS = (".png", ".jpg", ".jpeg")


def find_sets(inputs, limit):
    """{name: paths}: each folder is a set; pictures given by themselves are one together.

    Args:
        inputs: files and folders.
        limit: at most so many of each set, the first in a seeded random order; None: all.

    Raises:
        UserError: an input does not exist, or a folder has no pictures.
    """
    sets = {}
    for path in inputs:
        if not os.path.lexists(path):
            raise UserError(f"{printable(path)}: no such file or folder")
        if os.path.isdir(path):
            found = list(filter(finding.is_picture_name, finding.find_files(path)))
            if not found:
                raise UserError(
                    f"{printable(path)}: expected pictures (.jpg, .png, "
                    "…) in this folder, found none"
                )
            sets[_set_name(path, sets)] = found
        else:
            sets.setdefault("pictures", []).append(path)
    if limit:
        random_order = random.Random(LIMIT_SEED)
        sets = {
            name: random_order.sample(paths, min(limit, len(paths))) for name, paths in sets.items()
        }
    return sets


def _set_name(path, taken):
    """The folder's last two names, such as scenes/val; the whole path if that is taken."""
    short = "/".join(os.path.abspath(path).split(os.sep)[-2:])
    return printable(path if short in taken else short)


def evaluate(options):
    """The script's work, from parsed arguments; returns the exit code."""
    sets = find_sets(options.pictures, options.limit)
    for path in filter(None, (options.report, options.sheet)):
        if not os.path.isdir(os.path.dirname(path) or "."):
            raise UserError(f"{path}: no such folder to write to")
    if options.sheet and not options.sheet.lower().endswith(SHEET_ENDINGS):
        raise UserError(f"--sheet: expected a name ending in .png or .jpg, got {options.sheet}")
    shell.import_tensorflow()

    from colornet.evaluation import report
    from colornet.evaluation.measuring import Evaluation, Photograph

    evaluation = Evaluation(
        options.model,
        build_model,
        options.chroma,
        options.working_size,
        options.resolution,
        options.mean_color,
        options.aged,
    )
    sets = {name: [Photograph(path) for path in paths] for name, paths in sets.items()}
    photographs = [photograph for of_set in sets.values() for photograph in of_set]
    started = time.monotonic()
    evaluation.measure_all(photographs)
    seconds = time.monotonic() - started
    if len(sets) > 1:
        sets["all together"] = photographs
    summaries = {name: report.summarize(of_set) for name, of_set in sets.items()}
    settings = _settings(options, evaluation)
    _print(summaries, settings, len(photographs) / seconds)
    measured = [photograph for photograph in photographs if photograph.measures]
    _write(options, evaluation, settings, summaries, measured)
    return shell.DONE if len(measured) == len(photographs) else shell.SOME_FAILED


def _settings(options, evaluation):
    return {
        "model": os.path.basename(os.path.abspath(options.model)),
        "resolution": evaluation.resolution or "full",
        "working_size": evaluation.working_size or "full",
        "chroma": evaluation.chroma,
        "mean_color": list(evaluation.mean_color) or None,
        "aged": evaluation.aged,
        "limit": options.limit,
    }


def _print(summaries, settings, rate):
    from colornet.evaluation.report import table

    print(", ".join(f"{name} {value}" for name, value in settings.items() if value is not None))
    if settings["mean_color"] is None:
        print(
            "no mean colour in the model's config.json: that baseline is left out "
            "(--mean-color A B)"
        )
    for name, summary in summaries.items():
        print("\n" + table(name, summary))
    print(f"\n{rate:.1f} pictures/s")


def _write(options, evaluation, settings, summaries, measured):
    """The report and the sheet, where asked for."""
    from colornet.evaluation import report

    try:
        if options.report:
            report.write_report(options.report, settings, summaries)
        if options.sheet and measured:
            rows = [
                _sheet_row(evaluation, kind, photograph)
                for kind, photograph in report.extremes(measured)
            ]
            gray = "aged" if evaluation.aged else "grey"
            title = f"{gray} | coloured by {settings['model']} | truth"
            report.save_sheet(options.sheet, rows, title)
    except (OSError, ImageError) as error:
        raise UserError(f"cannot write the report or the sheet: {error}") from None


def _sheet_row(evaluation, kind, photograph):
    """((grey, coloured, truth), caption)."""
    from colornet.coloring.colorizer import colorize
    from colornet.evaluation import report
    from colornet.evaluation.measuring import of_one_color

    truth = evaluation.truth_of(photograph.path)
    shown = evaluation.shown(truth)
    colored = colorize(
        shown, evaluation.colorizer, chroma=evaluation.chroma, working_size=evaluation.working_size
    )
    scenes, class_name = (), None
    if photograph.probabilities is not None:
        scenes = evaluation.colorizer.class_names_of(photograph.probabilities, GUESSES)
    if photograph.label is not None:
        class_name = evaluation.class_names[photograph.label]
    text = report.caption(kind, photograph, scenes, class_name)
    return (of_one_color(shown, (0, 0)), colored, truth), text


def main(argv=None):
    arguments = shell.parser(__doc__)
    add = arguments.add_argument
    add("pictures", nargs="+", metavar="PICTURE_OR_FOLDER", help="each folder gets its own table")
    add(
        "--model",
        default=shell.SHIPPED_WEIGHTS,
        metavar="DIR_OR_FILE",
        help="run folder or weights file (default: the weights that ship)",
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
    add("--chroma", type=float, metavar="F", help="strength of the colours (default: the model's)")
    add(
        "--working-size",
        type=shell.working_size,
        metavar="N|full",
        help="most pixels of a side that the network sees (default: the model's)",
    )
    add(
        "--limit",
        type=shell.number(int, 1),
        metavar="N",
        help="measure N of each set, in a random order that is always the same",
    )
    add(
        "--mean-color",
        type=float,
        nargs=2,
        metavar=("A", "B"),
        help="mean a* and b* of the training pictures (default: the model's)",
    )
    return shell.run(evaluate, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
