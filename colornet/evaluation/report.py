"""Measured photographs to a table, a JSON report and a contact sheet."""

import json
import os

from colornet import files
from colornet.evaluation import metrics
from colornet.evaluation.measuring import GRAY, MEAN_COLOR, MODEL, TRUTH
from colornet.files import printable
from colornet.pictures import saving, sheets

# What a picture's measure becomes over a set: (name, heading, decimals, figure of the values).
MEASURES = {
    "ab_squared_error": ("rmse_ab", "rmse_ab", 2, metrics.root_of_mean),
    "psnr": ("psnr", "PSNR dB", 2, metrics.mean),
    "ssim": ("ssim", "SSIM", 4, metrics.mean),
    "auc": ("auc", "AuC", 4, metrics.mean),
    "colorfulness": ("colorfulness", "colorfulness", 1, metrics.mean),
    "top1": ("top1", "top-1", 3, metrics.mean),
    "top5": ("top5", "top-5", 3, metrics.mean),
}
METHODS = {MODEL: "model", GRAY: "gray", MEAN_COLOR: "mean colour", TRUTH: "truth"}
COMPARED = {
    "rmse_ab_to_gray": "ratio of rmse_ab to grey's",
    "psnr_above_gray": "PSNR above grey's, dB",
    "rmse_ab_to_mean_color": "ratio of rmse_ab to the mean colour's",
    "psnr_above_mean_color": "PSNR above the mean colour's, dB",
    "colorfulness_to_truth": "ratio of colourfulness to the truth's",
}
SHEET_ROWS = 4  # worst, median and best each
SHEET_TILE = 192  # pixels


def summarize(photographs):
    """Figures of a set.

    Args:
        photographs: `measuring.Photograph`s; those that failed have no measures.

    Returns:
        A dict of counts; "figures": {method: {name: Figure}}; "compared": {key of COMPARED:
        Figure}, the model against baselines and truth, paired by picture.
    """
    measured = [photograph for photograph in photographs if photograph.measures]
    methods = measured[0].measures if measured else ()
    columns = {
        (method, measure): values
        for method in methods
        for measure in MEASURES
        if (
            values := [
                photograph.measures[method][measure]
                for photograph in measured
                if measure in photograph.measures[method]
            ]
        )
    }
    figures = {method: {} for method in methods}
    for (method, measure), values in columns.items():
        name, *_, figure_of = MEASURES[measure]
        figures[method][name] = figure_of(values)
    return {
        "pictures": len(measured),
        "failed": len(photographs) - len(measured),
        "with_scene": len(columns.get((MODEL, "top1"), ())),
        "figures": figures,
        "compared": _compare(columns) if measured else {},
    }


def _compare(columns):
    compared = {}
    for baseline in (GRAY, MEAN_COLOR):
        if (baseline, "psnr") in columns:
            compared[f"rmse_ab_to_{baseline}"] = metrics.ratio_of_roots(
                columns[MODEL, "ab_squared_error"], columns[baseline, "ab_squared_error"]
            )
            pairs = zip(columns[MODEL, "psnr"], columns[baseline, "psnr"])
            compared[f"psnr_above_{baseline}"] = metrics.mean([a - b for a, b in pairs])
    compared["colorfulness_to_truth"] = metrics.ratio_of_means(
        columns[MODEL, "colorfulness"], columns[TRUTH, "colorfulness"]
    )
    return compared


def table(name, summary):
    """The text of one set's figures, mean +- standard error, in aligned columns."""
    lines = [
        f"{name}: {summary['pictures']} pictures, {summary['with_scene']} with a scene, "
        f"{summary['failed']} failed"
    ]
    figures = summary["figures"]
    shown = [
        (name, heading, decimals)
        for name, heading, decimals, _ in MEASURES.values()
        if any(name in of_method for of_method in figures.values())
    ]
    rows = [["", *(heading for _, heading, _ in shown)]] if figures else []
    for method, of_method in figures.items():
        rows.append(
            [
                METHODS[method],
                *(_text(of_method.get(name), decimals) for name, _, decimals in shown),
            ]
        )
    lines += _aligned(rows)
    lines += _aligned(
        [[COMPARED[key], _text(figure, 3)] for key, figure in summary["compared"].items()]
    )
    return "\n".join(lines)


def _aligned(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _text(figure, decimals):
    if figure is None:
        return "-"
    error = "" if figure.error is None else f" +- {figure.error:.{decimals}f}"
    return f"{figure.value:.{decimals}f}{error}"


def write_report(path, settings, sets):
    """Write figures and settings as JSON, whole or not at all.

    Args:
        path: file to write.
        settings: a dict.
        sets: {name: dict of `summarize`}.

    Raises:
        OSError: the file cannot be written.
    """
    report = {**settings, "sets": [{"name": name, **_plain(s)} for name, s in sets.items()]}
    text = json.dumps(report, indent=1) + "\n"

    def write(partial):
        with open(partial, "w", encoding="utf-8") as file:
            file.write(text)

    files.write_whole(path, write)


def _plain(value):
    """Figures as {"value", "standard_error"} at any depth."""
    if isinstance(value, metrics.Figure):
        return {"value": value.value, "standard_error": value.error}
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


# --- The contact sheet ------------------------------------------------------------------------


def extremes(photographs):
    """[(kind, photograph)] of the worst, median and best by ab error, each picture once."""
    order = sorted(photographs, key=_error, reverse=True)
    count = max(1, min(SHEET_ROWS, len(order) // 3))
    middle = (len(order) - count) // 2
    chosen = {}
    for kind, start in (("worst", 0), ("best", len(order) - count), ("median", middle)):
        for position in range(start, start + count):
            chosen.setdefault(position, (kind, order[position]))
    return [chosen[position] for position in sorted(chosen)]


def _error(photograph, method=MODEL):
    return photograph.measures[method]["ab_squared_error"] ** 0.5


def caption(kind, photograph, scenes, class_name):
    """One line: which picture, its error, and the scene guesses beside the true one."""
    name = printable(os.path.basename(photograph.path))
    text = f"{kind}: {name}, rmse_ab {_error(photograph):.1f} (grey {_error(photograph, GRAY):.1f})"
    if scenes:
        text += "; " + ", ".join(f"{scene} {share:.0%}" for scene, share in scenes)
    return text + (f"; is {class_name}" if class_name else "")


def save_sheet(path, rows, title):
    """Write rows of ((grey, coloured, truth), caption); raises OSError."""
    pictures, captions = zip(*rows)
    saving.save_image(sheets.sheet(pictures, SHEET_TILE, captions, title), path)
