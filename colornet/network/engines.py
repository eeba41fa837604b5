"""What computes a trained network: LiteRT on processors, TensorFlow on everything."""

import ctypes.util
import dataclasses
import glob
import importlib.util
import os
import sys
from typing import Protocol

import numpy as np

from colornet import shell
from colornet.config import FIELDS, Config, differences, read_config
from colornet.errors import UserError
from colornet.network import litert_file
from colornet.network.litert_engine import LiteRTEngine
from colornet.network.vocabulary import BEST_WEIGHTS, settings_path, trained_files


class Engine(Protocol):
    """A trained network, ready for pictures of any size; several threads may call it.

    Attributes:
        config: the network's settings, with class_names.
        name: for people: what computes, and in which precision.
        source: the file whose weights are used.
    """

    config: Config
    name: str
    source: str

    def describe(self, luminance: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """What a picture is like as a whole; None for what the network does not have.

        Args:
            luminance: float32 (batch, crop_size, crop_size, 1) in [0, 1].

        Returns:
            global features (batch, 256 width), scene probabilities (batch, num_classes).
        """

    def color(self, luminance: np.ndarray, features: np.ndarray | None) -> np.ndarray:
        """Chrominance (batch, ceil(height/2), ceil(width/2), 2) in [0, 1].

        Args:
            luminance: float32 (batch, height, width, 1) in [0, 1].
            features: global ones, another picture's for style transfer (section 4.5); None where
                the network has none.

        Raises:
            MemoryError: with what to try.
        """


def load_engine(
    path: str | os.PathLike[str],
    engine: str = "auto",
    precision: str = "float32",
    device: str = "auto",
    at_once: int = 1,
) -> Engine:
    """A trained network, ready for pictures of any size.

    Args:
        path: run folder; weights file with its config.json beside it; a file that
            model_export.py made; or, as installed, a folder of that file and config.json alone.
        engine: one of `vocabulary.ENGINES`. "auto" takes LiteRT where an export of these weights
            lies beside them, unless there is a GPU or the precision asks for TensorFlow.
        precision: Keras dtype policy of the TensorFlow engine, "float32" or "bfloat16".
        device: "cpu", "gpu", or "gpu:1" for the second; "auto": the first GPU, if there is one.
        at_once: calls that are going to be made at a time, which share the processor's cores.

    Raises:
        UserError: a file is missing, damaged, or does not fit the others.
    """
    installed = _installed(path)
    exported = bool(installed) or os.fspath(path).endswith(litert_file.ENDING)
    _check_choice(path, exported, engine, precision, device)
    if installed:
        export = _export_of(installed, None, settings_path(path))
        return LiteRTEngine(installed, export, at_once)
    if exported:
        return LiteRTEngine(path, at_once=at_once)
    if engine != "tensorflow" and precision == "float32" and not device.startswith("gpu"):
        if beside := _engine_beside(path, engine, device, at_once):
            return beside
    # TensorFlow takes seconds to import.
    shell.import_tensorflow()
    from colornet.network import tensorflow_engine

    with shell.native_remarks_hidden():
        return tensorflow_engine.load_tensorflow(path, precision, device)


def _installed(path: str | os.PathLike[str]) -> str | None:
    """The export in a folder without weights, which is what a wheel holds; None elsewhere."""
    exported = litert_file.path_beside(os.path.join(path, BEST_WEIGHTS))
    try:
        trained_files(path)
    except UserError:
        return exported if os.path.exists(exported) else None
    return None


def _check_choice(
    path: str | os.PathLike[str], exported: bool, engine: str, precision: str, device: str
) -> None:
    """Raise UserError where an engine is asked for what it cannot do."""
    on_gpu = device.startswith("gpu")
    if engine == "litert" and precision != "float32":
        raise UserError(
            f"--precision {precision} is of the TensorFlow engine; that of a LiteRT file is "
            "decided by model_export.py --kind"
        )
    if engine == "litert" and on_gpu:
        raise UserError(f"--device {device} is of the TensorFlow engine; LiteRT has processors")
    if exported and (engine == "tensorflow" or precision != "float32" or on_gpu):
        raise UserError(
            f"{path}: LiteRT alone computes exported files; expected a run folder or a weights "
            "file for --engine tensorflow, --precision and GPUs"
        )


def _engine_beside(
    path: str | os.PathLike[str], engine: str, device: str, at_once: int
) -> LiteRTEngine | None:
    """The engine of an export beside weights; None where "auto" finds none that serves."""
    weights, settings = trained_files(path)
    exported = litert_file.path_beside(weights)
    if engine == "auto" and (not os.path.exists(exported) or (device != "cpu" and _has_gpu())):
        return None
    try:
        return LiteRTEngine(exported, _export_of(exported, weights, settings), at_once)
    except UserError as error:
        if engine == "litert":
            raise
        print(f"{error}; TensorFlow is used instead", file=sys.stderr)
        return None


def _export_of(exported: str, weights: str | None, settings: str) -> litert_file.Export:
    """The Export in a file, with the settings beside it.

    Raises:
        UserError: it is not of these settings, or not of these weights, if there are any.
    """
    again = f"python model_export.py {weights or 'WEIGHTS'} {exported} makes it anew"
    if not os.path.exists(exported):
        raise UserError(f"{exported}: no such file; {again}")
    export, config = litert_file.read_export(exported), read_config(settings)
    differs = [
        name for name in differences(export.config, config) if FIELDS[name].metadata["exported"]
    ]
    if differs or (weights and export.weights != litert_file.fingerprint(weights)):
        raise UserError(f"{exported}: not made of {weights or settings} as it is now; {again}")
    return dataclasses.replace(export, config=config)


def _has_gpu() -> bool:
    """Whether TensorFlow is likely to find a GPU; to ask it would take seconds."""
    return (
        os.environ.get("CUDA_VISIBLE_DEVICES") not in ("", "-1")
        and bool(glob.glob("/dev/nvidia[0-9]*"))
        and bool(importlib.util.find_spec("nvidia") or ctypes.util.find_library("cudnn"))
    )
