"""The pages: commands that the scripts understand, files that exist, examples that run."""

import importlib
import pathlib
import re
import shlex

import numpy as np
import pytest
from network.test_build_model import PAPER as LAYERS
from network.test_build_model import PARAMETERS

import build_model as network
import config
from colornet import shell
from colornet.config import FIELDS, load_config, read_config
from colornet.network.vocabulary import UP
from colornet.versions import VERSION

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "colornet" / "weights" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
TEXT = "\n".join(page.read_text() for page in PAGES)


def commands(text):
    """Lines of blocks without a language, and code within lines, where "…" leaves nothing out."""
    text = re.sub(r" *\\\n *", " ", text)  # lines that go on
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.S | re.M)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M))
    return [line for line in lines if "…" not in line]


LINES = [line for page in PAGES for line in commands(page.read_text())]
COMMANDS = sorted({line for line in LINES if re.match(r"(\.venv/bin/)?python \w+\.py( |$)", line)})
SCRIPTS = sorted({shlex.split(command)[1] for command in COMMANDS})


def test_the_pages_have_every_script():
    scripts = {path.name for path in ROOT.glob("*.py")} - {"config.py"}
    assert [script for script in scripts if f"python {script}" not in TEXT] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_understood(command, monkeypatch):
    """The script's own parser and settings accept it; nothing is run."""
    monkeypatch.setitem(config.PRESETS, "straight", config.PRESETS["compact"])  # of the page
    parsed = []
    monkeypatch.setattr(shell, "run", lambda work, options: parsed.append(options) or 0)
    _, script, *arguments = shlex.split(command)
    script = script.removesuffix(".py")
    assert importlib.import_module(script).main(arguments) == 0
    options = vars(parsed[0])
    if "set" in options:
        load_config(config.PRESETS, options["preset"], options["set"], script)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_shows_how_a_script_is_called(script, capsys):
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(script.removesuffix(".py")).main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert f"python {script} " in shown or "colornet " in shown


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = [line.split()[1] for line in LINES if re.match(r"make [a-z-]+$", line)]
    assert targets
    for target in targets:
        assert f"\n{target}:" in makefile


def test_files_that_pages_name_exist():
    names = re.findall(r"`((?:colornet|tests|benchmarks|docs|samples|web)/[\w./-]*\w\.\w+)", TEXT)
    missing = sorted({name for name in names if not (ROOT / name).exists()})
    assert names and not missing


def test_the_layer_table_is_that_of_the_network():
    from colornet.network import model

    def cell(convolutions, *connected):
        rows = [row if row == UP else f"/{row[1]} {row[2]}" for row in convolutions]
        return " · ".join(rows + [f"FC {units}" for units in connected])

    cells = {
        "low_level": cell(model.LOW_LEVEL),
        "global": cell(model.GLOBAL_CONVOLUTIONS, *model.GLOBAL_DENSE),
        "mid_level": cell(model.MID_LEVEL),
        "fusion": "1 × 1 on [global; mid]",
        "colorization": cell([*model.COLORIZATION, (3, 1, model.CHROMINANCE)]),
        "classification": cell([], model.CLASSIFICATION, 205),
    }
    for name, text in cells.items():
        title = name.replace("_", "-") + " features" * (
            name in ("low_level", "global", "mid_level")
        )
        shape = " × ".join(map(str, LAYERS[name][-1][-1]))
        assert f"| {title} | {text} | {shape} | {PARAMETERS[name]:,} |" in TEXT
    assert f"| | | | {sum(PARAMETERS.values()):,} |" in TEXT


def test_what_a_run_folder_contains():
    from colornet.training.run_folder import RunFolder

    tree = README[README.index("runs/mine/\n") :]
    paths = [path for path in vars(RunFolder("runs/mine")).values() if path != "runs/mine"]
    assert len(paths) > 5
    for path in paths:
        assert re.search(rf"[├└]── {re.escape(pathlib.Path(path).name)}/?\s", tree), path


def test_the_table_of_settings_is_that_of_the_code():
    """`python tests/test_pages.py` writes it."""
    assert (ROOT / "docs" / "settings.md").read_text() == settings_page()


def settings_page():
    """docs/settings.md, made of the declarations in colornet/config.py."""
    lines = [
        "# Settings", "",
        "`colornet/config.py` declares them; the defaults are the paper's. `--set name=value` "
        "changes one. A resumed run may change those marked R.", "",
        "| setting | default | unit and meaning | values | scripts |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for name, field in FIELDS.items():
        data = field.metadata
        scripts = ", ".join(f"`{script}.py`" for script in data["scripts"]) or "filled in"
        mark = " R" if data["resumable"] else ""
        default = f"{field.default:.6g}" if isinstance(field.default, float) else field.default
        cells = [f"`{name}`{mark}", f"`{default}`" if default != "" else "empty",
                 data["unit"].replace("|", "or"), data["allowed"][0], scripts]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_the_version_is_one():
    assert f"\nversion: {VERSION}\n" in (ROOT / "CITATION.cff").read_text()
    assert re.search(rf"## \[?{VERSION}", (ROOT / "CHANGELOG.md").read_text())


def test_the_examples_in_python_run(tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mine").symlink_to(ROOT / "colornet" / "weights")
    monkeypatch.chdir(tmp_path)
    (color,) = re.findall(r"```python\n(.*?)```", README, re.S)
    export = (ROOT / "docs" / "export.md").read_text()
    (keras,) = re.findall(r"```python\n(.*?)```", export, re.S)
    names = {"pixels": np.zeros((30, 40), np.uint8)}
    exec(color, names)
    assert names["rgb"].shape == (30, 40, 3)
    names = {"build_model": network.build_model, "read_config": read_config}
    exec(keras, names | {"luminance": np.zeros((1, 128, 128, 1), np.float32)}, names)
    assert names["chrominance"].shape == (1, 64, 64, 2)


if __name__ == "__main__":
    (ROOT / "docs" / "settings.md").write_text(settings_page())
