"""The network: the tables of the paper's table 1, joined as in its figure 2 (section 3)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from colornet.config import Config
from colornet.network.blocks import Builder, Table
from colornet.network.layers import CropToHalf
from colornet.network.vocabulary import UP

# Convolutions: (kernel, stride, outputs). UP doubles height and width.
LOW_LEVEL: Table = [(3, 2, 64), (3, 1, 128), (3, 2, 128), (3, 1, 256), (3, 2, 256), (3, 1, 512)]
GLOBAL_CONVOLUTIONS: Table = [(3, 2, 512), (3, 1, 512), (3, 2, 512), (3, 1, 512)]
GLOBAL_DENSE = [1024, 512, 256]
MID_LEVEL: Table = [(3, 1, 512), (3, 1, 256)]
FUSION = 256
COLORIZATION: Table = [(3, 1, 128), UP, (3, 1, 64), (3, 1, 64), UP, (3, 1, 32)]
CHROMINANCE = 2
CLASSIFICATION = 256

# The networks by the names of `vocabulary.NETWORKS`, and "crop_to_half": Keras layers, or functions
# that stand for them.
Networks = Mapping[str, Callable[[Any], Any]]


def global_path(networks: Networks, low: Any) -> dict[str, Any]:
    """Join the networks that see a picture as a whole.

    Args:
        networks: by name.
        low: low-level features (batch, crop_size/8, crop_size/8, 512 width).

    Returns:
        Dict of "global_features" (batch, 256 width) and, with classification, "logits"
        (batch, num_classes); empty without global features.
    """
    if "global" not in networks:
        return {}
    wide, features = networks["global"](low)
    outputs = {"global_features": features}
    if "classification" in networks:
        outputs["logits"] = networks["classification"](wide)
    return outputs


def local_path(networks: Networks, luminance: Any, low: Any, global_features: Sequence[Any]) -> Any:
    """Join the networks that see a picture's details, and fuse them with the global features.

    Args:
        networks: by name.
        luminance: (batch, height, width, 1) in [0, 1].
        low: low-level features of it (batch, height/8, width/8, 512 width).
        global_features: [(batch, 256 width)], of the same or of another picture, whose color style
            is then transferred (section 4.5); empty without global features.

    Returns:
        Encoded chrominance (batch, ceil(height/2), ceil(width/2), 2) in [0, 1].
    """
    fused = networks["fusion"]([networks["mid_level"](low), *global_features])
    return networks["crop_to_half"]([networks["colorization"](fused), luminance])


def build_model(
    config: Config, precision: str = "float32", synchronized: bool = False, folded: bool = False
) -> keras.Model:
    """Build the whole network for training: both paths see the same picture.

    Args:
        config: the settings; width, crop_size, num_classes, normalization, and the two ablations.
        precision: a Keras dtype policy; chrominance and logits are float32 with each.
        synchronized: whether batch normalization averages over replicas (TensorFlow only).
        folded: for coloring alone: biases in place of batch normalization; `folding.fold` makes
            their weights. Only such a network is good in pure "bfloat16".

    Returns:
        A keras.Model from luminance (batch, crop_size, crop_size, 1) in [0, 1] to a dict of
        "chrominance" (batch, crop_size/2, crop_size/2, 2) in [0, 1] and, with classification,
        "logits" (batch, num_classes). Its networks are layers named as in `vocabulary.NETWORKS`.
    """
    networks = _networks(config, Builder(config, precision, synchronized, folded))
    luminance = keras.Input((config.crop_size, config.crop_size, 1), name="luminance")
    low = networks["low_level"](luminance)
    outputs = global_path(networks, low)
    features = [outputs.pop("global_features")] if outputs else []
    outputs["chrominance"] = local_path(networks, luminance, low, features)
    return keras.Model(luminance, outputs, name="let_there_be_color")


def _networks(config: Config, make: Builder) -> dict[str, keras.layers.Layer]:
    """Return the networks by name, unconnected."""
    low = make.convolutional("low_level", (None, None, 1), LOW_LEVEL)
    channels = low.output.shape[-1]
    mid = make.convolutional("mid_level", (None, None, channels), MID_LEVEL)
    networks = {"low_level": low, "mid_level": mid}
    fused = [mid.output.shape[-1]]
    if config.use_global_features:
        _, *shape = low.compute_output_shape((None, config.crop_size, config.crop_size, 1))
        networks["global"] = make.global_features(tuple(shape), GLOBAL_CONVOLUTIONS, GLOBAL_DENSE)
        wide, features = networks["global"].output
        fused.append(features.shape[-1])
        if config.use_classification:
            networks["classification"] = make.classification(wide.shape[-1], CLASSIFICATION)
    networks["fusion"] = make.fusion(fused, FUSION)
    channels = networks["fusion"].output.shape[-1]
    networks["colorization"] = make.colorization(channels, COLORIZATION, CHROMINANCE)
    networks["crop_to_half"] = CropToHalf(name="crop_to_half", dtype="float32")
    return networks


def networks_of(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Return the networks of a built model by name."""
    return {
        layer.name: layer
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    }


def split_paths(model: keras.Model, config: Config) -> tuple[keras.Model | None, keras.Model]:
    """Return the same network, same variables, for pictures of any size (section 3.2).

    Returns:
        (global_path, local_path), two keras.Models:
        global_path: luminance (batch, crop_size, crop_size, 1) to a dict of "global_features"
            (batch, 256 width) and, with classification, "probabilities" (batch, num_classes).
            None without global features.
        local_path: [luminance (batch, height, width, 1), global_features] to chrominance
            (batch, ceil(height/2), ceil(width/2), 2). Without global features it takes [luminance].
    """
    networks = networks_of(model)
    copy = keras.Input((config.crop_size, config.crop_size, 1), name="global_luminance")
    described = global_path(networks, networks["low_level"](copy))
    luminance = keras.Input((None, None, 1), name="any_luminance")
    inputs = [luminance]
    for_globals = None
    if described:
        inputs.append(keras.Input(described["global_features"].shape[1:], name="global_features"))
        if "logits" in described:
            described["probabilities"] = keras.ops.softmax(described.pop("logits"))
        for_globals = keras.Model(copy, described, name="global_path")
    low = networks["low_level"](luminance)
    chrominance = local_path(networks, luminance, low, inputs[1:])
    return for_globals, keras.Model(inputs, chrominance, name="local_path")
