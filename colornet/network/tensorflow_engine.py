"""A trained network computed by TensorFlow: for GPUs, bfloat16, and runs without an export."""

import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from colornet.config import Config
from colornet.errors import UserError
from colornet.network.model import split_paths
from colornet.network.vocabulary import trained_files
from colornet.network.weights_files import load_trained


class TensorFlowEngine:
    """An `engines.Engine`.

    Args:
        describe, color: as of `functions`.
        config, name, source: attributes.
    """

    def __init__(
        self,
        describe: Callable[..., Any] | None,
        color: Callable[..., Any],
        config: Config,
        name: str,
        source: str,
    ) -> None:
        self._describe, self._color = describe, color
        self.config, self.name, self.source = config, name, source

    def describe(self, luminance: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        if not self._describe:
            return None, None
        outputs = self._describe(luminance)
        probabilities = outputs.get("probabilities")
        return (
            outputs["global_features"].numpy(),
            None if probabilities is None else probabilities.numpy(),
        )

    def color(self, luminance: np.ndarray, features: np.ndarray | None) -> np.ndarray:
        inputs = [luminance] if features is None else [luminance, features]
        try:
            return self._color(*inputs)["chrominance"].numpy()
        except tf.errors.ResourceExhaustedError:
            raise MemoryError(
                f"not enough memory for the network at {luminance.shape[2]} x "
                f"{luminance.shape[1]} pixels; use a smaller --working-size"
            ) from None


def load_tensorflow(
    path: str | os.PathLike[str], precision: str = "float32", device: str = "auto"
) -> TensorFlowEngine:
    """The engine of a run folder or weights file; as `engines.load_engine`."""
    gpus = _use_device(device)
    model, config = load_trained(path, precision)
    source, _ = trained_files(path)
    name = f"tensorflow {precision}" + (" on a GPU" if gpus else "")
    return TensorFlowEngine(*functions(model, config), config, name, source)


def _use_device(device: str) -> list[tf.config.PhysicalDevice]:
    """The GPUs that are used, of whose memory no more is taken than is needed; raises UserError."""
    if device != "auto":
        kind, _, number = device.partition(":")
        gpus, first = tf.config.list_physical_devices("GPU"), int(number or 0)
        if kind == "gpu" and first >= len(gpus):
            raise UserError(
                f"--device {device}: TensorFlow finds {len(gpus)} GPUs; "
                "nvidia-smi must see it, and tensorflow[and-cuda] must be installed"
            )
        tf.config.set_visible_devices(gpus[first : first + 1] if kind == "gpu" else [], "GPU")
    gpus = tf.config.get_visible_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return gpus


def functions(
    model: keras.Model,
    config: Config,
    frozen: bool = False,
    shape: tuple[int | None, int | None, int | None] = (None, None, None),
) -> tuple[Callable[..., Any] | None, Callable[..., Any]]:
    """(describe, color), two tf.functions of a `folded` network.

    describe: luminance (batch, crop_size, crop_size, 1) to a dict of "global_features" and, with
        classification, "probabilities"; None without global features.
    color: luminance (batch, height, width, 1) and, where there are such, global_features (batch,
        256 width) to a dict of "chrominance". All float32.

    Args:
        frozen: whether the weights are constants of the graphs; else they are variables.
        shape: (batch, height, width) of what `color` takes, and batch of what `describe` takes;
            None: any.
    """
    global_path, local_path = split_paths(model, config)
    picture = tf.TensorSpec((*shape, 1), name="luminance")
    color = _call(local_path, frozen)

    def colored(luminance: tf.Tensor, *global_features: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"chrominance": color([luminance, *global_features])}

    if not global_path:
        return None, tf.function(colored, input_signature=[picture])
    describe = _call(global_path, frozen)

    def described(luminance: tf.Tensor) -> dict[str, tf.Tensor]:
        return {name: tf.cast(x, tf.float32) for name, x in describe(luminance).items()}

    copy = tf.TensorSpec((shape[0], config.crop_size, config.crop_size, 1), name="luminance")
    width = global_path.output["global_features"].shape[-1]
    features = tf.TensorSpec((shape[0], width), name="global_features")
    return (
        tf.function(described, input_signature=[copy]),
        tf.function(colored, input_signature=[picture, features]),
    )


def _call(network: keras.Model, frozen: bool) -> Callable[[Any], Any]:
    if not frozen:
        return lambda inputs: network(inputs, training=False)
    trainable, others = (
        [np.asarray(variable) for variable in variables]
        for variables in (network.trainable_variables, network.non_trainable_variables)
    )
    return lambda inputs: network.stateless_call(trainable, others, inputs, training=False)[0]
