"""The pages of docs/ name what exists, and the README's table of differences says what is so."""

import ast
import json
import pathlib
import re

import numpy as np
import pytest

from colornet.network.vocabulary import UP
from colornet.pictures import colorspace
from colornet.pictures.stretching import BEYOND, BLACK, WHITE
from presets import load_config

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
FEATURES = ("low_level", "global", "mid_level")


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

LINES = TABLE[TABLE.index("| | the paper | the authors' release | here |") :].splitlines()[2:]
CELLS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in LINES if line[:1] == "|"]
ROWS = {title: cells for title, *cells in CELLS}
# (the paper's, the release's): a row that is not here has none.
THEIRS = {
    "layers, kernels, strides, outputs": ("1", ""),  # table 1
    "input": ("", "0.299 0.587 0.114"),
    "global path's copy": ("224 224", "224 224"),
    "normalisation's constants": ("", "0.1 1e-5"),
    "chrominance": ("", "100 2 1"),
    "loss": ("300", ""),
    "training pictures": ("256 224", ""),
    "Adadelta": ("", "0.9 1e-6"),
    "batch, updates": ("128 200,000", ""),
    "precision": ("", "32"),
    "start of the weights": ("", "1 0 1"),
    "picture sides": ("", "8"),
    "weights that ship": ("", "205"),
}


def numbers(cell):
    return re.findall(r"(?<!-)(?<!\.h)\d+(?:[.,]\d+)*(?:e-\d+)?", cell)


def numbers_here():
    """{row: numbers of its last column}, of the code, the settings and the measurements."""
    size, side = CONFIG.picture_size, CONFIG.crop_size
    corners = (size - side) // 2 + 1, size - side + 1
    ends = colorspace.decode_chrominance(np.array([0, 1], np.float32))
    clipped = colorspace.encode_chrominance(np.array([-999, 999], np.float32))
    levels = colorspace.from_bytes(np.array([0, 1], np.float32))
    chroma_step = np.diff(colorspace.decode_chrominance(levels))[0]
    lightness_step = np.diff(colorspace.decode_luminance(levels))[0]
    ship = json.loads((ROOT / "colornet" / "colornet/weights" / "config.json").read_text())
    whole, middle = re.findall(
        r"^\| (?:the whole picture|its middle).* \| ([\d.]+) ± .* \| ([\d.]+) ± ",
        (ROOT / "docs" / "RESULTS.md").read_text(),
        re.M,
    )
    epsilons = CONFIG.normalization_epsilon, CONFIG.adadelta_epsilon
    norm_epsilon, adadelta_epsilon = (f"{epsilon:.0e}".replace("e-0", "e-") for epsilon in epsilons)
    rho, momentum = CONFIG.adadelta_rho, CONFIG.normalization_momentum
    return {
        "low-level weights": f"{side} {side}",
        "input": f"{colorspace.decode_luminance(np.float32(1)):.0f}"
        + f" {BLACK} {WHITE} {BEYOND}" * ship["settings"]["stretching"],
        "global path's copy": f"{whole[0]} {middle[0]} {whole[1]} {middle[1]}",
        "validation while training": f"{100 * side**2 / size**2:.0f}",
        "normalisation's constants": f"{momentum} {1 - momentum:.1f} {norm_epsilon} 1",  # n - 1
        "chrominance": f"{-ends[0]:.0f} {np.ptp(ends):.0f} {clipped[0]:.0f} {clipped[1]:.0f}",
        "targets": f"8 {chroma_step:.2f} {lightness_step:.2f}",
        "loss": f"1 {1 / CONFIG.classification_weight:.0f} {(side // 2) ** 2 * 2:,}",
        "crops": f"{corners[0]} {corners[0]} {corners[1]} {corners[1]}",
        "Adadelta": f"{CONFIG.learning_rate:g} {rho} {adadelta_epsilon}",
        "batch, updates": f"{CONFIG.batch_size} {CONFIG.steps:,}",
        "precision": CONFIG.precision.removeprefix("float"),
        "start of the weights": "2 1 0 1",  # test_kernels_start_with_the_variance_of_he
        "chroma factor": f"{CONFIG.chroma:g} {ship['settings']['chroma']:g}",
    }


def test_every_number_of_the_table_is_held():
    assert len(ROWS) > 20 and all(len(cells) == 3 for cells in ROWS.values())
    said = {title: [" ".join(numbers(cell)) for cell in cells] for title, cells in ROWS.items()}
    here = numbers_here()
    assert {*THEIRS, *here} <= set(ROWS)
    assert said == {t: [*THEIRS.get(t, ("", "")), here.get(t, "")] for t in ROWS}


def test_the_layer_table_is_that_of_the_network():
    from network.test_build_model import PAPER as LAYERS
    from network.test_build_model import PARAMETERS

    import build_model as network

    def cell(convolutions, *connected):
        rows = [row if row == UP else f"/{row[1]} {row[2]}" for row in convolutions]
        return " · ".join(rows + [f"FC {units}" for units in connected])

    cells = {
        "low_level": cell(network.LOW_LEVEL),
        "global": cell(network.GLOBAL_CONVOLUTIONS, *network.GLOBAL_DENSE),
        "mid_level": cell(network.MID_LEVEL),
        "fusion": "1 × 1 on [global; mid]",
        "colorization": cell([*network.COLORIZATION, (3, 1, network.CHROMINANCE)]),
        "classification": cell([], network.CLASSIFICATION, CONFIG.num_classes),
    }
    for (name, text), count in zip(cells.items(), PARAMETERS.values(), strict=True):
        title = name.replace("_", "-") + (" features" if name in FEATURES else "")
        shape = " × ".join(map(str, LAYERS[name][-1][-1]))
        assert f"| {title} | {text} | {shape} | {count:,} |" in TABLE
    assert f"| | | | {sum(PARAMETERS.values()):,} |" in TABLE


def test_the_page_has_the_same_numbers():
    here = {title: text.split() for title, text in numbers_here().items()}
    _, chroma, lightness = here["targets"]
    even, _, every, _ = here["crops"]
    for text in (
        f"{chroma} in a\\* and b\\*, of {lightness} in L\\*",
        f"{even} × {even} corners of the paper's {every} × {every}",
        f"{here['loss'][2]} numbers of a target",
        f"{here['validation while training'][0]} % of the area",
    ):
        assert text in PAPER


def test_the_first_update_of_adadelta_with_the_epsilon_of_keras_is_a_third_as_long():
    """sqrt(epsilon) is the first update's numerator."""
    assert np.sqrt(1e-7 / CONFIG.adadelta_epsilon) == pytest.approx(1 / 3, rel=0.06)


def test_the_architecture_names_every_file():
    page = (ROOT / "docs" / "architecture.md").read_text()
    files = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("colornet/**/*.py")]
    missing = [file for file in files if not re.search(rf"`{file}[:`]", page)]
    assert [file for file in missing if not file.endswith("__init__.py")] == []
