"""The joint loss through the whole network: whom it teaches, what it is, that it can be learnt."""

import numpy as np
import pytest

from tiny_training import make_batch, make_training


@pytest.fixture(scope="module", autouse=True)
def shallow():
    """Here the network has all its layers."""


def test_each_loss_reaches_exactly_its_networks():
    import tensorflow as tf

    from colornet.training import step as training_step

    training, _ = make_training()
    luminance, chrominance, label = make_batch()
    with tf.GradientTape(persistent=True) as tape:
        outputs = training.model(luminance, training=True)
        totals = training_step.loss_totals(outputs, chrominance, label)
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


def test_the_joint_loss_is_the_papers():
    import tensorflow as tf

    from colornet.training import step as training_step

    training, config = make_training()
    luminance, chrominance, label = make_batch()
    outputs = {name: np.asarray(value) for name, value in training.model(luminance).items()}
    squared = np.square(outputs["chrominance"] - chrominance).mean()
    logits = outputs["logits"][:3]  # the fourth picture has no class
    chosen = logits[np.arange(3), label[:3]]
    entropies = np.log(np.exp(logits).sum(axis=1)) - chosen
    totals = training_step.loss_totals(
        {name: tf.constant(value) for name, value in outputs.items()}, chrominance, label
    )
    assert float(training_step.joint_loss(totals, config)) / 4 == pytest.approx(
        squared + entropies.sum() / 4 / 300, rel=1e-5
    )
    training.step(luminance, chrominance, label)
    figures = training.take_totals()  # three of the four have a class
    assert figures["loss"] == pytest.approx(
        figures["mse"] + figures["cross_entropy"] * 3 / 4 / 300, rel=1e-5
    )
    assert figures["loss"] > 1.01 * figures["mse"] > 0


@pytest.mark.parametrize("optimizer", [pytest.param("adam", marks=pytest.mark.slow), "muon"])
def test_one_batch_can_be_overfitted(optimizer):
    from colornet.pictures import colorspace

    training, _ = make_training(width=0.25, optimizer=optimizer, learning_rate=3e-3)
    batch = make_batch()
    for _ in range(150):
        training.step(*batch)
    training.take_totals()
    training.step(*batch)
    assert colorspace.rmse_ab(training.take_totals()["mse"]) < 3  # 33 at the start
