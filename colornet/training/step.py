"""One training step of the network: the loss, its gradients, and the optimizer."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from colornet.config import Config
from colornet.errors import RunError
from colornet.network.model import build_model
from colornet.training import optimizers
from colornet.training.objective import make_objective


def make_optimizer(config: Config) -> Any:
    """The Keras optimizer of the settings, with its learning rate schedule."""
    rate = config.learning_rate
    if config.schedule == "cosine" or config.warmup_steps:
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if config.warmup_steps else rate,
            max(1, config.steps - config.warmup_steps),
            alpha=0.0 if config.schedule == "cosine" else 1.0,
            warmup_target=rate if config.warmup_steps else None,
            warmup_steps=config.warmup_steps,
        )
    adam = dict(beta_1=config.adam_beta1, beta_2=config.adam_beta2, epsilon=config.adam_epsilon)
    if config.optimizer == "adadelta":
        optimizer = optimizers.Adadelta(
            rate, rho=config.adadelta_rho, epsilon=config.adadelta_epsilon
        )
    elif config.optimizer == "muon":
        optimizer = optimizers.Muon(
            rate,
            config.muon_momentum,
            config.muon_weight_decay,
            "bfloat16" if config.precision == "mixed_bfloat16" else "float32",
            **adam,
        )
    elif config.optimizer == "adam":
        optimizer = optimizers.Adam(rate, **adam)
    else:
        raise ValueError(f"nothing makes the optimizer {config.optimizer!r}")
    if config.precision == "mixed_float16":
        optimizer = optimizers.LossScaleOptimizer(optimizer)
    return optimizer


class TrainState(tf.Module):
    """Everything that training changes, and its compiled step. Make it in the strategy's scope.

    Attributes:
        model: of `build_model`.
        objective: what is minimized.
        optimizer: a Keras optimizer.
        totals: the objective's sums since `take_totals`.
        best: lowest validation rmse_ab so far.
    """

    def __init__(self, config: Config, strategy: tf.distribute.Strategy) -> None:
        super().__init__()
        self.config = config
        self.strategy = strategy
        replicas = strategy.num_replicas_in_sync
        self.model = build_model(config, config.precision, synchronized=replicas > 1)
        self.objective = make_objective(config)
        self.optimizer = make_optimizer(config)
        self.optimizer.build(self.model.trainable_variables)
        self.totals = tf.Variable(
            tf.zeros(len(self.objective.sums)),
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
            name="totals",
        )
        self.best = tf.Variable(float("inf"), trainable=False, name="best")

    def checkpointed(self) -> dict[str, Any]:
        """{name in a checkpoint: what it holds}: all that a run needs to go on."""
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "totals": self.totals,
            "best": self.best,
        }

    @tf.function
    def step(self, batch: dict[str, Any]) -> None:
        """Train on a (distributed) batch of `batches.training_batches`.

        Where loss or gradients are NaN or infinite, all later losses are, too: `take_totals` tells,
        without a round trip to the device in each step.
        """
        self.strategy.run(self._replica_step, args=(batch,))

    def _replica_step(self, batch: dict[str, tf.Tensor]) -> None:
        parts = self.config.gradient_accumulation
        split = {name: tf.split(tensor, parts) for name, tensor in batch.items()}
        gradients: list[tf.Tensor] = []
        for number in range(parts):
            # One part after the other, or their memory would add up.
            with tf.control_dependencies(gradients):
                part = {name: tf.identity(tensors[number]) for name, tensors in split.items()}
                totals, more = self._gradients(part)
            gradients = [a + b for a, b in zip(gradients, more)] if gradients else more
            self.totals.assign_add(totals)
        self.optimizer.apply(gradients, self.model.trainable_variables)

    def _gradients(self, batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            outputs = self.model(batch["luminance"], training=True)
            totals = self.objective.losses(outputs, batch)
            loss = self.objective.loss(totals) / self.config.batch_size
            scaled = loss
            if hasattr(self.optimizer, "inner_optimizer"):
                scaled = self.optimizer.scale_loss(loss)
        return totals, tape.gradient(scaled, self.model.trainable_variables)

    def take_totals(self) -> dict[str, float | None]:
        """Return the training figures since the last call.

        Raises:
            RunError: the loss or a weight is NaN or infinite.
        """
        sums = tf.convert_to_tensor(self.totals).numpy()
        self.totals.assign(tf.zeros(len(sums)))
        self.check_finite(sums)
        return self.objective.figures(sums)

    def check_finite(self, sums: Any = 0.0) -> None:
        """Raise RunError if the sums of the loss or a weight are NaN or infinite."""
        if not np.isfinite(sums).all() or not bool(self._finite_weights()):
            raise RunError(
                "the loss is NaN or infinite; start another --run-dir with a lower learning_rate="
                f"{self.config.learning_rate:g}"
                + ("" if self.config.precision == "float32" else ", or with precision=float32")
            )

    @tf.function
    def _finite_weights(self) -> tf.Tensor:
        sums = [tf.reduce_sum(weight.value) for weight in self.model.weights]
        return tf.math.is_finite(tf.add_n(sums))

    @tf.function(reduce_retracing=True)
    def predict(self, luminance: tf.Tensor) -> dict[str, tf.Tensor]:
        """Outputs for validation, in inference mode."""
        return self.model(luminance, training=False)

    def spread(self, make: Callable[[int, int, int], tf.data.Dataset]) -> Any:
        """A dataset over all replicas, from a function that makes this host's part.

        Args:
            make: function from (number of this host, hosts, replicas a host) to a tf.data.Dataset.
        """
        replicas = self.strategy.num_replicas_in_sync
        if replicas == 1:
            return make(0, 1, 1)
        return self.strategy.distribute_datasets_from_function(
            lambda context: make(
                context.input_pipeline_id,
                context.num_input_pipelines,
                replicas // context.num_input_pipelines,
            )
        )

    def parameters(self) -> int:
        """Count of the numbers that are trained."""
        return sum(math.prod(v.shape) for v in self.model.trainable_variables)

    def best_so_far(self) -> float:
        return float(tf.convert_to_tensor(self.best))

    def learning_rate(self) -> float:
        return float(tf.convert_to_tensor(self.optimizer.learning_rate))
