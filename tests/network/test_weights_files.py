"""Weights on disk: Keras's own files, read by name and as numbers alone."""

import os
import shutil

import h5py
import numpy as np
import pytest

from build_model import build_model
from colornet.config import read_config
from colornet.errors import UserError
from colornet.files import PRETRAINED
from colornet.network import vocabulary, weights_files
from colornet.network.vocabulary import settings_path
from presets import load_config

PICTURES = np.random.default_rng(0).random((2, 32, 32, 1), np.float32)


@pytest.fixture
def run(tiny_network, tmp_path):
    """A copy of the tiny network's run folder, to spoil."""
    return shutil.copytree(tiny_network, tmp_path / "run")


def weights_of(folder):
    return os.path.join(folder, vocabulary.BEST_WEIGHTS)


def test_keras_loads_them_and_computes_the_same(tiny_network):
    config = read_config(settings_path(tiny_network))
    model = build_model(config)
    model.load_weights(weights_of(tiny_network))
    folded, _ = weights_files.load_trained(tiny_network)
    ours = folded(PICTURES)
    for name, theirs in model(PICTURES, training=False).items():
        np.testing.assert_allclose(ours[name], theirs, rtol=1e-3, atol=1e-5)


def test_files_of_keras_with_an_optimizer_are_read(run):
    model = build_model(read_config(settings_path(run)))
    model.load_weights(weights_of(run))
    model.compile("adam", {"chrominance": "mse", "logits": "mse"})
    model.optimizer.build(model.trainable_variables)
    model.save_weights(weights_of(run))
    found = weights_files.read_weights(weights_of(run))
    assert found.keys() == {variable.path for variable in model.weights}
    for variable in model.weights:
        np.testing.assert_array_equal(found[variable.path], variable, variable.path)


def test_files_of_before_are_read(run):
    """Datasets named as the variables, such as those of the first weights that shipped."""
    weights = weights_files.read_weights(weights_of(run))
    with h5py.File(weights_of(run), "w") as file:
        for name, value in weights.items():
            file[name] = value.astype(np.float16) if value.ndim > 1 else value
    model, _ = weights_files.load_trained(str(run))
    kernel = weights["colorization_chrominance/kernel"].astype(np.float16)
    np.testing.assert_array_equal(
        model.get_layer("colorization").get_layer("colorization_chrominance").kernel, kernel
    )


def test_the_weights_that_ship_load_in_keras():
    model = build_model(read_config(settings_path(PRETRAINED)))
    model.load_weights(weights_of(PRETRAINED))
    shipped = weights_files.read_weights(weights_of(PRETRAINED))
    for variable in model.weights:
        np.testing.assert_array_equal(shipped[variable.path], variable, variable.path)


def test_layers_are_known_by_name_not_by_place(run):
    """Two layers of one shape change places: Keras would not notice."""
    names = ("colorization_4", "colorization_6")

    def rename(name, item):
        if item.attrs.get("name") in names:
            item.attrs["name"] = "another"

    with h5py.File(weights_of(run), "r+") as file:
        file.visititems(rename)
    with pytest.raises(UserError, match="another network.*colorization_4/kernel"):
        weights_files.load_trained(str(run))


def test_other_networks_are_refused_and_nothing_is_changed(run):
    model = build_model(load_config("smoke", ["width=0.0625", "crop_size=32"]), folded=True)
    before = [np.asarray(variable).copy() for variable in model.weights]
    with pytest.raises(UserError, match="another network"):
        weights_files.load_weights(model, weights_of(run), 1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.weights))


def test_last_weights_color_until_there_are_best(run):
    best, last = run / vocabulary.BEST_WEIGHTS, run / vocabulary.LAST_WEIGHTS
    assert vocabulary.trained_files(run)[0] == str(best)
    best.rename(last)
    assert vocabulary.trained_files(run)[0] == str(last)
    last.unlink()
    with pytest.raises(UserError, match="no such weights"):
        vocabulary.trained_files(run)


# --- Files that would do harm -------------------------------------------------------------------


def _enormous(file):
    file.create_dataset("low_level_1/kernel", (1 << 40, 1 << 20), "f4", chunks=(1, 1 << 10))


def _bomb(file):
    zeros = np.zeros((1 << 11, 1 << 11), np.float32)
    file.create_dataset("low_level_1/kernel", data=zeros, compression="gzip")


def _elsewhere(file):
    with open("secret", "wb") as secret:
        secret.write(bytes(400))
    file.create_dataset("low_level_1/kernel", (100,), "f4", external=[("secret", 0, 400)])


def _virtual(file):
    with h5py.File("other.h5", "w") as other:
        other["numbers"] = np.zeros(100, np.float32)
    layout = h5py.VirtualLayout((100,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "numbers", (100,))
    file.create_virtual_dataset("low_level_1/kernel", layout)


def _linked(file):
    with h5py.File("other.h5", "w") as other:
        other["numbers"] = np.zeros(100, np.float32)
    file["low_level_1/kernel"] = h5py.ExternalLink("other.h5", "numbers")


def _strings(file):
    file["low_level_1/kernel"] = ["text"] * 10


def _empty(file):
    file["low_level_1/kernel"] = h5py.Empty("f4")


def _infinite(file):
    file["low_level_1/kernel"] = np.full((3, 3, 1, 8), np.inf, np.float32)


def _wide(file):
    """Statistics whose shapes multiply to terabytes where they meet."""
    for number, part in enumerate(("gamma", "beta", "moving_mean", "moving_variance")):
        shape = [1] * 4
        shape[number] = 1000
        file[f"low_level_1_norm/{part}"] = np.ones(shape, np.float32)
    file["low_level_1/kernel"] = np.ones((3, 3, 1, 8), np.float32)


@pytest.mark.parametrize(
    "spoil, says",
    [
        (_enormous, "bytes of numbers in a file"),
        (_bomb, "bytes of numbers in a file"),
        (_elsewhere, "another file"),
        (_virtual, "another file"),
        (_linked, "another network"),
        (_strings, "expected numbers"),
        (_empty, "expected numbers"),
        (_infinite, "not finite"),
        (_wide, "does not fit"),
    ],
)
def test_harmful_files_are_one_line(run, tmp_path, monkeypatch, spoil, says):
    monkeypatch.chdir(tmp_path)
    with h5py.File(weights_of(run), "w") as file:
        spoil(file)
    with pytest.raises(UserError, match=says) as error:
        weights_files.load_trained(str(run))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name, value, says",
    [
        ("mid_level_1/kernel", 1e300, "not finite in mid_level_1/kernel"),  # float32 has none such
        ("low_level_1_norm/moving_variance", -1.0, "below 0 in low_level_1_norm/moving_variance"),
    ],
)
def test_numbers_that_no_training_gives_are_refused(run, name, value, says):
    weights = weights_files.read_weights(weights_of(run))
    weights[name] = np.full(weights[name].shape, value)
    with h5py.File(weights_of(run), "w") as file:
        for key, numbers in weights.items():
            file[key] = numbers
    with pytest.raises(UserError, match=says):
        weights_files.load_trained(str(run))


def test_a_network_too_large_for_memory_is_one_line(run, monkeypatch):
    def build(config, *_, **__):
        raise MemoryError

    monkeypatch.setattr(weights_files, "build_model", build)
    with pytest.raises(UserError, match="memory does not suffice.*width=0.125.*best.weights.h5"):
        weights_files.load_trained(str(run))
