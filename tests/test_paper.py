"""The pages of docs/ name what exists, and the README's table of differences says what is so."""

import ast
import json
import pathlib
import re

import numpy as np
import pytest

from colornet.pictures import colorspace
from config import load_config

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAPER = (ROOT / "docs" / "paper.md").read_text()
README = (ROOT / "README.md").read_text()
TABLE = README[README.index("## The paper and this") : README.index("## Settings")]
PAGES = [ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
NAMED = sorted(
    {
        pair
        for page in PAGES
        for pair in re.findall(r"`([\w/]+\.py)(?::([\w.]+))?`", page.read_text())
    }
)
CONFIG = load_config("paper")


def names_in(path):
    """Names that a module defines: functions, classes, their methods as Class.method, constants."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
            inner = [x for x in node.body if isinstance(x, ast.FunctionDef)]
            found |= {f"{node.name}.{x.name}" for x in inner}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


@pytest.mark.parametrize("path, name", NAMED)
def test_what_a_page_names_exists(path, name):
    assert (ROOT / path).exists()
    assert not name or name in names_in(ROOT / path)


def test_every_row_of_the_page_names_its_test():
    rows = [row.split(" | ") for row in PAPER.splitlines() if row.startswith("| ")]
    rows = [row for row in rows if row[0] != "| in the paper"]
    assert len(rows) > 25
    for row in rows:
        assert ":test_" in row[-1] or "not tested" in row[-1], row[0]


# --- Numbers of the README's table ----------------------------------------------------------


def row(title):
    """The last column, "here", of a row."""
    (line,) = [line for line in TABLE.splitlines() if line.startswith(f"| {title} |")]
    return line.split(" | ")[-1]


def test_the_table_has_three_columns():
    assert "| | the paper | the authors' release | here |" in TABLE
    rows = [line for line in TABLE.splitlines() if line.startswith("| ")]
    three = rows[next(i for i, line in enumerate(rows) if "the authors' release" in line) :]
    assert len(three) > 20 and all(line.count("|") == 5 for line in three)


def test_8_bit_targets():
    """A level of a record's planes in Lab units."""
    levels = colorspace.from_bytes(np.array([0, 1], np.float32))
    chroma = np.diff(colorspace.decode_chrominance(levels))[0]
    lightness = np.diff(colorspace.decode_luminance(levels))[0]
    for text in (row("targets"), PAPER):
        assert f"{chroma:.2f} in a\\*" in text and f"{lightness:.2f} in L\\*" in text


def test_chrominance_is_encoded_as_in_the_release():
    """Its decoding is ab = 100 (2 y - 1)."""
    y = np.linspace(0, 1, 5, dtype=np.float32)
    np.testing.assert_allclose(colorspace.decode_chrominance(y), 100 * (2 * y - 1), atol=1e-4)
    assert "(ab + 100) / 200" in row("chrominance")


def test_what_the_whole_picture_costs_is_as_measured():
    results = (ROOT / "docs" / "RESULTS.md").read_text()
    text = row("global path's copy")
    whole, middle = re.findall(
        r"^\| (?:the whole picture|its middle).* \| ([\d.]+) ± .* \| ([\d.]+) ± ", results, re.M
    )
    assert f"rmse_ab {whole[0]} instead of {middle[0]}" in text
    assert f"top-1 {whole[1]} instead of {middle[1]}" in text


def test_corners_of_crops():
    margin = CONFIG.picture_size - CONFIG.crop_size
    even, every = margin // 2 + 1, margin + 1
    for text in (row("crops"), PAPER):
        assert f"{even} × {even}" in text and f"{every} × {every}" in text


def test_numbers_of_a_target():
    count = (CONFIG.crop_size // 2) ** 2 * 2
    assert f"{count:,}" in row("loss") and f"{count:,}" in PAPER
    assert f"1/{1 / CONFIG.classification_weight:.0f}" in row("loss")


def test_constants_of_the_paper_preset():
    assert f"rho {CONFIG.adadelta_rho}, epsilon 1e-6" in row("Adadelta")
    assert CONFIG.adadelta_epsilon == 1e-6 and CONFIG.learning_rate == 1
    assert f"momentum {CONFIG.normalization_momentum}" in row("normalisation's constants")
    assert CONFIG.normalization_epsilon == 1e-5 and "epsilon 1e-5" in row(
        "normalisation's constants"
    )
    assert CONFIG.precision in row("precision")
    assert f"{CONFIG.batch_size}, {CONFIG.steps:,}" in row("batch, updates")


def test_the_first_update_of_adadelta_with_the_epsilon_of_keras_is_a_third_as_long():
    """sqrt(epsilon) is the first update's numerator."""
    assert np.sqrt(1e-7 / CONFIG.adadelta_epsilon) == pytest.approx(1 / 3, rel=0.06)


def test_chroma_of_the_weights_that_ship():
    content = json.loads((ROOT / "weights" / "config.json").read_text())
    chroma = content.get("settings", content)["chroma"]
    assert f"ship: {chroma:g}" in row("chroma factor")
    assert CONFIG.chroma == 1 and "1 in `paper`" in row("chroma factor")


def test_the_architecture_names_every_file():
    page = (ROOT / "docs" / "architecture.md").read_text()
    files = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("colornet/**/*.py")]
    missing = [file for file in files if not re.search(rf"`{file}[:`]", page)]
    assert [file for file in missing if not file.endswith("__init__.py")] == []
