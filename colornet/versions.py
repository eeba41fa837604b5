"""Versions of the code and of the libraries that it computes with."""

import importlib.metadata
import pathlib
import platform
import subprocess
from typing import Any

VERSION = "0.3.0"
PACKAGES = ("ai-edge-litert", "tensorflow", "keras", "numpy", "pillow", "av", "pillow-heif",
            "tifffile", "imagecodecs")  # fmt: skip
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


def report() -> str:
    """Return what a bug report needs: version, commit, Python, packages, and CPU."""
    found = versions()
    lines = [f"colornet {found['version']} {found.get('commit', '')}".rstrip()]
    lines.append(f"Python {platform.python_version()}, {platform.platform()}, {_processor()}")
    for name in PACKAGES:
        try:
            lines.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            lines.append(f"{name}: not installed")
    return "\n".join(lines)


def _processor() -> str:
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        return next(
            line.partition(":")[2].strip()
            for line in text.splitlines()
            if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor()
