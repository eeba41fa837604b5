"""Versions of the code and of the libraries that it computes with."""

import importlib.metadata
import pathlib
import platform
import subprocess
from typing import Any

VERSION = "0.3.0"
LIBRARIES = ("tensorflow", "keras", "numpy")
_ROOT = pathlib.Path(__file__).resolve().parent.parent


def versions() -> dict[str, Any]:
    """Dict of "version", in a git checkout "commit" ("-dirty": edited since), and "libraries"."""
    found = {"version": VERSION}
    commit = _commit()
    if commit:
        found["commit"] = commit
    libraries = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            libraries[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # LiteRT alone colours, too
            continue
    return {**found, "libraries": libraries}


def _commit() -> str | None:
    if not (_ROOT / ".git").exists():
        return None
    command = ["git", "-C", str(_ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=5, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
