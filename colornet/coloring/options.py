"""Options that the commands that color share."""

import argparse
import os
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from colornet import shell
from colornet.network.vocabulary import ENGINES

COLORIZER_OPTIONS = (
    "engine",
    "precision",
    "device",
    "chroma",
    "working_size",
    "mount",
)  # and its arguments


def add_options(arguments: argparse.ArgumentParser) -> None:
    """Add the options COLORIZER_OPTIONS, in the groups "colors" and "computing"."""
    add = arguments.add_argument_group("colors").add_argument
    add("--chroma", type=shell.number(float, 0, 100), metavar="F",
        help="strength of the colors (default: the model's)")  # fmt: skip
    add("--working-size", type=_working_size, metavar="N|full",
        help="most pixels of a side that the network sees (default: the model's)")  # fmt: skip
    add("--mount", type=_mount, metavar="on|off",
        help="on: a scanned print's mount stays without color (default: the model's)")  # fmt: skip
    add = arguments.add_argument_group("computing").add_argument
    add("--engine", choices=ENGINES, default="auto",
        help="inference engine; auto: LiteRT on CPUs where the model has a file for it "
        "(model_export.py), else TensorFlow")  # fmt: skip
    add("--precision", choices=("float32", "bfloat16"), default="float32",
        help="of TensorFlow: bfloat16 is nearly twice as fast on CPUs that have it, and off by a "
        "level or two (default: float32)")  # fmt: skip
    add("--device", type=_device, default="auto", metavar="cpu|gpu|gpu:N",
        help="gpu:1 is the second GPU (default: the first GPU that TensorFlow finds, else "
        "cpu)")  # fmt: skip


def _mount(text: str) -> bool:
    if text in ("on", "off"):
        return text == "on"
    raise argparse.ArgumentTypeError(f"expected on or off; got {text!r}")


def colorizer_arguments(options: object, pictures: int) -> dict[str, Any]:
    """Return the arguments of `Colorizer` for a number of pictures.

    Args:
        options: an object with the attributes COLORIZER_OPTIONS, as `add_options` defines them.
        pictures: how many are going to be colored.
    """
    at_once = max(1, min(pictures, os.cpu_count() or 1))
    return {"at_once": at_once, **{name: getattr(options, name) for name in COLORIZER_OPTIONS}}


def _device(text: str) -> str:
    if re.fullmatch(r"auto|cpu|gpu(:\d+)?", text):
        return text
    raise argparse.ArgumentTypeError(f"expected cpu, gpu, or gpu:1 and so on; got {text!r}")


def _working_size(text: str) -> int:
    """Pixels, 0 for "full"."""
    if text == "full":
        return 0
    if text.isdecimal() and int(text) >= 8:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected 8 or more pixels, or full; got {text!r}")


def film_time(text: str) -> Fraction:
    """Reader of a time in a film: seconds, or hours:minutes:seconds; in seconds."""
    if re.fullmatch(r"(\d{1,9}:){0,2}\d{1,9}(\.\d+)?", text, re.ASCII):
        *larger, seconds = map(Fraction, text.split(":"))
        return sum((part * 60**place for place, part in enumerate(larger[::-1], 1)), seconds)
    raise argparse.ArgumentTypeError(
        f"expected a time such as 90 or 1:30 or 0:01:30.5; got {text!r}"
    )


def print_scenes(name: str, scenes: Iterable[tuple[str, float]]) -> None:
    """Print the likeliest scenes [(class, probability)] of a picture or shot."""
    print(f"{name}: {', '.join(f'{scene} {100 * share:.1f} %' for scene, share in scenes)}")
