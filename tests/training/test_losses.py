"""The joint loss through the whole network: whom it teaches, and that it can be learnt."""

import numpy as np
import pytest

from tiny_training import make_batch, make_training


@pytest.fixture(scope="module", autouse=True)
def shallow():
    """Here the network has all its layers."""


def test_each_loss_reaches_exactly_its_networks():
    import tensorflow as tf

    training, _ = make_training()
    batch = make_batch()
    with tf.GradientTape(persistent=True) as tape:
        outputs = training.model(batch["luminance"], training=True)
        totals = training.objective.losses(outputs, batch)
        color, scene = totals[0], totals[1]

    def reached(loss):
        reached = set()
        for network in training.model.layers:
            gradients = tape.gradient(loss, network.trainable_variables)
            if any(g is not None and np.abs(g).max() > 0 for g in gradients):
                reached.add(network.name)
        return reached

    assert reached(color) == {"low_level", "global", "mid_level", "fusion", "colorization"}
    assert reached(scene) == {"low_level", "global", "classification"}


@pytest.mark.parametrize(
    "optimizer, rate, steps",
    [pytest.param("adam", 1e-2, 160, marks=pytest.mark.slow), ("muon", 3e-2, 80)],
)
def test_one_batch_can_be_overfitted(optimizer, rate, steps):
    from colornet.pictures import colorspace

    training, _ = make_training(width=0.25, optimizer=optimizer, learning_rate=rate)
    batch = make_batch()
    for _ in range(steps):
        training.step(batch)
    training.take_totals()
    training.step(batch)
    assert colorspace.rmse_ab(training.take_totals()["mse"]) < 3  # 33 at the start
