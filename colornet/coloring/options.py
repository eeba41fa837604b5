"""What the scripts that colour share on the command line."""

import argparse
import os
import re
from typing import Any

from colornet import shell

NAMES = ("engine", "precision", "device", "chroma", "working_size")  # of Colorizer's arguments


def add_options(arguments: argparse.ArgumentParser) -> None:
    """Add the options that `given` understands."""
    add = arguments.add_argument
    add(
        "--engine",
        choices=("auto", "litert", "tensorflow"),
        default="auto",
        help="what computes the network; auto: LiteRT on processors where the model has a file for "
        "it (model_export.py), else TensorFlow",
    )
    add(
        "--precision",
        choices=("float32", "bfloat16"),
        default="float32",
        help="of TensorFlow: bfloat16 is nearly twice as fast on processors that have it, and off "
        "by a level or two (float32)",
    )
    add(
        "--device",
        type=_device,
        default="auto",
        metavar="cpu|gpu|gpu:N",
        help="gpu:1 is the second one (default: the first GPU that TensorFlow finds, else cpu)",
    )
    add(
        "--chroma",
        type=shell.number(float, 0, 100),
        metavar="F",
        help="strength of the colours (default: the model's)",
    )
    add(
        "--working-size",
        type=shell.working_size,
        metavar="N|full",
        help="most pixels of a side that the network sees (default: the model's)",
    )


def given(options: argparse.Namespace, pictures: int) -> dict[str, Any]:
    """Arguments of `Colorizer` from the command line's, and from how many pictures there are."""
    at_once = min(pictures, os.cpu_count() or 1)
    return {"at_once": at_once, **{name: getattr(options, name) for name in NAMES}}


def _device(text: str) -> str:
    if re.fullmatch(r"auto|cpu|gpu(:\d+)?", text):
        return text
    raise argparse.ArgumentTypeError(f"expected cpu, gpu, or gpu:1 and so on; got {text!r}")
