"""Every command of the README and of the other pages is one that the scripts understand."""

import importlib
import pathlib
import re
import shlex

import pytest

import config
from colornet import shell
from colornet.versions import VERSION

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "colornet" / "colornet/weights" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def commands(text):
    """Lines of blocks without a language, and code within lines, where "…" leaves nothing out."""
    text = re.sub(r" *\\\n *", " ", text)  # lines that go on
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.S | re.M)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M))
    return [line for line in lines if "…" not in line]


LINES = [line for page in PAGES for line in commands(page.read_text())]
COMMANDS = sorted({line for line in LINES if re.match(r"(\.venv/bin/)?python \w+\.py( |$)", line)})


def test_the_readme_has_every_script():
    named = {shlex.split(command)[1] for command in COMMANDS}
    assert {
        "input_create.py",
        "model_train.py",
        "model_transform.py",
        "model_evaluate.py",
        "model_export.py",
        "demo.py",
    } <= named


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
        config.load_config(options["preset"], options["set"], script)


@pytest.mark.parametrize("script", sorted({shlex.split(command)[1] for command in COMMANDS}))
def test_help_shows_how_a_script_is_called(script, capsys):
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(script.removesuffix(".py")).main(["--help"])
    assert ended.value.code == 0
    assert f"python {script} " in capsys.readouterr().out


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = [line.split()[1] for line in LINES if re.match(r"make [a-z-]+$", line)]
    assert targets
    for target in targets:
        assert f"\n{target}:" in makefile


def test_files_in_the_layout_exist():
    layout = README[README.index("## Layout") : README.index("## Tests")]
    for name in re.findall(r"`(\w+\.py)`", layout):
        assert (ROOT / name).exists(), name


def test_the_line_of_results_is_that_of_the_results():
    line = re.search(r"On ([\d,]+) photographs .* ([\d.]+) of grey's error, ([\d.]+) dB", README)
    results = (ROOT / "docs" / "RESULTS.md").read_text()
    pictures, ratio, decibels = line.groups()
    assert re.search(rf"^\| all \| {pictures} \|.* {ratio} ± .* \+{decibels} ±", results, re.M)


def test_what_a_run_folder_holds():
    from colornet.training.run_folder import RunFolder

    tree = README[README.index("runs/mine/\n") :]
    held = [path for path in vars(RunFolder("runs/mine")).values() if path != "runs/mine"]
    assert len(held) > 5
    for path in held:
        assert re.search(rf"[├└]── {re.escape(pathlib.Path(path).name)}/?\s", tree), path


def test_the_preset_of_the_page_works(monkeypatch):
    page = (ROOT / "docs" / "experiments.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", page, re.S)
    assert len(block.splitlines()) == 4
    monkeypatch.setattr("config.PRESETS", dict(config.PRESETS))
    exec(block, {"PRESETS": config.PRESETS})
    assert config.load_config("straight").zoom == 1 and config.load_config("straight").width == 0.5


def test_the_version_is_one():
    assert f"\nversion: {VERSION}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {VERSION}" in (ROOT / "CHANGELOG.md").read_text()
