"""Hosts, memory and other devices' faults: said in one line that can be followed."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import model_train
from colornet.errors import UserError
from tiny_training import train

HOSTS = {"worker": ["a:1234", "b:1234"]}
TASK = {"type": "worker", "index": 1}


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[]",
        "7",
        json.dumps({"cluster": HOSTS}),
        json.dumps({"cluster": HOSTS, "task": {"type": "worker", "index": 2}}),
        json.dumps({"cluster": HOSTS, "task": {"type": "ps", "index": 0}}),
        json.dumps({"cluster": {"worker": ["a", "b"]}, "task": TASK}),
        json.dumps({"cluster": {"worker": ["a:1", "b:70000"]}, "task": TASK}),
        json.dumps({"cluster": {"worker": ["a:1", "b:2", "c:0"]}, "task": TASK}),
        json.dumps({"cluster": {"worker": ["a:1", "b:-2"]}, "task": TASK}),
        json.dumps({"cluster": {"worker": 2}, "task": TASK}),
        json.dumps({"cluster": ["a:1", "b:1"], "task": TASK}),
    ],
)
def test_a_malformed_tf_config_is_refused(text, monkeypatch):
    from colornet.training import devices

    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match='TF_CONFIG: expected JSON such as {"cluster"'):
        devices.read_cluster()


@pytest.mark.parametrize(
    "content, count, number",
    [
        ("", 1, 0),
        ("{}", 1, 0),
        (json.dumps({"cluster": {"worker": ["a:1"]}, "task": TASK}), 1, 0),
        (json.dumps({"cluster": HOSTS, "task": TASK}), 2, 1),
        (json.dumps({"cluster": {"chief": ["c:1"], **HOSTS}, "task": TASK}), 3, 2),
    ],
)
def test_hosts_of_tf_config(content, count, number, monkeypatch):
    from colornet.training import devices

    monkeypatch.setenv("TF_CONFIG", content)
    assert devices.read_cluster() == devices.Cluster(count, number)


def test_another_backend_is_refused(records, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert train(records, tmp_path) == 2
    error = capsys.readouterr().err
    assert "KERAS_BACKEND=jax: expected tensorflow" in error and error.count("\n") == 1


def failing(monkeypatch, method, kind, message):
    """Have a method of the training state raise one of TensorFlow's errors."""
    import tensorflow as tf

    from colornet.training.step import TrainState

    def fail(*_):
        raise getattr(tf.errors, kind)(None, None, message)

    monkeypatch.setattr(TrainState, method, fail)


def test_advice_about_memory_can_be_followed(records, trained, tmp_path, monkeypatch, capsys):
    failing(monkeypatch, "step", "ResourceExhaustedError", "OOM when allocating")
    assert train(records, tmp_path / "new") == 3
    error = capsys.readouterr().err
    for word in ("lower batch_size=4", "raise gradient_accumulation=1"):
        assert word in error
    assert error.count("\n") == 1
    assert train(records, tmp_path / "new", batch_size=2, gradient_accumulation=2) == 3


def test_advice_about_memory_in_validation(records, trained, monkeypatch, capsys):
    failing(monkeypatch, "predict", "ResourceExhaustedError", "OOM when allocating")
    assert train(records, trained, steps=7) == 3
    assert "out of device memory; lower validation_batch=32" in capsys.readouterr().err


def test_a_missing_algorithm_is_no_damaged_shard(records, trained, monkeypatch, capsys):
    failing(monkeypatch, "step", "NotFoundError", "No algorithm worked! Error messages: [...]")
    assert train(records, trained, steps=9) == 3
    error = capsys.readouterr().err
    assert "the device cannot compute a step: No algorithm worked!" in error
    assert "shard" not in error and error.count("\n") == 1


@pytest.mark.parametrize("kind", ["NotFoundError", "CancelledError", "AbortedError"])
def test_what_is_not_known_is_not_explained(unvalidated, tmp_path, monkeypatch, kind):
    import tensorflow as tf

    failing(monkeypatch, "step", kind, "a file or a reader is gone")
    with pytest.raises(getattr(tf.errors, kind), match="a file or a reader is gone"):
        train(unvalidated, tmp_path)


@pytest.fixture(scope="module")
def two_devices():
    """What a process that has two devices, which no test process has, found there."""
    code = """
import json, keras, numpy as np, tensorflow as tf
import tiny_training
from colornet.network import model
from colornet.training import devices, optimizers
vars(model).update(tiny_training.SHALLOW)
strategy, _ = devices.make_strategy("cpu:2", devices.Cluster())

def halves(values):
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.split(values, 2)[context.replica_id_in_sync_group])

with strategy.scope():
    weight = keras.Variable(np.ones(3, "float32"))
    optimizer = optimizers.LossScaleOptimizer(optimizers.Adam(0.1), initial_scale=8.0)
    optimizer.build([weight])

@tf.function
def step(gradients):
    strategy.run(lambda gradient: optimizer.apply([gradient[0]], [weight]), (gradients,))

after = []
for first, second in ((1, np.inf), (np.nan, 1), (1, 1)):
    step(halves(tf.constant([[first] * 3, [second] * 3], "float32")))
    copies = [x.numpy()[0] for x in strategy.experimental_local_results(weight.value)]
    after.append([*map(float, copies), float(optimizer.dynamic_scale.numpy())])

states = []
for each in (tf.distribute.get_strategy(), strategy):
    with each.scope():
        training, _ = tiny_training.make_training(strategy=each)
    batch = tiny_training.make_batch()
    if each is strategy:
        batch = {name: halves(values) for name, values in batch.items()}
    training.step(batch)
    variables = training.model.non_trainable_variables + training.optimizer.variables
    numbers = {f"{n} {v.name}": v.numpy().tolist() for n, v in enumerate(variables)}
    states.append([numbers, training.take_totals()])
print(json.dumps([after, states]))
"""
    folder = os.path.dirname(model_train.__file__)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": f"{folder}/tests"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_overflow_on_any_replica_skips_the_update_on_all(two_devices):
    after, _ = two_devices
    assert after[0] == [1, 1, 4] and after[1] == [1, 1, 2]  # skipped on both, the scale halved
    assert after[2] == [pytest.approx(0.9), pytest.approx(0.9), 2]


def test_a_step_on_two_devices_is_that_on_one(two_devices):
    """Of the sums, of normalization's averages and, in Adam's moments, of each gradient."""
    (one, totals), (two, totals_of_two) = two_devices[1]
    assert totals_of_two == pytest.approx(totals, rel=1e-5)
    assert one.keys() == two.keys() and len(one) > 50
    for name, numbers in one.items():
        ours, theirs = np.array(two[name]), np.array(numbers)
        assert np.linalg.norm(ours - theirs) <= 1e-3 * np.linalg.norm(theirs), name
