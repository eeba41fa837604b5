"""The layers of a built network as a table, like the paper's table 1."""

import functools
import math
from collections.abc import Iterable
from typing import Any

import keras

from colornet.network.model import global_path, local_path, networks_of
from colornet.network.vocabulary import NETWORKS

# Layer, kernel, stride, outputs, output shape without batch, parameters.
Row = tuple[str, int | None, int | None, int, tuple[int, ...], int]


def layer_table(model: keras.Model) -> dict[str, list[Row]]:
    """Layers with kernels, network by network in the order of NETWORKS.

    Returns:
        {network: rows};
        kernel and stride are None for fully connected layers. Parameters are the trainable ones,
        those of a layer's batch normalisation included.
    """
    table = {}

    def recorded(network: Any, inputs: Any) -> Any:
        if isinstance(network, keras.Model):
            inner = keras.Model(network.inputs, [layer.output for layer in network.layers])
            shapes = [tensor.shape[1:] for tensor in inner.compute_output_spec(inputs)]
            table[network.name] = _rows(network.layers, shapes)
        return network.compute_output_spec(inputs)

    networks = {
        name: functools.partial(recorded, network) for name, network in networks_of(model).items()
    }
    (luminance,) = model.inputs
    low = networks["low_level"](luminance)
    features = global_path(networks, low).get("global_features")
    local_path(networks, luminance, low, [] if features is None else [features])
    return {name: table[name] for name in NETWORKS if name in table}


def _rows(layers: Iterable[keras.layers.Layer], shapes: Iterable[tuple[int, ...]]) -> list[Row]:
    rows: list[Row] = []
    for layer, shape in zip(layers, shapes):
        count = sum(math.prod(variable.shape) for variable in layer.trainable_variables)
        if hasattr(layer, "kernel"):
            kernel = getattr(layer, "kernel_size", [None])[0]
            stride = getattr(layer, "strides", [None])[0]
            rows.append((layer.name, kernel, stride, shape[-1], tuple(shape), count))
        elif count:  # batch normalisation belongs to the layer before it
            rows[-1] = (*rows[-1][:-1], rows[-1][-1] + count)
    return rows
