"""The work of model_evaluate.py: photographs in sets to a printed table, a report and a sheet."""

import os
import sys
import time

from colornet import shell
from colornet.coloring.colorizer import Colorizer, colorize, gray_of
from colornet.errors import ImageError, UserError
from colornet.evaluation import report
from colornet.evaluation.measuring import MODEL, Measuring, Photograph, measure_all
from colornet.files import printable

GUESSES = 2  # scenes in a caption of the sheet


def evaluate(options, sets, build_model):
    """Measure, print and write.

    Args:
        options: of the command line.
        sets: {name: paths}.
        build_model: as of `Colorizer`.

    Returns:
        The exit code.

    Raises:
        UserError: the model cannot be used, or the report or the sheet cannot be written.
    """
    colorizer = Colorizer(
        options.model, build_model, chroma=options.chroma, working_size=options.working_size
    )
    mean_color = tuple(options.mean_color or colorizer.config.mean_color)
    measuring = Measuring({MODEL: colorizer}, options.resolution, mean_color, options.aged)
    sets = {name: [Photograph(path) for path in paths] for name, paths in sets.items()}
    photographs = [photograph for of_set in sets.values() for photograph in of_set]
    started = time.monotonic()
    _measure(photographs, measuring)
    seconds = time.monotonic() - started
    if len(sets) > 1:
        sets["all together"] = photographs
    summaries = {name: report.summarize(of_set) for name, of_set in sets.items()}
    settings = _settings(options, measuring)
    _print(summaries, settings, len(photographs) / seconds)
    measured = [photograph for photograph in photographs if photograph.measures]
    _write(options, measuring, settings, summaries, measured)
    return shell.DONE if len(measured) == len(photographs) else shell.SOME_FAILED


def _measure(photographs, measuring):
    """Measure all, and name those that fail on standard error."""
    with shell.progress(len(photographs), "pictures") as bar:
        for photograph, error in measure_all(photographs, measuring):
            if error is not None:
                reason = str(error) or "not enough memory"
                print(f"{printable(photograph.path)}: {reason}", file=sys.stderr)
            bar.update()


def _settings(options, measuring):
    colorizer = measuring.colorizers[MODEL]
    return {
        "model": os.path.basename(os.path.abspath(options.model)),
        "resolution": measuring.resolution or "full",
        "working_size": colorizer.working_size or "full",
        "chroma": colorizer.chroma,
        "mean_color": list(measuring.mean_color) or None,
        "aged": measuring.aged,
        "limit": options.limit,
    }


def _print(summaries, settings, rate):
    print(", ".join(f"{name} {value}" for name, value in settings.items() if value is not None))
    if settings["mean_color"] is None:
        print(
            "no mean colour in the model's config.json: that baseline is left out "
            "(--mean-color A B)"
        )
    for name, summary in summaries.items():
        print("\n" + report.table(name, summary))
    print(f"\n{rate:.1f} pictures/s")


def _write(options, measuring, settings, summaries, measured):
    """The report and the sheet, where asked for."""
    try:
        if options.report:
            report.write_report(options.report, settings, summaries)
        if options.sheet and measured:
            rows = [
                _sheet_row(measuring, kind, photograph)
                for kind, photograph in report.extremes(measured)
            ]
            gray = "aged" if measuring.aged else "grey"
            title = f"{gray} | coloured by {settings['model']} | truth"
            report.save_sheet(options.sheet, rows, title)
    except (OSError, ImageError) as error:
        raise UserError(f"cannot write the report or the sheet: {error}") from None


def _sheet_row(measuring, kind, photograph):
    """((grey, coloured, truth), caption)."""
    truth, shown = measuring.opened(photograph.path)
    colorizer = measuring.colorizers[MODEL]
    scenes, class_name = (), None
    if MODEL in photograph.probabilities:
        scenes = colorizer.class_names_of(photograph.probabilities[MODEL], GUESSES)
    if photograph.scene in colorizer.config.class_names:
        class_name = photograph.scene
    text = report.caption(kind, photograph, scenes, class_name)
    return (gray_of(shown), colorize(shown, colorizer), truth), text
