"""Figures of public photographs, as a row of docs/results.md.

    python benchmarks/public_sets.py scikit-image DIR
    python benchmarks/public_sets.py kodak DIR
    python benchmarks/public_sets.py imagenet-ctest10k DIR --resolution 256 --only ctest10k.txt
    python benchmarks/public_sets.py coco-val2017 DIR --resolution 256
    python benchmarks/public_sets.py bsds500-test DIR

Checks the number of photographs and, where it is known, a checksum of their names; then measures
the pretrained weights and prints the row in Markdown. What follows the folder goes to
model_evaluate.py. docs/evaluation.md says where the photographs come from.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from shared import parser

from colornet.evaluation import command
from colornet.evaluation.photograph_sets import find_sets, name_of


class PublicSet(NamedTuple):
    """How many photographs a set has, and `names_checksum` of their names; "" if not known."""

    pictures: int
    checksum: str = ""


SETS = {
    "scikit-image": PublicSet(4),  # the color photographs of samples/
    "kodak": PublicSet(24, "4a2e8937581c3877c18375ce1e05460f73dca3f68ea8ad61f5a657fe2c82873a"),
    "imagenet-ctest10k": PublicSet(10_000),
    "coco-val2017": PublicSet(5_000),
    "bsds500-test": PublicSet(200),
}
COLUMNS = {  # heading: (part of the report, figure, decimals)
    "rmse_ab": ("figures", "rmse_ab", 2),
    "rmse_ab / gray's": ("compared", "rmse_ab_to_gray", 3),
    "PSNR, dB": ("figures", "psnr", 2),
    "PSNR above gray's": ("compared", "psnr_above_gray", 2),
    "SSIM": ("figures", "ssim", 4),
    "AuC": ("figures", "auc", 4),
    "CIEDE2000": ("figures", "ciede2000", 2),
    "colorfulness": ("figures", "colorfulness", 1),
    "colorfulness / truth's": ("compared", "colorfulness_to_truth", 2),
    "colorfulness of \\|rg\\|, \\|yb\\|": ("figures", "colorfulness_absolute", 1),
    "less truth's: difference of means": ("compared", "colorfulness_absolute_above_truth", 1),
    "mean of differences": ("compared", "colorfulness_absolute_off_truth", 1),
}


def names_checksum(names: Iterable[str]) -> str:
    """SHA-256 of the sorted names without folders and endings, a line each."""
    return hashlib.sha256("".join(f"{name}\n" for name in sorted(names)).encode()).hexdigest()


def check(name: str, folder: str, only: str | None) -> None:
    """Exit with one line if a folder does not hold the set."""
    (paths,) = find_sets([folder], only=only).values()
    expected = SETS[name]
    if len(paths) != expected.pictures:
        raise SystemExit(f"{folder}: expected {expected.pictures} pictures, got {len(paths)}")
    if expected.checksum not in ("", names_checksum(map(name_of, paths))):
        raise SystemExit(f"{folder}: expected the names of {name}, got others")
    checked = "count and names" if expected.checksum else "count alone, no checksum is known"
    print(f"{name}: {len(paths)} pictures, checked by {checked}", flush=True)


def row(name: str, options: Sequence[str], report: dict[str, Any]) -> str:
    """The table of the first model's figures, in Markdown, with standard errors."""
    (measured,) = report["sets"]
    cells = {"set": name, "pictures": measured["pictures"], "options": " ".join(options) or "-"}
    for heading, (part, key, decimals) in COLUMNS.items():
        figure = measured[part][report["models"][0]["name"]][key]
        error = figure["standard_error"]
        cells[heading] = f"{figure['value']:.{decimals}f} ± {error:.{decimals}f}"
    lines = [cells, len(cells) * ["---"], cells.values()]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("set", choices=SETS)
    arguments.add_argument("folder", metavar="DIR")
    arguments.add_argument("options", nargs=argparse.REMAINDER, help="of model_evaluate.py")
    options = arguments.parse_args(argv)
    evaluated = [options.folder, *options.options]
    check(options.set, options.folder, command.parser().parse_args(evaluated).only)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "report.json")
        with contextlib.redirect_stdout(io.StringIO()):
            code = command.main([*evaluated, "--report", path])
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                print(row(options.set, options.options, json.load(file)))
    return code


if __name__ == "__main__":
    sys.exit(main())
