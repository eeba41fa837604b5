"""Benchmarks stay runnable: what they import is there, late imports too, and --help is quick."""

import importlib
import pathlib
import pkgutil
import subprocess
import sys

import pytest
from test_house import HELP, SLOW_TO_IMPORT, imports

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "benchmarks"
ELSEWHERE = {"pytorch_network", "pytorch_forward"}  # run by a Python that has PyTorch
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
    for imported, top, _ in imports((FOLDER / f"{name}.py").read_text()):
        assert top or pkgutil.resolve_name(imported)


@pytest.mark.parametrize("name", ["films", "records", "training", "transform"])
def test_help_comes_at_once(name, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))  # where Python looks first that runs a script
    command = [sys.executable, "-c", HELP, FOLDER / f"{name}.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    text, _, modules = done.stdout.rpartition("imported")
    assert f"usage: {name}.py" in text
    assert not (SLOW_TO_IMPORT | {"av"}) & set(modules.split())
