"""Keras layers that the network needs and Keras lacks. Backend-neutral."""

from typing import Any

import keras
from keras import ops

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("colornet")
class CropToHalf(keras.layers.Layer):
    """Cuts chrominance to half of its picture's size, rounded up.

    The network works on eighths, so that a picture whose sides are no multiples of 8 comes out a
    few pixels larger than half.

    Inputs: chrominance (batch, >= height/2, >= width/2, 2); luminance (batch, height, width, 1).
    Output: (batch, ceil(height/2), ceil(width/2), 2).
    """

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        chrominance, luminance = inputs
        _, height, width, _ = ops.shape(luminance)
        return chrominance[:, : (height + 1) // 2, : (width + 1) // 2]

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        (batch, *_, channels), (_, height, width, _) = input_shape
        return (batch, height and (height + 1) // 2, width and (width + 1) // 2, channels)


@keras.saving.register_keras_serializable("colornet")
class Doubling(keras.layers.Layer):
    """Doubles height and width by nearest neighbor, as `keras.layers.UpSampling2D(2)` does.

    In operations that keep the number of channels known where the sides are not, which converters
    to other formats need.

    Input: (batch, height, width, channels). Output: (batch, 2 height, 2 width, channels).
    """

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        batch, height, width, channels = ops.shape(inputs)
        wide = ops.concatenate([inputs, inputs], axis=3)  # in memory: each pixel twice
        wide = ops.reshape(wide, (batch, height, 2 * width, channels))
        high = ops.concatenate([wide, wide], axis=2)
        return ops.reshape(high, (batch, 2 * height, 2 * width, channels))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, height, width, channels = input_shape
        return (batch, height and 2 * height, width and 2 * width, channels)


@keras.saving.register_keras_serializable("colornet")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalization, faster and more exact while training on TensorFlow.

    Keras computes it in a dozen passes over its input, rounds the statistics of a lower precision,
    and those of several replicas lose digits as mean(x²) - mean(x)². Same variables, same numbers.
    For inputs (batch, features) and (batch, height, width, channels), float32 or a mixed precision,
    with scale and offset, as this network has it.
    """

    def call(
        self, inputs: keras.KerasTensor, training: bool | None = None, mask: Any = None
    ) -> keras.KerasTensor:
        on_tensorflow = keras.backend.backend() == "tensorflow"
        if not training or self.synchronized or not on_tensorflow:
            return super().call(inputs, training=training, mask=mask)
        from tensorflow import constant, raw_ops

        none = constant([], "float32")
        # (batch, features) is a picture of one pixel.
        pictures = inputs if len(inputs.shape) == 4 else inputs[:, None, None]
        result, mean, variance, *_ = raw_ops.FusedBatchNormV3(
            x=pictures,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=none,
            variance=none,
            epsilon=self.epsilon,
            is_training=True,
        )
        # The operation returns the unbiased variance, Keras averages the biased one.
        count = ops.cast(ops.prod(ops.shape(pictures)[:-1]), "float32")
        variance *= (count - 1) / count
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + now * (1 - self.momentum))
        return result if len(inputs.shape) == 4 else result[:, 0, 0]

    def _moments(
        self, inputs: keras.KerasTensor, mask: Any
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        if not self.synchronized or keras.backend.backend() != "tensorflow":
            return super()._moments(inputs, mask)
        from tensorflow import distribute

        def mean(x: keras.KerasTensor) -> keras.KerasTensor:
            local = ops.mean(x, axis=self._reduction_axes)
            replica = distribute.get_replica_context()
            return replica.all_reduce(distribute.ReduceOp.MEAN, local) if replica else local

        inputs = ops.cast(inputs, "float32")
        middle = mean(inputs)
        return middle, mean(ops.square(inputs - middle))
