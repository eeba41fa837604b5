"""Keras's optimizers with TensorFlow's fused updates: one pass over each variable, not ten.

For dense float32 gradients, which this network has with every precision; without AMSGrad.
"""

from typing import Any

import keras
import tensorflow as tf

NEWTON_SCHULZ = [(3.4445, -4.7750, 2.0315)] * 3  # the authors' coefficients; they take five steps
NOT_HIDDEN = ("low_level_1", "colorization_chrominance", "classification_logits")


class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam`, the same variables and numbers."""

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            grad=gradient,
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
        )


class Muon(Adam):
    """Muon: momentum made orthogonal for the kernels of hidden layers; Adam for all else.

    Keras's own Muon leaves every variable that is no matrix to AdamW, so each kernel of a
    convolution (`_should_use_adamw` of Keras 3.15), which are most of this network. Here a kernel
    (height, width, inputs, outputs) is a matrix of its outputs' filters.

    All directions of a kernel then move equally far, the rare ones too. K. Jordan et al., "Muon: An
    optimizer for hidden layers in neural networks", 2024. The step is as long as that of Adam on
    the average, and the kernels decay (J. Liu et al., "Muon is scalable for LLM training", 2025).

    Args:
        momentum: share of the last step's momentum that the next keeps.
        kernel_decay: what an update takes off the kernels, times the learning rate.
        precision: dtype of the matrix products, "float32" or "bfloat16".
        **adam: as of `Adam`, for all that is no hidden kernel.
    """

    def __init__(
        self, learning_rate: Any, momentum: float, kernel_decay: float, precision: str, **adam: Any
    ) -> None:
        super().__init__(learning_rate, **adam)
        self.momentum, self.kernel_decay, self.precision = momentum, kernel_decay, precision

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        layer, _, name = self._trainable_variables[index].path.rpartition("/")
        hidden = name == "kernel" and layer not in NOT_HIDDEN
        if not hidden:
            return super().update_step(gradient, variable, learning_rate)
        handle = self._momentums[index].value.handle
        momentum = gradient + self.momentum * tf.raw_ops.ReadVariableOp(
            resource=handle, dtype=gradient.dtype
        )
        tf.raw_ops.AssignVariableOp(resource=handle, value=momentum)
        ahead = tf.cast(gradient + self.momentum * momentum, self.precision)  # Nesterov's
        matrix = tf.reshape(ahead, (-1, variable.shape[-1]))
        length = 0.2 * max(matrix.shape) ** 0.5
        direction = tf.reshape(tf.cast(orthogonal(matrix), gradient.dtype), variable.shape)
        kernel = tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=gradient.dtype)
        tf.raw_ops.AssignSubVariableOp(
            resource=variable.handle,
            value=learning_rate * (length * direction + self.kernel_decay * kernel),
        )


def orthogonal(matrix: tf.Tensor) -> tf.Tensor:
    """The nearest matrix of orthonormal rows or columns, roughly.

    After three steps singular values above a tenth of the largest are within 0.5 to 1.5; of a
    spectrum that falls as 1/k that is a quarter of them, after the authors' five steps all.

    Args:
        matrix: (rows, columns), float32 or bfloat16, as is the result.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    matrix /= tf.sqrt(2 * tf.nn.l2_loss(matrix)) + 1e-7
    gram = tf.matmul(matrix, matrix, transpose_a=tall, transpose_b=not tall)
    # The steps' polynomials of this small matrix are multiplied first, which is half of the work;
    # in float32, as their products would add up what bfloat16 rounds.
    gram = tf.cast(gram, tf.float32)
    product = step = _polynomial(gram, *NEWTON_SCHULZ[0])
    for coefficients in NEWTON_SCHULZ[1:]:
        gram = tf.matmul(tf.matmul(step, gram), step)
        step = _polynomial(gram, *coefficients)
        product = tf.matmul(product, step)
    product = tf.cast(product, matrix.dtype)
    return tf.matmul(matrix, product) if tall else tf.matmul(product, matrix)


def _polynomial(gram: tf.Tensor, a: float, b: float, c: float) -> tf.Tensor:
    return a * tf.eye(gram.shape[0]) + b * gram + c * tf.matmul(gram, gram)


class Adadelta(keras.optimizers.Adadelta):
    """`keras.optimizers.Adadelta`, the same variables and numbers."""

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdadelta(
            var=variable.handle,
            accum=self._accumulated_grads[index].value.handle,
            accum_update=self._accumulated_delta_vars[index].value.handle,
            grad=gradient,
            lr=learning_rate,
            rho=self.rho,
            epsilon=self.epsilon,
        )


class LossScaleOptimizer(keras.optimizers.LossScaleOptimizer):
    """Keras's, with one decision for all replicas: where any has an overflow, none updates.

    Keras asks the first replica alone, whose own gradients may be finite.
    """

    def check_finite(self, grads: list[Any]) -> tf.Tensor:
        finite = super().check_finite(grads)
        replica = tf.distribute.get_replica_context()
        if replica is None or replica.num_replicas_in_sync == 1:
            return finite
        overflows = 1.0 - tf.cast(finite, tf.float32)
        return replica.all_reduce(tf.distribute.ReduceOp.SUM, overflows) == 0
