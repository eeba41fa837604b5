"""Benchmarks stay runnable: each is imported, which finds modules that have moved from under it."""

import importlib.util
import pathlib

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "benchmarks"
ELSEWHERE = {"pytorch_network", "pytorch_forward"}  # run by a Python that has PyTorch


@pytest.mark.parametrize(
    "path",
    [path for path in FOLDER.glob("*.py") if path.stem not in ELSEWHERE],
    ids=lambda path: path.stem,
)
def test_benchmark_can_be_imported_and_asked_for_help(path, capsys):
    spec = importlib.util.spec_from_file_location(f"benchmark_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(SystemExit) as ended:
        module.main(["--help"])
    assert ended.value.code == 0
    assert "usage" in capsys.readouterr().out
