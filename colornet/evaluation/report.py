"""Measured photographs to a table and a JSON report."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from colornet.evaluation import metrics
from colornet.evaluation.evaluator import GRAY, MEAN_COLOR, TRUTH, Photograph
from colornet.files import whole_file


class Measure(NamedTuple):
    """What a picture's measure becomes over a set, and how it is shown."""

    name: str
    heading: str
    decimals: int
    figure: Callable[..., metrics.Figure]
    difference: Callable[..., metrics.Figure]  # of two methods, paired by picture


Measures = dict[str, dict[str, float]]  # of one photograph, by method and measure

_MEANS = metrics.mean, metrics.difference_of_means
MEASURES = {
    "ab_squared_error": Measure(
        "rmse_ab", "rmse_ab", 2, metrics.root_of_mean, metrics.difference_of_roots
    ),
    "psnr": Measure("psnr", "PSNR dB", 2, *_MEANS),
    "ssim": Measure("ssim", "SSIM", 4, *_MEANS),
    "auc": Measure("auc", "AuC", 4, *_MEANS),
    "ciede2000": Measure("ciede2000", "CIEDE2000", 2, *_MEANS),
    "colorfulness": Measure("colorfulness", "colorfulness", 1, *_MEANS),
    "colorfulness_absolute": Measure("colorfulness_absolute", "of |rg|, |yb|", 1, *_MEANS),
    "top1": Measure("top1", "top-1", 3, *_MEANS),
    "top5": Measure("top5", "top-5", 3, *_MEANS),
}
SHOWN = {MEAN_COLOR: "mean color"}  # what else a method is called in the table
BASELINES = (GRAY, MEAN_COLOR, TRUTH)
COMPARED = {
    "rmse_ab_to_gray": "ratio of rmse_ab to gray's",
    "psnr_above_gray": "PSNR above gray's, dB",
    "rmse_ab_to_mean_color": "ratio of rmse_ab to the mean color's",
    "psnr_above_mean_color": "PSNR above the mean color's, dB",
    "colorfulness_to_truth": "ratio of colorfulness to the truth's",
    "colorfulness_above_truth": "colorfulness less the truth's, difference of means",
    "colorfulness_off_truth": "colorfulness less the truth's, mean of differences",
    "colorfulness_absolute_to_truth": "of |rg|, |yb|: ratio",
    "colorfulness_absolute_above_truth": "of |rg|, |yb|: difference of means",
    "colorfulness_absolute_off_truth": "of |rg|, |yb|: mean of differences",
}


def summarize(photographs: Sequence[Photograph]) -> dict[str, Any]:
    """Figures of a set.

    Args:
        photographs: `Photograph`s; those that failed have no measures.

    Returns:
        A dict of counts, and of Figures with their standard errors:
        "figures": {method: {name of MEASURES: Figure}}; methods are the models, GRAY, MEAN_COLOR
            and TRUTH.
        "compared": {model: {key of COMPARED: Figure}}, paired by picture.
        "differences": {model: {name of MEASURES: Figure}}, every other model minus the first,
            paired by picture.
        "with_scene" counts the pictures whose scene any model knows, "scenes" those of each
            model, "shared_scenes" those that its difference is of.
    """
    measured = [photograph.measures for photograph in photographs if photograph.measures]
    methods = list(measured[0]) if measured else []
    models = [method for method in methods if method not in BASELINES]
    return {
        "pictures": len(measured),
        "failed": len(photographs) - len(measured),
        "with_scene": sum(any("top1" in of for of in each.values()) for each in measured),
        "scenes": {model: len(_pairs(measured, "top1", model)) for model in models},
        "shared_scenes": {
            model: len(_pairs(measured, "top1", model, models[0])) for model in models[1:]
        },
        "figures": {method: _figures(measured, "figure", method) for method in methods},
        "compared": {model: _compared(measured, model, methods) for model in models},
        "differences": {
            model: _figures(measured, "difference", model, models[0]) for model in models[1:]
        },
    }


def _pairs(measured: Sequence[Measures], measure: str, *methods: str) -> list[tuple[float, ...]]:
    """[(value of each method)] of the photographs of which all these methods have a measure."""
    return [
        tuple(measures[method][measure] for method in methods)
        for measures in measured
        if methods and all(measure in measures[method] for method in methods)
    ]


def _figures(measured: Sequence[Measures], kind: str, *methods: str) -> dict[str, metrics.Figure]:
    """{name: Figure} of each measure that these methods have; kind: figure or difference."""
    figures = {}
    for key, measure in MEASURES.items():
        if pairs := _pairs(measured, key, *methods):
            figures[measure.name] = getattr(measure, kind)(*zip(*pairs))
    return figures


def _compared(
    measured: Sequence[Measures], model: str, methods: Sequence[str]
) -> dict[str, metrics.Figure]:
    def columns(measure: str, method: str) -> Iterator[tuple[float, ...]]:
        return zip(*_pairs(measured, measure, model, method))

    compared = {}
    for baseline in (GRAY, MEAN_COLOR):
        if baseline in methods:
            squares, psnrs = columns("ab_squared_error", baseline), columns("psnr", baseline)
            compared[f"rmse_ab_to_{baseline}"] = metrics.ratio_of_roots(*squares)
            compared[f"psnr_above_{baseline}"] = metrics.difference_of_means(*psnrs)
    for measure in ("colorfulness", "colorfulness_absolute"):
        made, true = columns(measure, TRUTH)
        compared[f"{measure}_to_truth"] = metrics.ratio_of_means(made, true)
        compared[f"{measure}_above_truth"] = metrics.difference_of_means(made, true)
        compared[f"{measure}_off_truth"] = metrics.mean(np.abs(np.subtract(made, true)))
    return compared


def table(name: str, summary: dict[str, Any]) -> str:
    """The text of one set's figures, mean +- standard error, in aligned columns."""
    lines = [
        f"{name}: {summary['pictures']} pictures, {summary['with_scene']} with a scene, "
        f"{summary['failed']} failed"
    ]
    if not summary["figures"]:
        return lines[0]
    first = next(iter(summary["figures"]))
    named = [
        (SHOWN.get(method, method) + _of_scenes(summary, "scenes", method), figures)
        for method, figures in summary["figures"].items()
    ]
    named += [
        (f"{model} - {first}" + _of_scenes(summary, "shared_scenes", model), figures)
        for model, figures in summary["differences"].items()
    ]
    shown = [
        measure
        for measure in MEASURES.values()
        if any(measure.name in figures for _, figures in named)
    ]
    rows = [["", *(measure.heading for measure in shown)]]
    for text, figures in named:
        rows.append([text, *(_text(figures.get(m.name), m.decimals) for m in shown)])
    lines += _aligned(rows)
    compared = summary["compared"]
    rows = [["", *compared]] if len(compared) > 1 else []
    rows += [
        [text, *(_text(figures[key], 3) for figures in compared.values())]
        for key, text in COMPARED.items()
        if key in compared[first]
    ]
    return "\n".join(lines + _aligned(rows))


def _of_scenes(summary: dict[str, Any], counts: str, method: str) -> str:
    """Of how many pictures a row's top-1 is, where that is not the heading's number."""
    count = summary[counts].get(method, 0)
    return f" ({count} with a scene)" if 0 < count < summary["with_scene"] else ""


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _text(figure: metrics.Figure | None, decimals: int) -> str:
    if figure is None:
        return "-"
    error = "" if figure.error is None else f" +- {figure.error:.{decimals}f}"
    return f"{figure.value:.{decimals}f}{error}"


def write_report(path: str, settings: dict[str, Any], sets: dict[str, Any]) -> None:
    """Write figures and settings as JSON, whole or not at all.

    Args:
        path: file to write.
        settings: a dict.
        sets: {name: dict of `summarize`}. Figures become {"value": ..., "standard_error": ...},
            null where there is none.

    Raises:
        OSError: the file cannot be written.
    """
    report = {**settings, "sets": [{"name": name, **_plain(s)} for name, s in sets.items()]}
    text = json.dumps(report, indent=1, allow_nan=False) + "\n"
    with whole_file(path) as file:
        file.write(text.encode())


def is_report(path: str) -> bool:
    """Whether a file is one of `write_report`."""
    try:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(report, dict) and {"mean_color", "resolution", "sets"} <= set(report)


def _plain(value: Any) -> Any:
    """Figures as {"value", "standard_error"} at any depth."""
    if isinstance(value, metrics.Figure):
        return {"value": _plain(value.value), "standard_error": _plain(value.error)}
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
