"""What 8 bits need so that a network's colours stay those of its 32.

LiteRT rounds a kernel to 255 steps for each of its outputs, and what a layer is fed to 256 steps
for each picture. Two things are done about it:

- Rounded kernels shift what a layer puts out, on average over a photograph's pixels. Its bias takes
  that back (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
  ICCV 2019; here with the means of real photographs).
- FLOAT_LAYERS stay as they are. What `low_level_2` is fed has channels of very different ranges:
  rounding that alone made a third of all the difference. The layers before the chrominance and
  the matrices of the global features made half of what was left; they cost next to no time.
"""

import collections
import functools
import re
from collections.abc import Iterable
from typing import Any

import flatbuffers
import keras
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from colornet.network.model import global_path, local_path, networks_of

FLOAT_LAYERS = (
    "low_level_2", "global_6", "global_7", "fusion_global", "colorization_4", "colorization_6",
)  # fmt: skip
LEAST_ELEMENTS = 1024  # kernels with less are left alone by TensorFlow's converter
STEPS = 127  # of a rounded kernel, on either side of zero
IDENTIFIER = b"TFL3"  # of LiteRT's files


def compensate(model: keras.Model, photographs: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
    """Change the biases of a `folded` network so that its rounded kernels give the same means.

    Args:
        photographs: luminance for the two paths of some photographs, as [(local copy (1, height,
            width, 1), global copy (1, crop_size, crop_size, 1))].
    """
    means = _mean_inputs(model, photographs)
    for layer in _layers_with_kernels(model):
        kernel = np.asarray(layer.kernel)
        if layer.bias is None or kernel.size < LEAST_ELEMENTS or layer.name in FLOAT_LAYERS:
            continue
        step = np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1))) / STEPS
        step = np.where(step == 0, 1, step)
        error = np.round(kernel / step) * step - kernel
        of_inputs = error.reshape(-1, *error.shape[-2:]).sum(axis=0)  # (inputs, outputs)
        layer.bias.assign(layer.bias - np.mean(means[layer.name], axis=0) @ of_inputs)


def _layers_with_kernels(model: keras.Model) -> list[keras.layers.Layer]:
    networks = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return [layer for network in networks for layer in network.layers if hasattr(layer, "kernel")]


def _mean_inputs(
    model: keras.Model, photographs: Iterable[tuple[np.ndarray, np.ndarray]]
) -> dict[str, list[np.ndarray]]:
    """{layer: [means (inputs) over the pixels of what it is fed, a photograph each]}."""
    means = collections.defaultdict(list)

    def measured(network: Any, inputs: Any) -> Any:
        if not isinstance(network, keras.Model):
            return network(inputs)
        layers = [layer for layer in network.layers if hasattr(layer, "kernel")]
        probe = keras.Model(network.inputs, [[x.input for x in layers], network.outputs])
        fed, outputs = probe(inputs if isinstance(inputs, list) else [inputs], training=False)
        for layer, values in zip(layers, fed):
            means[layer.name].append(np.mean(values, axis=tuple(range(values.ndim - 1))))
        return outputs if len(outputs) > 1 else outputs[0]

    networks = {
        name: functools.partial(measured, network) for name, network in networks_of(model).items()
    }
    for local_copy, global_copy in photographs:
        low = networks["low_level"](local_copy)
        described = global_path(networks, networks["low_level"](global_copy))
        features = [described["global_features"]] if described else []
        local_path(networks, local_copy, low, features)
    return means


def keep_float(content: bytes, model: keras.Model) -> bytes:
    """The bytes of a LiteRT model with the kernels of FLOAT_LAYERS as they are in `model`."""
    kernels = {
        layer.name: np.asarray(layer.kernel, np.float32)
        for layer in _layers_with_kernels(model)
        if layer.name in FLOAT_LAYERS
    }
    made = schema.ModelT.InitFromPackedBuf(content, 0)
    for graph in made.subgraphs:
        for operator in graph.operators:
            inputs = [graph.tensors[index] for index in operator.inputs if index >= 0]
            for tensor in inputs:
                found = re.search(rf"/({'|'.join(kernels)})(_\d+)?/", tensor.name.decode())
                if found and tensor.type == schema.TensorType.INT8:
                    kernel = np.moveaxis(kernels[found[1]], -1, 0)  # outputs come first there
                    tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None
                    made.buffers[tensor.buffer].data = np.frombuffer(kernel.tobytes(), np.uint8)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(made.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())
