"""`--help` answers at once: parsers import nothing that is slow to import."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
HELP = """
import runpy, sys
sys.argv = [sys.argv[1], "--help"]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print("imported", *sys.modules)
"""
SLOW_TO_IMPORT = {
    "numpy", "PIL", "tqdm", "tensorflow", "keras", "skimage", "scipy", "h5py", "av", "matplotlib",
    "imagecodecs", "tifffile", "pillow_heif", "ai_edge_litert",
}  # fmt: skip


@pytest.mark.parametrize(
    "script", sorted({path.name for path in ROOT.glob("*.py")} - {"config.py"})
)
def test_help_comes_at_once(script):
    command = [sys.executable, "-c", HELP, script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    text, _, modules = done.stdout.rpartition("imported")
    assert "usage" in text and "exit codes" in text
    assert not SLOW_TO_IMPORT & set(modules.split())
