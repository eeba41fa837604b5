"""Keras's optimizers with TensorFlow's fused updates: one pass over each variable, not ten."""

import keras
import tensorflow as tf


class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` (without amsgrad), the same variables and numbers."""

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations.value + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle, m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle, grad=gradient,
            beta1_power=tf.pow(self.beta_1, step), beta2_power=tf.pow(self.beta_2, step),
            lr=learning_rate, beta1=self.beta_1, beta2=self.beta_2, epsilon=self.epsilon,
        )


class Adadelta(keras.optimizers.Adadelta):
    """`keras.optimizers.Adadelta`, the same variables and numbers."""

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdadelta(
            var=variable.handle, accum=self._accumulated_grads[index].value.handle,
            accum_update=self._accumulated_delta_vars[index].value.handle, grad=gradient,
            lr=learning_rate, rho=self.rho, epsilon=self.epsilon,
        )
