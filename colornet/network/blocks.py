"""The stanzas that the networks are made of: convolution, normalization, ReLU; FC; fusion."""

import functools
import itertools
from collections.abc import Sequence

import keras

from colornet.config import Config
from colornet.network.layers import BatchNormalization, Doubling
from colornet.network.vocabulary import FUSION_HALVES

# Rows of (kernel, stride, outputs), or vocabulary.UP; as in `build_model`.
Table = Sequence[tuple[int, int, int] | str]


class Builder:
    """Makes the networks in one width and precision."""

    def __init__(self, config: Config, precision: str, synchronized: bool, folded: bool) -> None:
        self.config = config
        self.policy = keras.DTypePolicy(precision)
        self.synchronized = synchronized
        self.folded = folded
        self.seeds = itertools.count(1000 * config.seed)

    def convolutional(self, name: str, shape: tuple[int | None, ...], table: Table) -> keras.Model:
        """A keras.Model that walks a table of convolutions: (batch, height, width, inputs)."""
        inputs = keras.Input(shape)
        return keras.Model(inputs, self._walk(inputs, name, table), name=name)

    def global_features(
        self, shape: tuple[int | None, ...], convolutions: Table, connected: Sequence[int]
    ) -> keras.Model:
        """Low-level features to [512-wide layer, 256-wide global features], both times width."""
        inputs = keras.Input(shape)
        x = self._walk(inputs, "global", convolutions)
        x = keras.layers.Flatten(name="global_flatten", dtype=self.policy)(x)
        outputs = []
        for number, units in enumerate(connected, len(convolutions) + 1):
            x = self._activated(self._dense(x, f"global_{number}", units), f"global_{number}")
            outputs.append(x)
        return keras.Model(inputs, outputs[-2:], name="global")

    def fusion(self, channels: Sequence[int], outputs: int) -> keras.Model:
        """ReLU(b + W [global; mid]): W's global half runs once per picture, not once per pixel.

        Args:
            channels: of the mid-level features and, if there are any, of the global features.
            outputs: before `width`.
        """
        mid = keras.Input((None, None, channels[0]))
        global_features = [keras.Input((count,)) for count in channels[1:]]
        layers, units = keras.layers, self._outputs(outputs)
        # Two halves of one matrix: He's variance counts the inputs of both.
        scale = 2 / (1 + len(global_features))
        x = layers.Conv2D(
            units,
            1,
            use_bias=self.folded,
            dtype=self.policy,
            name=FUSION_HALVES[0],
            kernel_initializer=self._initializer(scale),
        )(mid)
        for features in global_features:
            y = layers.Dense(
                units,
                use_bias=False,
                dtype=self.policy,
                name=FUSION_HALVES[1],
                kernel_initializer=self._initializer(scale),
            )(features)
            y = layers.Reshape((1, 1, units), dtype=self.policy, name="fusion_reshape")(y)
            x = layers.Add(dtype=self.policy, name="fusion_add")([x, y])
        x = self._activated(x, "fusion")
        return keras.Model([mid, *global_features], x, name="fusion")

    def colorization(self, channels: int, table: Table, chrominance: int) -> keras.Model:
        """Fused features to chrominance, sigmoid."""
        inputs = keras.Input((None, None, channels))
        x = self._walk(inputs, "colorization", table)
        x = keras.layers.Conv2D(
            chrominance,
            3,
            padding="same",
            activation="sigmoid",
            dtype="float32",
            kernel_initializer=self._initializer(1),
            name="colorization_chrominance",
        )(x)
        return keras.Model(inputs, x, name="colorization")

    def classification(self, channels: int, outputs: int) -> keras.Model:
        """The 512-wide global layer to class logits."""
        inputs = keras.Input((channels,))
        x = self._dense(inputs, "classification_1", outputs)
        x = self._activated(x, "classification_1")
        x = keras.layers.Dense(
            self.config.num_classes,
            dtype="float32",
            name="classification_logits",
            kernel_initializer=self._initializer(1),
        )(x)
        return keras.Model(inputs, x, name="classification")

    def _walk(self, x: keras.KerasTensor, name: str, table: Table) -> keras.KerasTensor:
        layers = keras.layers
        for number, row in enumerate(table, 1):
            layer = f"{name}_{number}"
            if isinstance(row, str):  # vocabulary.UP
                up = Doubling if self.folded else functools.partial(layers.UpSampling2D, 2)
                x = up(dtype=self.policy.name, name=layer)(x)
                continue
            kernel, stride, outputs = row
            if stride > 1:  # Torch's symmetric padding; "same" would pad below and right only
                x = layers.ZeroPadding2D(kernel // 2, dtype=self.policy, name=f"{layer}_pad")(x)
            x = layers.Conv2D(
                self._outputs(outputs),
                kernel,
                stride,
                "valid" if stride > 1 else "same",
                use_bias=self.folded,
                kernel_initializer=self._initializer(2),
                dtype=self.policy,
                name=layer,
            )(x)
            x = self._activated(x, layer)
        return x

    def _dense(self, x: keras.KerasTensor, name: str, units: int) -> keras.KerasTensor:
        return keras.layers.Dense(
            self._outputs(units),
            use_bias=self.folded,
            kernel_initializer=self._initializer(2),
            dtype=self.policy,
            name=name,
        )(x)

    def _activated(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        if not self.folded:
            x = BatchNormalization(
                momentum=self.config.normalization_momentum,
                epsilon=self.config.normalization_epsilon,
                synchronized=self.synchronized,
                dtype=self.policy,
                name=f"{name}_norm",
            )(x)
        return keras.layers.ReLU(dtype=self.policy, name=f"{name}_relu")(x)

    def _outputs(self, outputs: int) -> int:
        return max(1, round(outputs * self.config.width))

    def _initializer(self, scale: float) -> keras.initializers.Initializer:
        """He normal for scale 2; each layer its own seed."""
        return keras.initializers.VarianceScaling(
            scale, "fan_in", "truncated_normal", seed=next(self.seeds)
        )
