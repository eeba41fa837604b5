"""Benchmarks stay runnable: what they import is there, late imports too, and they know --help."""

import importlib
import pathlib
import pkgutil
import sys

import pytest
from test_house import imports

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


@pytest.mark.parametrize("name", NAMES)
def test_what_a_benchmark_imports_late_is_there(name):
    for imported, top, _ in imports((FOLDER / f"{name}.py").read_text()):
        assert top or pkgutil.resolve_name(imported)


@pytest.mark.parametrize("name", ["films", "records", "training", "transform"])
def test_benchmark_can_be_asked_for_help(name, load, capsys):
    with pytest.raises(SystemExit) as ended:
        load(name).main(["--help"])
    assert ended.value.code == 0
    assert "usage" in capsys.readouterr().out
