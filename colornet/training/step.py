"""One update of the network: the joint loss (section 3.3), its gradients and the optimizer."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from colornet.config import Config
from colornet.network.model import build_model
from colornet.records import format as record_format
from colornet.training import optimizers

NOT_FINITE = "the loss is not finite"
TOTALS = ("squared", "entropy", "labeled", "pictures")  # what `loss_totals` sums


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
        optimizer: a keras optimizer.
        totals: sums of `loss_totals` since `take_totals`.
        best: lowest validation rmse_ab so far.
    """

    def __init__(self, config: Config, strategy: tf.distribute.Strategy) -> None:
        super().__init__()
        self.config = config
        self.strategy = strategy
        replicas = strategy.num_replicas_in_sync
        self.model = build_model(config, config.precision, synchronized=replicas > 1)
        self.optimizer = make_optimizer(config)
        self.optimizer.build(self.model.trainable_variables)
        self.totals = tf.Variable(
            tf.zeros(len(TOTALS)),
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
    def step(self, luminance: Any, chrominance: Any, label: Any) -> None:
        """One update by a (distributed) batch, as of `read_input.training_batches`.

        Raises:
            tf.errors.InvalidArgumentError: loss or gradients are not finite; no weight is updated.
        """
        self.strategy.run(self._replica_step, args=(luminance, chrominance, label))

    def _replica_step(self, luminance: tf.Tensor, chrominance: tf.Tensor, label: tf.Tensor) -> None:
        parts = self.config.gradient_accumulation
        variables = self.model.trainable_variables
        gradients = None
        for batch in zip(*(tf.split(x, parts) for x in (luminance, chrominance, label))):
            # One part after the other, or their memory would add up.
            with tf.control_dependencies(gradients or []):
                totals, part = self._gradients(*map(tf.identity, batch))
            gradients = [a + b for a, b in zip(gradients, part)] if gradients else part
            self.totals.assign_add(totals)
        self.optimizer.apply(gradients, variables)

    def _gradients(
        self, luminance: tf.Tensor, chrominance: tf.Tensor, label: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            outputs = self.model(luminance, training=True)
            totals = loss_totals(outputs, chrominance, label)
            loss = joint_loss(totals, self.config) / self.config.batch_size
            scaled = loss
            if hasattr(self.optimizer, "inner_optimizer"):
                scaled = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, self.model.trainable_variables)
        finite = tf.math.is_finite(loss)
        if scaled is loss:  # scaled float16 gradients may overflow: the optimizer skips these
            # Of sums, which is a third of the time of asking every number.
            finite &= tf.math.is_finite(tf.add_n([tf.reduce_sum(g) for g in gradients]))
        with tf.control_dependencies([tf.debugging.Assert(finite, [NOT_FINITE])]):
            return tf.identity(totals), [tf.identity(gradient) for gradient in gradients]

    def take_totals(self) -> dict[str, float | None]:
        """Training figures since the last call, as a dict of floats."""
        sums = [float(x) for x in tf.convert_to_tensor(self.totals)]
        self.totals.assign(tf.zeros(len(TOTALS)))
        of = dict(zip(TOTALS, sums))
        return {
            "loss": joint_loss(sums, self.config) / of["pictures"],
            "mse": of["squared"] / of["pictures"],
            "cross_entropy": of["entropy"] / of["labeled"] if of["labeled"] else None,
        }

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

    def first_not_finite(self, batch: Any) -> str:
        """Name of the first tensor that is not finite, with a batch as of `step`."""
        return _first_not_finite(self.model, self.strategy.experimental_local_results(batch[0])[0])

    def parameters(self) -> int:
        """Count of the numbers that are trained."""
        return sum(math.prod(v.shape) for v in self.model.trainable_variables)

    def best_so_far(self) -> float:
        return float(tf.convert_to_tensor(self.best))

    def learning_rate(self) -> float:
        return float(tf.convert_to_tensor(self.optimizer.learning_rate))


def loss_totals(
    outputs: dict[str, tf.Tensor], chrominance: tf.Tensor, label: tf.Tensor
) -> tf.Tensor:
    """TOTALS: sums over a batch of pictures' mean squared errors and cross entropies, and counts.

    The colour target has the network's own half size (section 3.2).
    """
    squared = tf.square(outputs["chrominance"] - chrominance)
    error = tf.reduce_sum(tf.reduce_mean(squared, axis=(1, 2, 3)))
    entropy = labeled = tf.constant(0.0)
    if "logits" in outputs:
        has_class = label != record_format.NO_CLASS
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.where(has_class, label, 0), outputs["logits"]
        )
        entropy = tf.reduce_sum(tf.where(has_class, each, 0))
        labeled = tf.reduce_sum(tf.cast(has_class, tf.float32))
    return tf.stack([error, entropy, labeled, tf.cast(tf.shape(label)[0], tf.float32)])


def joint_loss(totals: Any, config: Config) -> Any:
    """MSE + alpha cross entropy (equation 3), summed over pictures; only labeled ones have it.

    Args:
        totals: TOTALS, or the first two of them, as a tensor or numbers.
    """
    return totals[0] + config.classification_weight * totals[1]


def _first_not_finite(model: keras.Model, luminance: tf.Tensor) -> str:
    """Name of the first tensor that is not finite: a weight, the input, or a layer's output."""
    for variable in model.trainable_variables:
        if not _finite(variable.value):
            return variable.path
    if not _finite(luminance):
        return "luminance (the records)"
    for network in model.layers:
        if not hasattr(network, "layers"):
            continue
        inputs = network._inbound_nodes[-1].arguments.args[0]
        layers = [x for x in network.layers if not isinstance(x, keras.layers.InputLayer)]
        every = keras.Model(network.inputs, [layer.output for layer in layers])
        outputs = keras.Model(model.inputs, every(inputs))(luminance, training=True)
        for layer, output in zip(layers, outputs):
            if not _finite(output):
                return f"the output of {layer.name}"
    return "a gradient"


def _finite(tensors: Any) -> bool:
    return all(bool(tf.reduce_all(tf.math.is_finite(x))) for x in tf.nest.flatten(tensors))
