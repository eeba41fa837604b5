"""What the benchmarks share.

Importing it puts the project on Python's path, and has TensorFlow imported without remarks.
"""

import argparse
import concurrent.futures
import multiprocessing
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


class Usage(NamedTuple):
    """What a process took, imports included: seconds, those of all its cores, peak megabytes."""

    seconds: float
    of_cores: float
    megabytes: float


def parser(doc: str | None) -> argparse.ArgumentParser:
    """An ArgumentParser that shows a benchmark's docstring."""
    return argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def bar(holds: bool, text: str) -> bool:
    """Print whether a bar that the project set itself holds; returns that."""
    print(f"  {'holds ' if holds else 'MISSED'}  {text}", flush=True)
    return holds


def run_script(script: str, *arguments: str | os.PathLike[str]) -> Usage:
    """What a script of the project took, run in a process of its own; exits if it fails."""
    command = [sys.executable, ROOT / script, *arguments]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        remarks = process.stderr.read().decode(errors="replace") if process.stderr else ""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{remarks[-2000:]}")
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """A function's result from a process of its own: a large parent would count as its children.

    For the same reason such a function imports what is large by itself.
    """
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(function, *arguments).result()
