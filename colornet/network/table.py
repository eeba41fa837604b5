"""The layers of a built network as a table, like the paper's table 1."""

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from colornet.network.vocabulary import NETWORKS

if TYPE_CHECKING:
    import keras

# Layer, kernel, stride, outputs, output shape without batch, parameters.
Row = tuple[str, int | None, int | None, int, tuple[int, ...], int]


def layer_table(model: "keras.Model") -> dict[str, list[Row]]:
    """Layers with kernels, network by network in the order of NETWORKS.

    Returns:
        {network: rows};
        kernel and stride are None for fully connected layers. Parameters are the trainable ones,
        those of a layer's batch normalisation included.
    """
    fed: dict[str, Callable[[dict[str, Any]], list[Any]]] = {
        "low_level": lambda made: model.inputs,
        "global": lambda made: made["low_level"],
        "mid_level": lambda made: made["low_level"],
        "colorization": lambda made: made["fusion"],
        "fusion": lambda made: made["mid_level"] + made.get("global", [])[1:],
        "classification": lambda made: made["global"][:1],
    }
    made: dict[str, list[keras.KerasTensor]] = {}
    table = {}
    for name in [name for name in NETWORKS if name in [layer.name for layer in model.layers]]:
        network = model.get_layer(name)
        inner = type(model)(network.inputs, [layer.output for layer in network.layers])
        inputs = fed[name](made)
        shapes = [tensor.shape[1:] for tensor in inner.compute_output_spec(inputs)]
        outputs = network.compute_output_spec(inputs)
        made[name] = outputs if isinstance(outputs, list) else [outputs]
        table[name] = _rows(network.layers, shapes)
    return table


def _rows(layers: "Iterable[keras.layers.Layer]", shapes: Iterable[tuple[int, ...]]) -> list[Row]:
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
