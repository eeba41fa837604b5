"""A trained network on disk: a weights file (HDF5) and, beside it, its settings (config.json).

Weights files are Keras's own: `model.load_weights` reads them too. Here they are read by the names
of layers, which Keras writes beside the numbers and does not look at, and as numbers alone: nothing
is unpickled, no code is loaded, no other file is opened.
"""

import io
import math
import os
from typing import TYPE_CHECKING

import numpy as np

from colornet.config import Config, read_config
from colornet.errors import UserError
from colornet.files import whole_file
from colornet.network.folding import fold
from colornet.network.model import build_model
from colornet.network.vocabulary import trained_files

if TYPE_CHECKING:
    import h5py
    import keras

# Variables of a layer in the order in which Keras numbers them.
LAYER = ("kernel", "bias")
NORMALIZATION = ("gamma", "beta", "moving_mean", "moving_variance")
MOST_EXPANSION = 16  # bytes of weights for a byte of file, at most: compressed ones are few times


def save_weights(model: "keras.Model", path: str | os.PathLike[str]) -> None:
    """Write the weights of a built keras.Model as Keras does, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """

    content = _WeightsInMemory()
    model.save_weights(content)
    with whole_file(path) as file:
        file.write(content.getbuffer())


class _WeightsInMemory(io.BytesIO):
    """What Keras takes for a path: on a full disk HDF5 would end the process by a crash."""

    def __str__(self) -> str:
        return "memory.weights.h5"


def read_weights(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """{path of variable, such as "low_level_1/kernel": array} of a weights file.

    Files of `save_weights` and of Keras's `save_weights`, and older ones, in which datasets have
    these paths.

    Raises:
        UserError: the file is missing or damaged, holds other things than numbers in itself, or
            numbers that are not finite, or variances below 0.
    """
    import h5py

    datasets = {}
    try:
        with h5py.File(path, "r") as file:
            # Follows no link into other files.
            file.visititems(
                lambda name, item: (
                    datasets.update({name: item})
                    if isinstance(item, h5py.Dataset) and not name.startswith("optimizer/")
                    else None
                )
            )
            _check_plain(datasets, os.path.getsize(path))
            weights = {_variable(item): item[()] for item in datasets.values()}
    except FileNotFoundError:
        raise UserError(f"{path}: no such weights file") from None
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UserError(f"{path}: expected weights (HDF5), cannot read them: {reason}") from None
    for name, value in weights.items():
        with np.errstate(over="ignore"):
            finite = np.isfinite(value.astype(np.float32)).all()  # as networks have it
        if not finite:
            raise UserError(f"{path}: weights are not finite in {name}")
        if name.endswith("moving_variance") and (value < 0).any():
            raise UserError(f"{path}: a variance is below 0 in {name}")
    return weights


def _check_plain(datasets: "dict[str, h5py.Dataset]", file_bytes: int) -> None:
    """Raise ValueError unless all datasets are floats that lie in the file itself."""
    for name, item in datasets.items():
        if item.dtype.kind != "f" or item.shape is None:
            raise ValueError(f"{name}: expected numbers, found {item.dtype}")
        if item.external or item.is_virtual:
            raise ValueError(f"{name}: its numbers lie in another file")
    total = sum(math.prod(item.shape) * item.dtype.itemsize for item in datasets.values())
    if total > MOST_EXPANSION * file_bytes:
        raise ValueError(f"{total:,} bytes of numbers in a file of {file_bytes:,}")


def _variable(dataset: "h5py.Dataset") -> str:
    """The path of the variable that a dataset holds."""
    path, attributes = dataset.name.strip("/"), dataset.parent.attrs
    if "name" not in attributes or attributes.get_id("name").shape != ():
        return path
    layer, number = attributes["name"], int(path.rpartition("/")[2])
    return f"{layer}/{(NORMALIZATION if layer.endswith('_norm') else LAYER)[number]}"


def load_weights(model: "keras.Model", path: str | os.PathLike[str], epsilon: float) -> None:
    """Read what `save_weights` wrote of a trained network into its `folded` form.

    `epsilon` as of `fold`.

    Raises:
        UserError: the file is missing, damaged, or of another network; nothing is changed then.
    """
    try:
        values = fold(read_weights(path), epsilon)
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{path}: weights of another network: {error.args[0]} is missing or does not fit"
        ) from None
    _check_fit(model, values, path)
    for variable in model.weights:
        variable.assign(values[variable.path])


def start_from(model: "keras.Model", config: Config) -> None:
    """Give a network that will be trained the weights of `config.initial_weights`.

    The scene classifier stays as it is where the classes are others.

    Raises:
        UserError: a file is missing, damaged, or of another network; nothing is changed then.
    """
    path, settings = trained_files(config.initial_weights)
    values = read_weights(path)
    same_classes = read_config(settings).class_names == config.class_names
    wanted = [
        variable
        for variable in model.weights
        if same_classes or not variable.path.startswith("classification")
    ]
    for variable in wanted:
        found = getattr(values.get(variable.path), "shape", None)
        if found != tuple(variable.shape):
            raise UserError(
                f"{path}: weights of another network; {variable.path}: expected "
                f"{tuple(variable.shape)}, got {found or 'none'}; use the settings of {settings}, "
                "or other initial_weights"
            )
    for variable in wanted:
        variable.assign(values[variable.path])


def _check_fit(
    model: "keras.Model", values: dict[str, np.ndarray], path: str | os.PathLike[str]
) -> None:
    expected = {variable.path: tuple(variable.shape) for variable in model.weights}
    found = {name: value.shape for name, value in values.items()}
    if expected == found:
        return
    wrong = sorted(name for name in expected if found.get(name) != expected[name])
    wrong = wrong or sorted(set(found) - set(expected))
    raise UserError(
        f"{path}: weights of another network; {wrong[0]}: expected "
        f"{expected.get(wrong[0], 'none')}, got {found.get(wrong[0], 'none')} "
        f"({len(wrong)} such); use the config.json that belongs to them"
    )


def load_trained(
    path: str | os.PathLike[str], precision: str = "float32"
) -> "tuple[keras.Model, Config]":
    """A trained network and its settings.

    Args:
        path: a run folder, or a weights file with its config.json beside it.
        precision: a Keras dtype policy, "bfloat16" for the fastest on processors that have it.

    Returns:
        (model, config): a `folded` one of `build_model`, and its `Config`.

    Raises:
        UserError: a file is missing, damaged, or does not fit the other.
    """
    weights, settings = trained_files(path)
    config = read_config(settings)
    try:
        model = build_model(config, precision, folded=True)
    except Exception as error:
        if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":
            raise
        raise UserError(
            f"{settings}: memory does not suffice for the network of these settings (width="
            f"{config.width:g}, crop_size={config.crop_size}, num_classes={config.num_classes}); "
            f"use the config.json that belongs to {weights}"
        ) from None
    load_weights(model, weights, config.normalization_epsilon)
    return model, config
