"""One step of training: optimizers, normalization, accumulation, loss and precisions."""

import dataclasses

import numpy as np
import pytest

from colornet.config import OPTIMIZERS, Config
from presets import load_config
from tiny_training import make_batch, make_training

# Not the defaults: the settings have to arrive, too.
ADAM = dict(adam_beta1=0.8, adam_beta2=0.9, adam_epsilon=1e-3)
ADADELTA = dict(adadelta_rho=0.8, adadelta_epsilon=1e-3)


@pytest.mark.parametrize("optimizer, values", [("adam", ADAM), ("adadelta", ADADELTA)])
def test_fused_updates_equal_those_of_keras(optimizer, values):
    import keras

    kinds = {"adam": keras.optimizers.Adam, "adadelta": keras.optimizers.Adadelta}
    theirs = {"adam": dict(beta_1=0.8, beta_2=0.9, epsilon=1e-3)}
    theirs = kinds[optimizer](0.1, **theirs.get(optimizer, dict(rho=0.8, epsilon=1e-3)))
    weights = np.linspace(-1, 1, 7)
    ours = updated(Config(optimizer=optimizer, learning_rate=0.1, **values), weights)
    np.testing.assert_allclose(ours, updated(theirs, weights), atol=1e-5)


def test_each_name_makes_an_optimizer_of_its_own():
    from colornet.training import step as training_step

    made = [type(training_step.make_optimizer(Config(optimizer=name))) for name in OPTIMIZERS]
    assert len(set(made)) == len(OPTIMIZERS) > 2


def test_adadelta_of_the_paper_preset_is_torchs():
    """torch.optim.Adadelta and the authors' optim.adadelta: rho 0.9, epsilon 1e-6, rate 1."""
    weights, squares, moves = np.linspace(-1, 1, 7), 0, 0
    expected = weights
    for gradient in gradients():
        squares = 0.9 * squares + 0.1 * gradient**2
        move = np.sqrt(moves + 1e-6) / np.sqrt(squares + 1e-6) * gradient
        moves = 0.9 * moves + 0.1 * move**2
        expected = expected - move
    np.testing.assert_allclose(updated(load_config("paper"), weights), expected, atol=1e-6)


def gradients():
    return [np.cos(np.arange(7) + step) for step in range(5)]


def updated(optimizer, weights):
    """Weights after five updates by a Keras optimizer, or by that of a config."""
    import keras
    import tensorflow as tf

    from colornet.training import step as training_step

    if isinstance(optimizer, Config):
        optimizer = training_step.make_optimizer(optimizer)
    weights = keras.Variable(weights.astype("float32"))
    optimizer.build([weights])
    for gradient in gradients():
        optimizer.apply([tf.constant(gradient, tf.float32)], [weights])
    return weights.numpy()


@pytest.mark.parametrize("shape", [(3, 3, 8, 16), (64, 16), (16, 64)])
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_muon_moves_a_kernel_equally_far_in_all_directions(shape, precision):
    import keras
    import tensorflow as tf

    from colornet.training import step as training_step

    optimizer = training_step.make_optimizer(
        Config(optimizer="muon", learning_rate=0.1, precision=precision)
    )
    kernel = keras.Variable(np.zeros(shape, "float32"), name="kernel")
    optimizer.build([kernel])
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    random = np.random.default_rng(0)
    left = np.linalg.qr(random.normal(size=(rows, min(rows, columns))))[0]
    right = np.linalg.qr(random.normal(size=(columns, min(rows, columns))))[0]
    scales = np.geomspace(1, 0.05, min(rows, columns))
    gradient = (left * scales @ right.T).reshape(shape)
    optimizer.apply([tf.constant(gradient, tf.float32)], [kernel])
    moved = left.T @ -kernel.numpy().reshape(rows, columns) @ right  # along each direction
    length = 0.1 * 0.2 * max(rows, columns) ** 0.5
    assert 0.4 * length < np.diag(moved).min() and np.diag(moved).max() < 1.6 * length
    np.testing.assert_allclose(moved, np.diag(np.diag(moved)), atol=0.05 * length)


def test_muons_momentum_is_a_setting():
    """Of momentum 0 the second step is that of its own gradient; with more, the first's counts."""
    import keras
    import tensorflow as tf

    from colornet.training import step as training_step

    first, second = np.zeros((2, 4, 4), "float32")
    first[0, 0], second[1, 1] = 1, 1
    moved = {}
    for momentum in (0.0, 0.9):
        config = Config(optimizer="muon", muon_momentum=momentum, muon_weight_decay=0.0)
        optimizer = training_step.make_optimizer(config)
        kernel = keras.Variable(np.zeros((4, 4), "float32"), name="kernel")
        optimizer.build([kernel])
        optimizer.apply([tf.constant(first)], [kernel])
        after = kernel.numpy()
        optimizer.apply([tf.constant(second)], [kernel])
        moved[momentum] = np.abs(kernel.numpy() - after)
    assert moved[0.0][1, 1] > 0 and moved[0.0][0, 0] == 0
    assert moved[0.9][1, 1] > 0 and moved[0.9][0, 0] > 0


def test_kernels_decay_with_muon():
    import keras
    import tensorflow as tf

    from colornet.training import step as training_step

    config = Config(optimizer="muon", learning_rate=0.1, muon_weight_decay=0.2)
    optimizer = training_step.make_optimizer(config)
    kernel = keras.Variable(np.full((3, 3, 2, 4), 2, "float32"), name="kernel")
    bias = keras.Variable(np.full(4, 2, "float32"), name="bias")
    optimizer.build([kernel, bias])
    optimizer.apply([tf.zeros((3, 3, 2, 4)), tf.zeros(4)], [kernel, bias])
    np.testing.assert_allclose(kernel.numpy(), 2 - 2 * 0.1 * 0.2, rtol=1e-6)
    np.testing.assert_array_equal(bias.numpy(), 2)


def test_muon_leaves_the_first_and_last_layers_and_vectors_to_adam():
    import tensorflow as tf

    trained = {}
    for optimizer in ("adam", "muon"):
        training, _ = make_training(optimizer=optimizer)
        variables = training.model.trainable_variables
        before = {v.path: v.numpy() for v in variables}
        gradients = [tf.random.stateless_normal(v.shape, (0, n)) for n, v in enumerate(variables)]
        training.optimizer.apply(gradients, variables)
        trained[optimizer] = {v.path: v.numpy() for v in variables}
    same = {
        path
        for path in before
        if np.allclose(trained["adam"][path], trained["muon"][path], atol=1e-6)
    }
    others = {path for path in before if path.endswith("kernel")} - {
        f"{layer}/kernel"
        for layer in ("low_level_1", "colorization_chrominance", "classification_logits")
    }
    assert same == before.keys() - others


@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (5, 6)])
def test_fused_normalization_equals_that_of_keras(shape):
    import keras
    import tensorflow as tf

    from colornet.network import layers

    pictures = tf.random.stateless_normal(shape, (0, 1), 2.0, 3.0)
    weight = tf.random.stateless_normal(shape, (0, 2))
    results = []
    for kind in (layers.BatchNormalization, keras.layers.BatchNormalization):
        layer = kind(momentum=0.9, epsilon=1e-5)
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            output = layer(pictures, training=True)
            gradient = tape.gradient(tf.reduce_sum(output * weight), pictures)
        results.append([output, gradient, *layer.variables, layer(pictures)])
    for ours, theirs in zip(*results):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-4, atol=1e-5)


def test_accumulated_parts_add_up_to_the_mean_of_their_gradients():
    import tensorflow as tf

    whole, _ = make_training(gradient_accumulation=2, optimizer="adadelta", learning_rate=1.0)
    part, _ = make_training(optimizer="adadelta", batch_size=8, learning_rate=1.0)
    batch = {name: tf.concat([x, x], 0) for name, x in make_batch().items()}
    whole.config = dataclasses.replace(whole.config, batch_size=8)
    before = [v.numpy() for v in whole.model.trainable_variables]
    whole.step(batch)  # in two equal parts: the same statistics, so the same gradients
    part.step(batch)
    moved = 0.0
    for start, ours, theirs in zip(
        before, whole.model.trainable_variables, part.model.trainable_variables
    ):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-3, atol=2e-5)
        moved = max(moved, np.abs(ours.numpy() - start).max())
    assert moved > 1e-4
    assert whole.take_totals()["loss"] == pytest.approx(part.take_totals()["loss"], rel=1e-5)


def test_the_joint_loss_is_the_papers():
    import tensorflow as tf

    training, config = make_training()
    batch = make_batch()
    label = batch["label"]
    outputs = training.model(batch["luminance"])
    outputs = {name: np.asarray(value) for name, value in outputs.items()}
    squared = np.square(outputs["chrominance"] - batch["chrominance"]).mean()
    logits = outputs["logits"][:3]  # the fourth picture has no class
    chosen = logits[np.arange(3), label[:3]]
    entropies = np.log(np.exp(logits).sum(axis=1)) - chosen
    totals = training.objective.losses(
        {name: tf.constant(value) for name, value in outputs.items()}, batch
    )
    assert float(training.objective.loss(totals)) / 4 == pytest.approx(
        squared + entropies.sum() / 4 / 300, rel=1e-5
    )
    training.step(batch)
    figures = training.take_totals()  # three of the four have a class
    assert figures["loss"] == pytest.approx(
        figures["mse"] + figures["cross_entropy"] * 3 / 4 / 300, rel=1e-5
    )
    assert figures["loss"] > 1.01 * figures["mse"] > 0


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_lower_precision_trains_with_float32_gradients_and_losses(precision):
    import tensorflow as tf

    training, _ = make_training(precision, learning_rate=3e-3)
    seen = []
    apply = training.optimizer.apply
    training.optimizer.apply = lambda gradients, variables: (
        seen.extend(gradients),
        apply(gradients, variables),
    )
    batch = make_batch()
    losses = []
    for _ in range(40):
        training.step(batch)
        losses.append(training.take_totals()["loss"])
    assert losses[-1] < 0.7 * losses[0]
    assert seen and all(gradient.dtype == tf.float32 for gradient in seen)
    assert training.totals.dtype == tf.float32
    outputs = training.model(batch["luminance"], training=True)
    assert all(value.dtype == tf.float32 for value in outputs.values())
    assert training.model.get_layer("mid_level").output.dtype == precision.removeprefix("mixed_")
