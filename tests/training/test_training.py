"""Training: losses, gradients, settings, and what stops it."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import model_train
from build_model import build_model
from config import PRESETS, Config, load_config, read_config, save_config
from tiny_training import SMALL, checkpoint_files, rows, settings, train


def make_training(precision="float32", **values):
    import tensorflow as tf

    from colornet.training import step as training_step

    config = Config(**{**SMALL, "num_classes": 3, **values})
    return training_step.TrainState(
        build_model, config, precision, tf.distribute.get_strategy()
    ), config


def make_batch(size=4, crop=32, seed=0):
    """(luminance, chrominance, label) of smooth random pictures."""
    import tensorflow as tf

    coarse = tf.random.stateless_uniform((size, 4, 4, 3), (seed, 0), 0.2, 0.8)
    fine = tf.image.resize(coarse, (crop, crop))
    chrominance = tf.image.resize(coarse[..., 1:], (crop // 2, crop // 2))
    return fine[..., :1], chrominance, tf.constant([0, 1, 2, -1][:size] * (size // 4), tf.int64)


# --- Losses and gradients -------------------------------------------------------------------


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


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_one_batch_can_be_overfitted(optimizer):
    from colornet.pictures import colorspace

    training, _ = make_training(width=0.25, optimizer=optimizer, learning_rate=3e-3)
    batch = make_batch()
    for _ in range(300):
        training.step(*batch)
    training.take_totals()
    training.step(*batch)
    assert colorspace.rmse_ab(training.take_totals()["mse"]) < 2


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

    optimizer = training_step.make_optimizer(Config(optimizer="muon", learning_rate=0.1), precision)
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
    batch = make_batch()
    trained = {}
    for optimizer in ("adam", "muon"):
        training, _ = make_training(optimizer=optimizer)
        before = {v.path: v.numpy() for v in training.model.trainable_variables}
        training.step(*batch)
        trained[optimizer] = {v.path: v.numpy() for v in training.model.trainable_variables}
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
    batch = [tf.concat([x, x], 0) for x in make_batch()]
    whole.config = dataclasses.replace(whole.config, batch_size=8)
    before = [v.numpy() for v in whole.model.trainable_variables]
    whole.step(*batch)  # in two equal parts: the same statistics, so the same gradients
    part.step(*batch)
    moved = 0.0
    for start, ours, theirs in zip(
        before, whole.model.trainable_variables, part.model.trainable_variables
    ):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-3, atol=2e-5)
        moved = max(moved, np.abs(ours.numpy() - start).max())
    assert moved > 1e-4
    assert whole.take_totals()["loss"] == pytest.approx(part.take_totals()["loss"], rel=1e-5)


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
        training.step(*batch)
        losses.append(training.take_totals()["loss"])
    assert losses[-1] < 0.7 * losses[0]
    assert seen and all(gradient.dtype == tf.float32 for gradient in seen)
    assert training.totals.dtype == tf.float32
    outputs = training.model(batch[0], training=True)
    assert all(value.dtype == tf.float32 for value in outputs.values())
    assert training.model.get_layer("mid_level").output.dtype == precision.removeprefix("mixed_")


# --- Whole runs -----------------------------------------------------------------------------


def test_a_run_leaves_what_it_promises(records, tmp_path, capsys):
    run_dir = tmp_path / "run"
    assert train(records, run_dir) == 0
    shown = capsys.readouterr().out
    for word in (
        "settings",
        "width=0.0625",
        "device",
        "CPU",
        "precision",
        "float32",
        "pictures",
        "2 classes",
        "parameters",
        "steps",
        "0 done of 6",
    ):
        assert word in shown
    assert {
        "config.json",
        "metrics.jsonl",
        "best.weights.h5",
        "checkpoints",
        "panels",
        "events",
        "curves.png",
    } <= {entry.name for entry in run_dir.iterdir()}
    training = [row for row in rows(run_dir) if "loss" in row]
    validation = [row for row in rows(run_dir) if "val_rmse_ab" in row]
    assert [row["step"] for row in training] == [2, 4, 6]
    assert [row["step"] for row in validation] == [3, 6]
    assert set(training[0]) == {
        "step",
        "loss",
        "mse",
        "cross_entropy",
        "learning_rate",
        "images_per_second",
    }
    assert {"val_rmse_ab", "val_psnr", "val_top1"} <= set(validation[0])
    assert [panel.name for panel in sorted((run_dir / "panels").iterdir())] == [
        "step-00000003.png",
        "step-00000006.png",
    ]
    assert Image.open(run_dir / "curves.png").width > 100

    from colornet.network import weights_files

    model, config = weights_files.load_trained(str(run_dir), build_model)
    assert config.class_names == ("kitchen", "street")
    assert config.shard_pictures == SMALL["shard_pictures"]  # of the records, not of train()

    before = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*") if path.is_file()}
    assert train(records, run_dir) == 0  # finished: says so, and touches nothing
    assert "finished" in capsys.readouterr().out
    assert before == {p: p.stat().st_mtime_ns for p in run_dir.rglob("*") if p.is_file()}

    assert (
        train(
            records,
            run_dir,
            steps=9,
            log_every=3,
            checkpoint_every=2,
            panel_pictures=0,
            devices="cpu",
            working_size=0,
            chroma=1.5,
            validate_every=4,
        )
        == 0
    )
    assert [row["step"] for row in rows(run_dir)] == [2, 3, 4, 6, 6, 8, 9, 9]
    assert len(list((run_dir / "checkpoints").glob("*.index"))) == 2
    assert train(records, run_dir, batch_size=8, steps=12) == 2
    assert "batch_size was 4, now 8" in capsys.readouterr().err


def test_other_records_are_refused(records, unlabeled, tmp_path, capsys):
    assert train(records, tmp_path, steps=1) == 0
    assert train(unlabeled, tmp_path, steps=2) == 2
    error = capsys.readouterr().err
    assert (
        "records_fingerprint was" in error
        and "class_names was ('kitchen', 'street'), now ()" in error
    )


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(dict(use_classification=False), marks=pytest.mark.slow),
        dict(use_classification=False, use_global_features=False),
    ],
)
def test_ablations_train(records, tmp_path, values):
    assert train(records, tmp_path, **values) == 0
    assert rows(tmp_path)[0]["cross_entropy"] is None
    assert rows(tmp_path)[-1]["val_top1"] is None
    from colornet.network import weights_files

    model, _ = weights_files.load_trained(str(tmp_path), build_model)
    names = [layer.name for layer in model.layers]
    assert "classification" not in names
    assert ("global" in names) == ("use_global_features" not in values)


def test_records_without_classes_train_on_color_alone(unlabeled, tmp_path):
    assert train(unlabeled, tmp_path) == 0
    assert rows(tmp_path)[0]["cross_entropy"] is None
    assert rows(tmp_path)[0]["loss"] == rows(tmp_path)[0]["mse"]


def weights(folder):
    from colornet.network import weights_files

    return weights_files.read_weights(str(folder / "best.weights.h5"))


def test_a_run_can_start_from_the_weights_of_another(records, unlabeled, trained, tmp_path, capsys):
    first, second, third = trained, tmp_path / "second", tmp_path / "third"
    still = dict(initial_weights=first, learning_rate=1e-9, steps=1)
    assert train(records, second, **still) == 0
    assert train(records, second, **{**still, "steps": 2}) == 0  # goes on from its checkpoint
    assert train(unlabeled, third, **still) == 0  # other classes: without the scene classifier
    for folder, names in ((second, weights(first)), (third, weights(third))):
        assert weights(folder).keys() == names.keys()
        for name, value in weights(folder).items():
            if "moving" not in name:
                np.testing.assert_allclose(value, weights(first)[name], atol=1e-6, err_msg=name)
    assert train(records, tmp_path / "wide", **still, width=0.125) == 2
    error = capsys.readouterr().err
    assert "weights of another network" in error and str(first) in error
    assert train(records, tmp_path / "none", initial_weights=tmp_path / "absent") == 2
    assert "no such weights" in capsys.readouterr().err
    assert not list(tmp_path.glob("wide/checkpoints/*"))


def test_the_start_says_where_settings_come_from(tmp_path, monkeypatch):
    """And what config.py has otherwise since a run began, such as an edited preset."""
    from colornet.training import run_folder, run_settings

    folder = run_folder.RunFolder(str(tmp_path))
    dataset = {"train": {"pictures": 8}, "val": {"pictures": 2}}

    def start():
        return run_settings.start_block(config, dataset, folder, "CPU", "float32", 1, 0)

    config = load_config("smoke", ["steps=500"])
    assert "config.py, preset smoke" in start() and "now: steps=500 (there 300)\n" in start()
    save_config(config, folder.settings)
    monkeypatch.setitem(PRESETS, "smoke", dict(PRESETS["smoke"], learning_rate=0.1))
    assert f"{folder.settings}, begun with preset smoke" in start()
    assert "now: steps=500 (there 300), learning_rate=0.002 (there 0.1)\n" in start()
    monkeypatch.delitem(PRESETS, "smoke")
    assert "which config.py no longer has" in start()


def test_a_measured_precision_is_not_deterministic(records, tmp_path, capsys):
    assert train(records, tmp_path, precision="auto") == 2
    error = capsys.readouterr().err
    assert "precision=auto" in error and "--set deterministic=false" in error


def test_a_precision_that_the_run_folder_holds_goes_with_deterministic(tmp_path):
    from colornet.training import run_folder, run_settings

    folder = run_folder.RunFolder(str(tmp_path))
    asked = load_config("smoke", ["precision=auto"])
    save_config(dataclasses.replace(asked, precision="mixed_bfloat16"), folder.settings)
    assert run_settings.going_on(asked, folder).precision == "mixed_bfloat16"


def test_precision_auto_is_measured_said_and_kept(records, tmp_path, capsys):
    assert train(records, tmp_path, precision="auto", deterministic=False, steps=1) == 0
    first = [line for line in capsys.readouterr().out.splitlines() if "precision" in line][-1]
    chosen = read_config(tmp_path / "config.json").precision
    assert chosen in ("float32", "mixed_bfloat16") and f"precision   {chosen} (measured" in first
    assert train(records, tmp_path, precision="auto", deterministic=False, steps=2) == 0
    assert f"precision   {chosen}\n" in capsys.readouterr().out


# --- What stops a run -----------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_the_run(records, tmp_path, capsys):
    assert train(records, tmp_path, steps=3) == 0
    assert train(records, tmp_path, steps=3, learning_rate=1e30) == 2  # another setting
    poison(tmp_path, 3, "mid_level_1/kernel")
    before = checkpoint_files(tmp_path)
    capsys.readouterr()
    assert train(records, tmp_path, steps=9) == 2
    error = capsys.readouterr().err
    assert "not finite at step 4, learning rate 0.002" in error
    assert "first tensor that is not finite: mid_level_1/kernel" in error
    assert error.count("\n") == 1
    assert checkpoint_files(tmp_path) == before


def test_a_huge_learning_rate_names_a_layer(records, tmp_path, capsys):
    assert train(records, tmp_path, learning_rate=1e30, log_every=1, checkpoint_every=1) == 2
    error = capsys.readouterr().err
    assert "not finite at step" in error and "learning rate 1e+30" in error
    assert "the output of " in error


def poison(run_dir, step, name):
    """Put NaN into one weight of a checkpoint."""
    import tensorflow as tf

    path = str(run_dir / "checkpoints" / f"step-{step}")
    training, _ = make_training(num_classes=2)
    checkpoint = tf.train.Checkpoint(**training.checkpointed())
    checkpoint.read(path).assert_existing_objects_matched()
    weight = next(v for v in training.model.weights if v.path == name)
    weight.assign(
        np.where(
            np.arange(weight.shape.num_elements()).reshape(weight.shape) == 3,
            np.nan,
            weight.numpy(),
        )
    )
    checkpoint.write(path)


@pytest.mark.slow
def test_a_batch_for_which_memory_does_not_suffice(records, tmp_path):
    code = (
        "import resource, sys, model_train\n"
        "import tensorflow\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (3 << 30),) * 2)\n"
        "sys.exit(model_train.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            "--records",
            records,
            "--run-dir",
            tmp_path,
            *settings(width=2, batch_size=512),
        ],
        capture_output=True,
        text=True,
        cwd=os.path.dirname(model_train.__file__),
    )
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    for word in ("memory", "batch_size=512", "gradient_accumulation", "precision"):
        assert word in line


@pytest.mark.slow
def test_a_full_disk_keeps_the_last_checkpoint(records, tmp_path, capsys):
    if os.geteuid() or sys.platform != "linux":
        pytest.skip("needs root to mount a small file system")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", tmp_path]).returncode:
        pytest.skip("cannot mount a small file system")
    try:
        run_dir = tmp_path / "run"
        assert train(records, run_dir, steps=3) == 0
        before = checkpoint_files(run_dir)
        free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
        (tmp_path / "filler").write_bytes(bytes(free - 200_000))
        capsys.readouterr()
        assert train(records, run_dir, steps=6, validate_every=100) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "No space left on device" in error
        assert before.items() <= checkpoint_files(run_dir).items()
        (tmp_path / "filler").unlink()
        assert train(records, run_dir, steps=6) == 0
        assert rows(run_dir)[-1]["step"] == 6
    finally:
        subprocess.run(["umount", tmp_path], check=True)
