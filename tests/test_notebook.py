"""The Colab notebook, from its first cell to its last."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_the_notebook_runs(tmp_path, monkeypatch):
    """With the clone replaced by one of this checkout, and what is installed here."""
    import nbclient
    import nbformat

    notebook = nbformat.read(ROOT / "docs" / "colab.ipynb", as_version=4)
    (install,) = [cell for cell in notebook.cells if "REPOSITORY =" in cell.source]
    install.source = install.source.replace(
        '"https://github.com/OWNER/let-there-be-color"', repr(f"file://{ROOT}")
    )
    lines = install.source.splitlines()
    install.source = "\n".join(line for line in lines if not line.startswith("!pip"))
    monkeypatch.setenv("PATH", f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}")
    client = nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    printed = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ())
    )
    assert "5 colored" in printed and "step 40" in printed and "ratio of rmse_ab" in printed
    assert "error" not in printed.lower().replace("standard error", "")
    clone = tmp_path / "let-there-be-color"
    done = subprocess.run(["git", "-C", clone, "log", "-1", "--format=%H"], capture_output=True)
    assert done.returncode == 0
