"""A contact sheet of the photographs that a network colors worst, in the middle, and best."""

import os
from collections.abc import Iterable

from colornet.coloring.joining import gray_of
from colornet.evaluation.evaluator import GRAY, Evaluator, Photograph
from colornet.files import printable
from colornet.pictures import sheets

ROWS = 4  # worst, median and best each
TILE = 192  # pixels
GUESSES = 2  # scenes in a caption


def save_sheet(
    path: str, evaluator: Evaluator, photographs: Iterable[Photograph], names: Iterable[str]
) -> None:
    """Write rows of gray | colored by each method | truth.

    Args:
        path: file to write.
        evaluator: that measured them; the rows are chosen by its first method.
        photographs: measured ones.
        names: of the methods, for the title.

    Raises:
        OSError: the file cannot be written.
        ImageError: a photograph can no longer be opened.
    """
    first, *_ = methods = evaluator.methods
    rows, captions = [], []
    for kind, photograph in extremes(photographs, first):
        truth, shown, pictures = evaluator.color(photograph)
        rows.append((gray_of(shown), *(pictures[method] for method in methods), truth))
        captions.append(_caption(kind, photograph, evaluator))
    title = " | ".join(["aged" if evaluator.aged else "gray", *names, "truth"])
    sheets.save(sheets.sheet(rows, TILE, captions, title), path)


def extremes(photographs: Iterable[Photograph], method: str) -> list[tuple[str, Photograph]]:
    """[(kind, photograph)] of the method's worst, median and best by ab error, each once."""
    order = sorted(photographs, key=lambda photograph: _error(photograph, method), reverse=True)
    count = max(1, min(ROWS, len(order) // 3))
    middle = (len(order) - count) // 2
    chosen: dict[int, tuple[str, Photograph]] = {}
    for kind, start in (("worst", 0), ("best", len(order) - count), ("median", middle)):
        for position in range(start, start + count):
            chosen.setdefault(position, (kind, order[position]))
    return [chosen[position] for position in sorted(chosen)]


def _error(photograph: Photograph, method: str) -> float:
    return photograph.measures[method]["ab_squared_error"] ** 0.5


def _caption(kind: str, photograph: Photograph, evaluator: Evaluator) -> str:
    """One line: the picture, its errors, and the scene guesses beside the true one."""
    name = printable(os.path.basename(photograph.path))
    errors = " ".join(f"{_error(photograph, method):.1f}" for method in evaluator.methods)
    text = f"{kind}: {name}, rmse_ab {errors} (gray {_error(photograph, GRAY):.1f})"
    model, *_ = [*photograph.probabilities, *evaluator.colorizers]  # the first that tells scenes
    colorizer = evaluator.colorizers[model]
    if model in photograph.probabilities:
        guesses = colorizer.likeliest_scenes(photograph.probabilities[model], GUESSES)
        text += "; " + ", ".join(f"{scene} {share:.0%}" for scene, share in guesses)
    scene = photograph.scene_of(colorizer.config.class_names)
    return text + (f"; is {scene}" if scene else "")
