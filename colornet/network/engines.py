"""What computes a trained network: LiteRT on processors, TensorFlow on everything."""

import ctypes.util
import dataclasses
import glob
import importlib.util
import os
import sys

from colornet.errors import UserError
from colornet.network import litert_file
from colornet.network.litert_engine import LiteRTEngine
from colornet.network.weights_files import trained_files
from config import read_config

ENGINES = ("auto", "litert", "tensorflow")
# Settings that an exported network has in its layers; the others may be changed beside it.
BUILT_IN = ("crop_size", "width", "use_global_features", "use_classification", "num_classes")


def load_engine(path, build_model, engine="auto", precision="float32", device="auto", at_once=1):
    """A trained network, ready for pictures of any size.

    Args:
        path: run folder; weights file with its config.json beside it; or a file that
            model_export.py made.
        build_model: as of `weights_files.load_trained`.
        engine: one of ENGINES. "auto" takes LiteRT where an export of these weights lies beside
            them, unless there is a GPU or the precision asks for TensorFlow.
        precision: Keras dtype policy of the TensorFlow engine, "float32" or "bfloat16".
        device: "cpu", "gpu", or "gpu:1" for the second; "auto": the first GPU, if there is one.
        at_once: calls that are going to be made at a time, which share the processor's cores.

    Returns:
        An object that several threads may call, with

        config: the network's `config.Config`, with class_names.
        name: for people: what computes, and in which precision.
        source: the file whose weights are used.
        describe(luminance): float32 (batch, crop_size, crop_size, 1) in [0, 1] to (global features
            (batch, 256 width), scene probabilities (batch, num_classes)); None for what the
            network does not have.
        color(luminance, features): float32 (batch, height, width, 1) in [0, 1] and global features,
            which are None where the network has none and another picture's for style transfer
            (section 5.3), to chrominance (batch, ceil(height/2), ceil(width/2), 2) in [0, 1].
            Raises MemoryError, with what to try.

        All arrays are numpy's.

    Raises:
        UserError: a file is missing, damaged, or does not fit the others.
    """
    if engine == "litert" and precision != "float32":
        raise UserError(
            f"--precision {precision} is of the TensorFlow engine; that of a LiteRT file is "
            "decided by model_export.py --kind"
        )
    on_gpu = device.startswith("gpu")
    if engine == "litert" and on_gpu:
        raise UserError(f"--device {device} is of the TensorFlow engine; LiteRT has processors")
    if os.fspath(path).endswith(litert_file.ENDING):
        if engine == "tensorflow" or precision != "float32" or on_gpu:
            raise UserError(
                f"{path}: LiteRT alone computes exported files; expected a run folder or a weights "
                "file for --engine tensorflow, --precision and GPUs"
            )
        return LiteRTEngine(path, at_once=at_once)
    if engine != "tensorflow" and precision == "float32" and not on_gpu:
        weights, settings = trained_files(path)
        exported = litert_file.path_beside(weights)
        if engine == "litert" or (os.path.exists(exported) and (device == "cpu" or not _has_gpu())):
            try:
                return LiteRTEngine(exported, _export_of(exported, weights, settings), at_once)
            except UserError as error:
                if engine == "litert":
                    raise
                print(f"{error}; TensorFlow is used instead", file=sys.stderr)
    # TensorFlow takes seconds to import.
    from colornet.network import tensorflow_engine

    return tensorflow_engine.load_tensorflow(path, build_model, precision, device)


def _export_of(exported, weights, settings):
    """The Export in a file, with the settings beside it; raises UserError unless it is of them."""
    again = f"python model_export.py {weights} {exported} makes it anew"
    if not os.path.exists(exported):
        raise UserError(f"{exported}: no such file; {again}")
    export, config = litert_file.read_export(exported), read_config(settings)
    differs = [name for name in BUILT_IN if getattr(export.config, name) != getattr(config, name)]
    if differs or export.weights != litert_file.fingerprint(weights):
        raise UserError(f"{exported}: not made of {weights} as it is now; {again}")
    return dataclasses.replace(export, config=config)


def _has_gpu():
    """Whether TensorFlow is likely to find a GPU; to ask it would take seconds."""
    return (
        os.environ.get("CUDA_VISIBLE_DEVICES") not in ("", "-1")
        and bool(glob.glob("/dev/nvidia[0-9]*"))
        and bool(importlib.util.find_spec("nvidia") or ctypes.util.find_library("cudnn"))
    )
