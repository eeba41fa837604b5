"""The network of "Let there be Color!" (section 3, figure 2), in backend-neutral Keras.

    python build_model.py --preset paper       prints the layers and their parameters

The tables below are the paper's table 1; `build_model` joins them as its figure 2 does.
"""

import itertools
import math
import sys

import numpy as np

import command_line
from config import load_config

# Convolutions: (kernel, stride, outputs). UP doubles height and width.
UP = "up"
LOW_LEVEL = [(3, 2, 64), (3, 1, 128), (3, 2, 128), (3, 1, 256), (3, 2, 256), (3, 1, 512)]
GLOBAL_CONVOLUTIONS = [(3, 2, 512), (3, 1, 512), (3, 2, 512), (3, 1, 512)]
GLOBAL_DENSE = [1024, 512, 256]
MID_LEVEL = [(3, 1, 512), (3, 1, 256)]
FUSION = 256
FUSION_HALVES = ("fusion_mid", "fusion_global")  # layers that are one matrix in the paper
COLORIZATION = [(3, 1, 128), UP, (3, 1, 64), (3, 1, 64), UP, (3, 1, 32)]
CHROMINANCE = 2
CLASSIFICATION = 256

NETWORKS = ("low_level", "global", "mid_level", "fusion", "colorization", "classification")

MOMENTUM = 0.9  # of batch normalisation; Torch's 0.1
EPSILON = 1e-5


def build_model(config, precision="float32", synchronized=False, folded=False):
    """The whole network for training: both paths see the same picture, so low_level runs once.

    Args:
        config: a `config.Config`; width, crop_size, num_classes and the two ablations count.
        precision: a Keras dtype policy; chrominance and logits are float32 with each.
        synchronized: whether batch normalisation averages over replicas (TensorFlow only).
        folded: for colouring alone: biases in place of batch normalisation; `fold` makes their
            weights. Only such a network is good in pure "bfloat16".

    Returns:
        A keras.Model from luminance (batch, crop_size, crop_size, 1) in [0, 1] to a dict of
        "chrominance" (batch, crop_size/2, crop_size/2, 2) in [0, 1] and, with classification,
        "logits" (batch, num_classes). Its networks are layers named as in NETWORKS.
    """
    import keras

    from layers import CropToHalf

    make = _Builder(config, precision, synchronized, folded)
    luminance = keras.Input((config.crop_size, config.crop_size, 1), name="luminance")
    low = make.convolutional("low_level", (None, None, 1), LOW_LEVEL)(luminance)
    fused_inputs = [make.convolutional("mid_level", (None, None, low.shape[-1]), MID_LEVEL)(low)]
    outputs = {}
    if config.use_global_features:
        wide, global_features = make.global_features(low.shape[1:])(low)
        fused_inputs.append(global_features)
    if config.use_classification:
        outputs["logits"] = make.classification(wide.shape[-1])(wide)
    fused = make.fusion(fused_inputs)(fused_inputs)
    chrominance = make.colorization(fused.shape[-1])(fused)
    outputs["chrominance"] = CropToHalf(name="crop_to_half", dtype="float32")(
        [chrominance, luminance]
    )
    return keras.Model(luminance, outputs, name="let_there_be_color")


def split_paths(model, config):
    """The same network, same variables, for pictures of any size (section 3.2).

    Returns:
        (global_path, local_path), two keras.Models:
        global_path: luminance (batch, crop_size, crop_size, 1) to a dict of "global_features"
            (batch, 256 width) and, with classification, "probabilities" (batch, num_classes).
            None where the model has no global features.
        local_path: [luminance (batch, height, width, 1), global_features] to chrominance
            (batch, ceil(height/2), ceil(width/2), 2). Features of another picture transfer its
            colour style (section 5.3). Without global features it takes [luminance].
    """
    import keras

    network = model.get_layer
    luminance = keras.Input((None, None, 1), name="any_luminance")
    inputs = [luminance]
    global_path = None
    if config.use_global_features:
        copy = keras.Input((config.crop_size, config.crop_size, 1), name="global_luminance")
        wide, global_features = network("global")(network("low_level")(copy))
        outputs = {"global_features": global_features}
        if config.use_classification:
            outputs["probabilities"] = keras.ops.softmax(network("classification")(wide))
        global_path = keras.Model(copy, outputs, name="global_path")
        inputs.append(keras.Input(global_features.shape[1:], name="global_features"))
    mid = network("mid_level")(network("low_level")(luminance))
    chrominance = network("colorization")(network("fusion")([mid, *inputs[1:]]))
    chrominance = network("crop_to_half")([chrominance, luminance])
    return global_path, keras.Model(inputs, chrominance, name="local_path")


def fold(weights):
    """Trained weights to those of a `folded` network, which computes the same with fewer passes.

    Batch normalisation's scale goes into the kernels before it, the rest into biases.

    Args:
        weights: {path of variable: array} of a trained network.

    Raises:
        KeyError, ValueError: they do not belong together.
    """
    folded = dict(weights)
    for name in [path.removesuffix("_norm/gamma") for path in weights if path.endswith("/gamma")]:
        gamma, beta, mean, variance = (
            folded.pop(f"{name}_norm/{part}")
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        layers = [name]
        if name == "fusion":  # without global features it has the first half alone
            mid, other = FUSION_HALVES
            layers = [mid, other] if f"{other}/kernel" in folded else [mid]
        for layer in layers:
            folded[f"{layer}/kernel"] = folded[f"{layer}/kernel"] * scale
        folded[f"{layers[0]}/bias"] = beta - mean * scale
    return folded


class _Builder:
    """Makes the networks in one width and precision."""

    def __init__(self, config, precision, synchronized, folded):
        import keras

        self.keras = keras
        self.config = config
        self.policy = keras.DTypePolicy(precision)
        self.synchronized = synchronized
        self.folded = folded
        self.seeds = itertools.count(1000 * config.seed)

    def convolutional(self, name, shape, table):
        """A keras.Model that walks a table of convolutions: (batch, height, width, inputs)."""
        inputs = self.keras.Input(shape)
        return self.keras.Model(inputs, self._walk(inputs, name, table), name=name)

    def global_features(self, shape):
        """Low-level features to [512-wide layer, 256-wide global features], both times width."""
        inputs = self.keras.Input(shape)
        x = self._walk(inputs, "global", GLOBAL_CONVOLUTIONS)
        x = self.keras.layers.Flatten(name="global_flatten", dtype=self.policy)(x)
        outputs = []
        for number, units in enumerate(GLOBAL_DENSE, len(GLOBAL_CONVOLUTIONS) + 1):
            x = self._activated(self._dense(x, f"global_{number}", units), f"global_{number}")
            outputs.append(x)
        return self.keras.Model(inputs, outputs[-2:], name="global")

    def fusion(self, symbols):
        """ReLU(b + W [global; mid]): W's global half is applied once a picture, not once a pixel."""
        mid, *global_features = [self.keras.Input(symbol.shape[1:]) for symbol in symbols]
        mid = self.keras.Input((None, None, mid.shape[-1]))
        layers, units = self.keras.layers, self._outputs(FUSION)
        # Two halves of one matrix: He's variance counts the inputs of both.
        scale = 2 / (1 + len(global_features))
        x = layers.Conv2D(units, 1, use_bias=self.folded, dtype=self.policy, name=FUSION_HALVES[0],
                          kernel_initializer=self._initializer(scale))(mid)
        for features in global_features:
            y = layers.Dense(units, use_bias=False, dtype=self.policy, name=FUSION_HALVES[1],
                             kernel_initializer=self._initializer(scale))(features)
            y = layers.Reshape((1, 1, units), dtype=self.policy, name="fusion_reshape")(y)
            x = layers.Add(dtype=self.policy, name="fusion_add")([x, y])
        x = self._activated(x, "fusion")
        return self.keras.Model([mid, *global_features], x, name="fusion")

    def colorization(self, channels):
        """Fused features to chrominance, sigmoid."""
        inputs = self.keras.Input((None, None, channels))
        x = self._walk(inputs, "colorization", COLORIZATION)
        x = self.keras.layers.Conv2D(
            CHROMINANCE, 3, padding="same", activation="sigmoid", dtype="float32",
            kernel_initializer=self._initializer(1), name="colorization_chrominance",
        )(x)
        return self.keras.Model(inputs, x, name="colorization")

    def classification(self, channels):
        """The 512-wide global layer to class logits."""
        inputs = self.keras.Input((channels,))
        x = self._dense(inputs, "classification_1", CLASSIFICATION)
        x = self._activated(x, "classification_1")
        x = self.keras.layers.Dense(
            self.config.num_classes, dtype="float32", name="classification_logits",
            kernel_initializer=self._initializer(1),
        )(x)
        return self.keras.Model(inputs, x, name="classification")

    def _walk(self, x, name, table):
        layers = self.keras.layers
        for number, row in enumerate(table, 1):
            layer = f"{name}_{number}"
            if row == UP:
                x = layers.UpSampling2D(2, dtype=self.policy, name=layer)(x)
                continue
            kernel, stride, outputs = row
            if stride > 1:  # Torch's symmetric padding; "same" would pad below and right only
                x = layers.ZeroPadding2D(kernel // 2, dtype=self.policy, name=f"{layer}_pad")(x)
            x = layers.Conv2D(
                self._outputs(outputs), kernel, stride, "valid" if stride > 1 else "same",
                use_bias=self.folded, kernel_initializer=self._initializer(2), dtype=self.policy,
                name=layer,
            )(x)
            x = self._activated(x, layer)
        return x

    def _dense(self, x, name, units):
        return self.keras.layers.Dense(
            self._outputs(units), use_bias=self.folded, kernel_initializer=self._initializer(2),
            dtype=self.policy, name=name,
        )(x)

    def _activated(self, x, name):
        from layers import BatchNormalization

        if not self.folded:
            x = BatchNormalization(
                momentum=MOMENTUM, epsilon=EPSILON, synchronized=self.synchronized,
                dtype=self.policy, name=f"{name}_norm",
            )(x)
        return self.keras.layers.ReLU(dtype=self.policy, name=f"{name}_relu")(x)

    def _outputs(self, outputs):
        return max(1, round(outputs * self.config.width))

    def _initializer(self, scale):
        """He normal for scale 2; each layer its own seed."""
        return self.keras.initializers.VarianceScaling(
            scale, "fan_in", "truncated_normal", seed=next(self.seeds)
        )


def layer_table(model, config):
    """Layers with kernels, network by network in the order of NETWORKS.

    Returns:
        {network: [(layer, kernel, stride, outputs, output shape without batch, parameters)]};
        kernel and stride are None for fully connected layers. Parameters are the trainable ones,
        those of a layer's batch normalisation included.
    """
    import keras

    picture = keras.KerasTensor((1, config.crop_size, config.crop_size, 1))
    fed = {"low_level": lambda made: [picture], "global": lambda made: made["low_level"],
           "mid_level": lambda made: made["low_level"], "colorization": lambda made: made["fusion"],
           "fusion": lambda made: made["mid_level"] + made.get("global", [])[1:],
           "classification": lambda made: made["global"][:1]}
    made, table = {}, {}
    for name in [name for name in NETWORKS if name in [layer.name for layer in model.layers]]:
        network = model.get_layer(name)
        inner = keras.Model(network.inputs, [layer.output for layer in network.layers])
        inputs = fed[name](made)
        shapes = [tensor.shape[1:] for tensor in inner.compute_output_spec(inputs)]
        made[name] = keras.tree.flatten(network.compute_output_spec(inputs))
        table[name] = _rows(network.layers, shapes)
    return table


def _rows(layers, shapes):
    rows = []
    for layer, shape in zip(layers, shapes):
        count = sum(math.prod(variable.shape) for variable in layer.trainable_variables)
        if hasattr(layer, "kernel"):
            kernel = getattr(layer, "kernel_size", [None])[0]
            stride = getattr(layer, "strides", [None])[0]
            rows.append((layer.name, kernel, stride, shape[-1], tuple(shape), count))
        elif count:  # batch normalisation belongs to the layer before it
            rows[-1] = (*rows[-1][:-1], rows[-1][-1] + count)
    return rows


def print_table(options):
    """Print every layer with its parameters; returns the exit code."""
    config = load_config(options.preset, options.set)
    total = 0
    for network, rows in layer_table(build_model(config), config).items():
        print(network)
        for layer, kernel, stride, outputs, shape, count in rows:
            kind = f"{kernel} x {kernel} / {stride}" if kernel else "connected"
            size = " x ".join(map(str, shape))
            print(f"  {layer:26s}{kind:12s}{outputs:6d}   {size:18s}{count:12,d}")
        count = sum(row[-1] for row in rows)
        total += count
        print(f"  {'parameters':62s}{count:>14,d}")
    print(f"{'total':64s}{total:>14,d}")
    return command_line.DONE


def main(argv=None):
    arguments = command_line.parser(__doc__)
    command_line.add_settings(arguments)
    return command_line.run(print_table, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
