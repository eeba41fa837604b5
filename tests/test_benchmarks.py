"""Benchmarks stay runnable: what they import is there, late imports too, and --help is quick."""

import argparse
import ast
import importlib
import pathlib
import pkgutil
import re
import shlex
import subprocess
import sys

import pytest
from test_help import HELP, SLOW_TO_IMPORT
from test_pages import PAGES

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "benchmarks"
ELSEWHERE = {"pytorch_network", "pytorch_forward"}  # run by a Python that has PyTorch
PATTERN = r"python benchmarks/(\w+\.py[^`\n]*)"
COMMANDS = {command for page in PAGES for command in re.findall(PATTERN, page.read_text())}
NAMES = sorted({path.stem for path in FOLDER.glob("*.py")} - ELSEWHERE)


@pytest.fixture
def load(monkeypatch):
    """Imports a benchmark as Python does that runs it."""
    monkeypatch.syspath_prepend(FOLDER)
    yield importlib.import_module
    for name in NAMES:  # some are called as rooms of the tests are
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_can_be_imported(name, load):
    load(name)


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_what_runs_elsewhere_compiles(name):
    path = FOLDER / f"{name}.py"
    compile(path.read_text(), path, "exec")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_benchmark_imports_late_is_there(name, load):
    for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text())):
        if isinstance(node, ast.ImportFrom):
            assert all(pkgutil.resolve_name(f"{node.module}.{each.name}") for each in node.names)


class Parsed(Exception):
    """Carries the arguments that a parser did not understand."""


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_command_of_a_page_is_understood(command, load, monkeypatch):
    """The benchmark's own parser takes all of it; nothing is run."""
    parse = argparse.ArgumentParser.parse_known_args

    def parse_alone(*arguments):
        raise Parsed(*parse(*arguments)[1])

    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", parse_alone)
    script, *arguments = shlex.split(command)
    with pytest.raises(Parsed) as parsed:
        load(script.removesuffix(".py")).main(arguments)
    assert not parsed.value.args


@pytest.mark.parametrize("name", ["films", "records", "training", "transform"])
def test_help_comes_at_once(name, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))  # where Python looks first that runs a script
    command = [sys.executable, "-c", HELP, FOLDER / f"{name}.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    text, _, modules = done.stdout.rpartition("imported")
    assert f"usage: {name}.py" in text
    assert not (SLOW_TO_IMPORT | {"av"}) & set(modules.split())
