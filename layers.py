"""Keras layers that the network needs and Keras lacks. Backend-neutral."""

import keras
from keras import ops


class CropToHalf(keras.layers.Layer):
    """Cuts chrominance to half of its picture's size, rounded up.

    The network works on eighths, so that a picture whose sides are no multiples of 8 comes out a
    few pixels larger than half.

    Inputs: chrominance (batch, >= height/2, >= width/2, 2); luminance (batch, height, width, 1).
    Output: (batch, ceil(height/2), ceil(width/2), 2).
    """

    def call(self, inputs):
        chrominance, luminance = inputs
        _, height, width, _ = ops.shape(luminance)
        return chrominance[:, : (height + 1) // 2, : (width + 1) // 2]

    def compute_output_shape(self, input_shape):
        (batch, *_, channels), (_, height, width, _) = input_shape
        return (batch, height and (height + 1) // 2, width and (width + 1) // 2, channels)
