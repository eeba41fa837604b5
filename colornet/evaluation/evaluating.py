"""The work of model_evaluate.py: photographs in sets to a report, a contact sheet and tables."""

import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from colornet import shell
from colornet.coloring.colorizer import Colorizer
from colornet.coloring.pipeline import each_picture
from colornet.errors import ImageError, UserError
from colornet.evaluation import report
from colornet.evaluation.contact_sheet import save_sheet
from colornet.evaluation.evaluator import Evaluator, Photograph
from colornet.evaluation.photograph_sets import by_name
from colornet.files import check_folder, check_output, identity, printable
from colornet.pictures import sheets
from colornet.progress import progress

PIXELS_IN_FLIGHT = 4_000_000  # measuring takes 20 times the memory of coloring
MODEL = "model"  # name of a single one


def evaluate(
    paths: Mapping[str, Sequence[str]],
    models: Sequence[str],
    colorizer_options: Mapping[str, Any],
    *,
    colored: Mapping[str, Mapping[str, str]] = {},
    resolution: int | None = None,
    crop: bool = False,
    aged: bool = False,
    mean_color: tuple[float, ...] = (),
    save_folder: str | None = None,
    chosen: Mapping[str, Any] = {},
    report_path: str | None = None,
    sheet_path: str | None = None,
) -> int:
    """Measure, write and print.

    Args:
        paths: {name of a set: its photographs}.
        models: run folders or weights files.
        colorizer_options: further arguments of `Colorizer`.
        colored, resolution, crop, aged, save_folder: as `Evaluator` takes them.
        mean_color: (a*, b*) of the baseline; (): that of the first model that knows one.
        chosen: how the photographs were chosen, for the report's settings.
        report_path, sheet_path: files to write; None: not written.

    Returns:
        The exit code.

    Raises:
        UserError: a model cannot be used, or the report or the sheet cannot be written.
    """
    all_paths = [path for of_set in paths.values() for path in of_set]
    check_outputs(report_path, sheet_path, save_folder, all_paths)
    if colored or save_folder:
        by_name(all_paths, "--colored" if colored else "--save-colored")
    names = model_names(models, [*colored])
    colorizers = {name: Colorizer(path, **colorizer_options) for name, path in names.items()}
    known = [mean_color, *(each.config.mean_color for each in colorizers.values())]
    mean_color = tuple(next(filter(None, known), ()))
    evaluator = Evaluator(colorizers, colored, resolution, crop, mean_color, aged, save_folder)
    sets = {name: [Photograph(path) for path in of_set] for name, of_set in paths.items()}
    photographs = [photograph for of_set in sets.values() for photograph in of_set]
    rate = _measure(photographs, evaluator)
    if len(sets) > 1:
        sets["all together"] = photographs
    summaries = {name: report.summarize(of_set) for name, of_set in sets.items()}
    settings = {**_settings(evaluator, models), **chosen}
    measured = [photograph for photograph in photographs if photograph.measures]
    try:
        if report_path:
            report.write_report(report_path, settings, summaries)
        if sheet_path and measured:
            shown = [settings["models"][0]["path"]] if len(models) == 1 else [*colorizers]
            save_sheet(sheet_path, evaluator, measured, [*shown, *colored])
    except (OSError, ImageError) as error:
        raise UserError(f"cannot write the report or the sheet: {error}") from None
    finally:  # after the files, as nobody may be listening any more
        _print(summaries, settings, rate)
    return shell.DONE if len(measured) == len(photographs) else shell.SOME_FAILED


def check_outputs(
    report_path: str | None,
    sheet_path: str | None,
    save_folder: str | None,
    photographs: Collection[str],
) -> None:
    """Check what is to be written, before anything is measured.

    Args:
        report_path, sheet_path: files to write, or None.
        save_folder: folder of the measured pictures, or None.
        photographs: paths of those that are measured.

    Raises:
        UserError: one cannot be written, or would replace a photograph, the other or any file
            that no earlier run wrote; the folder has files.
    """
    if report_path:
        check_output("--report", report_path, report.is_report)
    if sheet_path:
        sheets.check("--sheet", sheet_path)
        # A folder's earlier sheet would be measured as one of its photographs.
        if identity(sheet_path) in {identity(path) for path in photographs} - {None}:
            raise UserError(
                f"--sheet {printable(sheet_path)}: is one of the pictures to measure; expected a "
                "name outside their folders"
            )
        if report_path and os.path.realpath(report_path) == os.path.realpath(sheet_path):
            raise UserError(f"--sheet {printable(sheet_path)}: the report has that name too")
    if save_folder:
        check_folder(save_folder, "--save-colored")
        if os.path.isdir(save_folder) and os.listdir(save_folder):
            raise UserError(f"--save-colored {printable(save_folder)}: expected an empty folder")


def model_names(paths: Sequence[str], colored: Collection[str] = ()) -> dict[str, str]:
    """{name: path} of models: MODEL for one, for several as much of each path as tells them apart.

    Raises:
        UserError: one is given twice, or one of `colored` has a name that is taken.
    """
    reserved = {*report.BASELINES, *report.SHOWN.values()}
    if taken := {MODEL, *reserved} & set(colored):
        raise UserError(f"--colored {min(taken)}: expected another name, this one is taken")
    reserved |= set(colored)
    if len(paths) == 1:
        return {MODEL: paths[0]}
    parts = [os.path.abspath(path).split(os.sep) for path in paths]
    for count in range(1, max(map(len, parts)) + 1):
        names = [printable("/".join(each[-count:])) for each in parts]
        if len(set(names) - reserved) == len(names):
            return dict(zip(names, paths))
    raise UserError(f"--model: expected different ones, got {', '.join(map(printable, paths))}")


def _measure(photographs: Sequence[Photograph], evaluator: Evaluator) -> float:
    """Measure all, name those that fail on standard error; returns pictures per second."""
    started = time.monotonic()
    with progress(len(photographs), "pictures") as bar:
        for photograph, _, error in each_picture(evaluator.measure, photographs, PIXELS_IN_FLIGHT):
            if error is not None:
                reason = str(error) or "not enough memory"
                if not isinstance(error, (ImageError, MemoryError)):
                    reason = f"unexpected error, {type(error).__name__}: {reason}"
                print(f"{printable(photograph.path)}: {reason}", file=sys.stderr)
            bar.update()
    return len(photographs) / (time.monotonic() - started)


def _settings(evaluator: Evaluator, paths: Sequence[str]) -> dict[str, Any]:
    """What the report says beside its figures; paths are the models'."""
    models = [
        {
            "name": name,
            "path": printable(os.path.basename(os.path.abspath(path))),
            "weights": os.path.basename(colorizer.engine.source),
            "engine": colorizer.engine.name,
            "working_size": colorizer.working_size or "full",
            "chroma": colorizer.chroma,
        }
        for path, (name, colorizer) in zip(paths, evaluator.colorizers.items())
    ]
    return {
        "models": models,
        "colored": [*evaluator.colored] or None,
        "crop": "center" if evaluator.crop else None,
        "resolution": evaluator.resolution or "full",
        "mean_color": list(evaluator.mean_color) or None,
        "aged": evaluator.aged,
    }


def _print(summaries: Mapping[str, Any], settings: Mapping[str, Any], rate: float) -> None:
    for model in settings["models"]:
        print(", ".join(f"{name} {value}" for name, value in model.items()))
    common = {name: value for name, value in settings.items() if name != "models" and value}
    print(", ".join(f"{name} {value}" for name, value in common.items()))
    if settings["mean_color"] is None:
        print("no mean color in the model's config.json: baseline left out (--mean-color A B)")
    for name, summary in summaries.items():
        print("\n" + report.table(name, summary))
    print(f"\n{rate:.1f} pictures/s")
