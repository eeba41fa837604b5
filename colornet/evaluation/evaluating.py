"""The work of model_evaluate.py: photographs in sets to a report, a contact sheet and tables."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from colornet import shell
from colornet.coloring.colorizer import Colorizer
from colornet.coloring.joining import gray_of
from colornet.coloring.options import colorizer_arguments
from colornet.errors import ImageError, UserError
from colornet.evaluation import report
from colornet.evaluation.measuring import Measuring, Photograph, measure_all
from colornet.files import check_output, identity, printable
from colornet.pictures import sheets
from colornet.progress import progress

MODEL = "model"  # name of a single one
GUESSES = 2  # scenes in a caption of the sheet


def evaluate(options: argparse.Namespace, paths: dict[str, list[str]]) -> int:
    """Measure, write and print.

    Args:
        options: of the command line.
        paths: of the photographs of each set, by its name.

    Returns:
        The exit code.

    Raises:
        UserError: a model cannot be used, or the report or the sheet cannot be written.
    """
    check_outputs(options, [path for of_set in paths.values() for path in of_set])
    count = sum(map(len, paths.values()))
    colorizers = {
        name: Colorizer(path, **colorizer_arguments(options, count))
        for name, path in model_names(options.model).items()
    }
    means = [options.mean_color, *(each.config.mean_color for each in colorizers.values())]
    mean_color = tuple(next(filter(None, means), ()))
    measuring = Measuring(colorizers, options.resolution, mean_color, options.aged)
    sets = {name: [Photograph(path) for path in of_set] for name, of_set in paths.items()}
    photographs = [photograph for of_set in sets.values() for photograph in of_set]
    started = time.monotonic()
    _measure(photographs, measuring)
    seconds = time.monotonic() - started
    if len(sets) > 1:
        sets["all together"] = photographs
    summaries = {name: report.summarize(of_set) for name, of_set in sets.items()}
    settings = _settings(options, measuring)
    measured = [photograph for photograph in photographs if photograph.measures]
    try:
        _write(options, measuring, settings, summaries, measured)
    finally:  # after the files, as nobody may be listening any more
        _print(summaries, settings, len(photographs) / seconds)
    return shell.DONE if len(measured) == len(photographs) else shell.SOME_FAILED


def check_outputs(options: argparse.Namespace, photographs: Sequence[str]) -> None:
    """Look at where report and sheet are to be written, before anything is measured.

    Args:
        options: report and sheet of the command line.
        photographs: paths of those that are measured.

    Raises:
        UserError: one cannot be written, or would replace a photograph, the other or any file
            that no earlier run wrote.
    """
    if options.report:
        check_output("--report", options.report, report.is_report)
    if options.sheet:
        sheets.check("--sheet", options.sheet)
        # A folder's earlier sheet would be measured as one of its photographs.
        if identity(options.sheet) in {identity(path) for path in photographs} - {None}:
            raise UserError(
                f"--sheet {printable(options.sheet)}: is one of the pictures to measure; expected "
                "a name outside their folders"
            )
    if options.report and options.sheet:
        if os.path.realpath(options.report) == os.path.realpath(options.sheet):
            raise UserError(f"--sheet {printable(options.sheet)}: the report has that name too")


def model_names(paths: Sequence[str]) -> dict[str, str]:
    """{name: path} of models: MODEL for one, for several as much of each path as tells them apart.

    Raises:
        UserError: one is given twice.
    """
    if len(paths) == 1:
        return {MODEL: paths[0]}
    parts = [os.path.abspath(path).split(os.sep) for path in paths]
    for count in range(1, max(map(len, parts)) + 1):
        names = [printable("/".join(each[-count:])) for each in parts]
        if len(set(names) - {*report.BASELINES, *report.SHOWN.values()}) == len(names):
            return dict(zip(names, paths))
    raise UserError(f"--model: expected different ones, got {', '.join(map(printable, paths))}")


def _measure(photographs: Sequence[Photograph], measuring: Measuring) -> None:
    """Measure all, and name those that fail on standard error."""
    with progress(len(photographs), "pictures") as bar:
        for photograph, error in measure_all(photographs, measuring):
            if error is not None:
                reason = str(error) or "not enough memory"
                print(f"{printable(photograph.path)}: {reason}", file=sys.stderr)
            bar.update()


def _settings(options: argparse.Namespace, measuring: Measuring) -> dict[str, Any]:
    """What the report says beside its figures."""
    models = [
        {
            "name": name,
            "path": printable(os.path.basename(os.path.abspath(path))),
            "weights": os.path.basename(colorizer.engine.source),
            "engine": colorizer.engine.name,
            "working_size": colorizer.working_size or "full",
            "chroma": colorizer.chroma,
        }
        for path, (name, colorizer) in zip(options.model, measuring.colorizers.items())
    ]
    return {
        "models": models,
        "resolution": measuring.resolution or "full",
        "mean_color": list(measuring.mean_color) or None,
        "aged": measuring.aged,
        "limit": options.limit,
    }


def _print(summaries: dict[str, Any], settings: dict[str, Any], rate: float) -> None:
    for model in settings["models"]:
        print(", ".join(f"{name} {value}" for name, value in model.items()))
    common = {name: value for name, value in settings.items() if name != "models" and value}
    print(", ".join(f"{name} {value}" for name, value in common.items()))
    if settings["mean_color"] is None:
        print(
            "no mean colour in the model's config.json: that baseline is left out "
            "(--mean-color A B)"
        )
    for name, summary in summaries.items():
        print("\n" + report.table(name, summary))
    print(f"\n{rate:.1f} pictures/s")


def _write(
    options: argparse.Namespace,
    measuring: Measuring,
    settings: dict[str, Any],
    summaries: dict[str, Any],
    measured: Sequence[Photograph],
) -> None:
    """The report and the sheet, where asked for."""
    try:
        if options.report:
            report.write_report(options.report, settings, summaries)
        if options.sheet and measured:
            first, *_ = measuring.colorizers
            rows = [
                _sheet_row(measuring, kind, photograph)
                for kind, photograph in report.extremes(measured, first)
            ]
            gray = "aged" if measuring.aged else "grey"
            shown = [model["path"] if model["name"] == MODEL else model["name"]
                     for model in settings["models"]]  # fmt: skip
            report.save_sheet(options.sheet, rows, " | ".join([gray, *shown, "truth"]))
    except (OSError, ImageError) as error:
        raise UserError(f"cannot write the report or the sheet: {error}") from None


def _sheet_row(
    measuring: Measuring, kind: str, photograph: Photograph
) -> tuple[tuple[np.ndarray, ...], str]:
    """((grey, coloured by each model, truth), caption)."""
    truth, shown = measuring.opened(photograph.path)
    colored = [
        each.color(truth, scenes=False, shown=shown)[0] for each in measuring.colorizers.values()
    ]
    first, *_ = [*photograph.probabilities, *measuring.colorizers]  # the first that tells scenes
    colorizer, scenes = measuring.colorizers[first], []
    if first in photograph.probabilities:
        scenes = colorizer.likeliest_scenes(photograph.probabilities[first], GUESSES)
    class_name = photograph.scene_of(colorizer.config.class_names)
    text = report.caption(kind, photograph, measuring.colorizers, scenes, class_name)
    return (gray_of(shown), *colored, truth), text
