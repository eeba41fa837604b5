"""Our layer and optimizers against Keras's, over their arguments: faster, never different."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from colornet.network import layers
from colornet.training import optimizers


@pytest.mark.parametrize(
    "shape, arguments",
    [
        ((3, 4, 5, 6), dict(synchronized=True)),
        ((3, 4, 5, 6), dict(dtype="mixed_bfloat16")),
        ((3, 4, 5, 6), dict(momentum=0.5, epsilon=0.1)),
        ((5, 6), {}),
    ],
    ids=str,
)
def test_batch_normalization(shape, arguments):
    pictures = tf.random.stateless_normal(shape, (0, 1), 2.0, 3.0)
    weight = tf.random.stateless_normal(shape, (0, 2))
    results = []
    for kind in (layers.BatchNormalization, keras.layers.BatchNormalization):
        layer = kind(**arguments)
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            output = layer(pictures, training=True)
            loss = tf.reduce_sum(tf.cast(output, "float32") * weight)
            gradient = tape.gradient(loss, pictures)
        results.append([output, gradient, *layer.variables, layer(pictures)])
    low = "bfloat16" in arguments.get("dtype", "")
    for ours, theirs in zip(*results):
        assert ours.dtype == theirs.dtype
        ours, theirs = (np.asarray(keras.ops.cast(x, "float32")) for x in (ours, theirs))
        np.testing.assert_allclose(ours, theirs, rtol=0.02 if low else 1e-4, atol=1e-4)


EACH = [{}, dict(epsilon=0.01), dict(gradient_accumulation_steps=2)]


@pytest.mark.parametrize(
    "ours, theirs, arguments",
    [(optimizers.Adam, keras.optimizers.Adam, arguments) for arguments in EACH]
    + [(optimizers.Adadelta, keras.optimizers.Adadelta, arguments) for arguments in EACH]
    + [
        (optimizers.Adam, keras.optimizers.Adam, dict(beta_1=0.5, beta_2=0.7)),
        (optimizers.Adadelta, keras.optimizers.Adadelta, dict(rho=0.5)),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_optimizer(ours, theirs, arguments):
    np.testing.assert_allclose(
        trained(ours(0.1, **arguments)), trained(theirs(0.1, **arguments)), atol=1e-5
    )


def trained(optimizer):
    """Two variables after six steps."""
    variables = [
        keras.Variable(np.linspace(-1, 1, 12).reshape(shape), dtype="float32")
        for shape in ((6, 2), (3, 4))
    ]
    optimizer.build(variables)
    for step in range(6):
        wave = np.cos(np.arange(12) * (step + 1))
        gradients = [tf.constant(wave.reshape(v.shape), tf.float32) for v in variables]
        optimizer.apply(gradients, variables)
    return np.concatenate([np.ravel(v) for v in variables])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("rows, columns", [(288, 32), (64, 64), (32, 288)])
def test_muon_steps_are_nearly_orthogonal(dtype, rows, columns):
    rng = np.random.default_rng(0)
    least = min(rows, columns)
    left, right = (np.linalg.qr(rng.normal(size=(side, least)))[0] for side in (rows, columns))
    matrix = left * np.logspace(0, -0.8, least) @ right.T  # as ill-conditioned as is mended
    made = tf.cast(optimizers.orthogonal(tf.constant(matrix, dtype)), tf.float32)
    values = np.linalg.svd(made, compute_uv=False)
    assert 0.5 < values.min() and values.max() < 1.5
    directions = left @ right.T  # the nearest that is orthogonal
    assert (made * directions).numpy().sum() > 0.9 * np.linalg.norm(made) * least**0.5


def test_keras_muon_is_no_muon_for_convolutions():
    """Why `optimizers.Muon` is ours; once this fails, Keras's may do."""
    kernel = keras.Variable(np.ones((3, 3, 2, 4), "float32"), name="kernel")
    assert keras.optimizers.Muon()._should_use_adamw(kernel)
