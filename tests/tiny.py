"""A tiny network and small pictures, for the tests of colouring."""

import contextlib
import functools

import numpy as np
import pytest
from PIL import Image
from skimage import data

CLASSES = ("coast", "forest", "street")


def save_network(folder, *changes):
    """Save a network of random weights and return its run folder as str."""
    from colornet import config
    from colornet.network import vocabulary, weights_files
    from colornet.network.model import build_model
    from presets import load_config

    settings = load_config(
        "smoke",
        [
            "width=0.125",
            "crop_size=32",
            "picture_size=36",
            "working_size=48",
            "num_classes=3",
            "class_names=" + ",".join(CLASSES),
            *changes,
        ],
    )
    model = build_model(settings)
    randomize(model)
    weights_files.save_weights(model, folder / vocabulary.BEST_WEIGHTS)
    config.save_config(settings, vocabulary.settings_path(folder))
    return str(folder)


def randomize(model):
    """Weights and statistics as after some training, so that nothing is hidden by a 0 or a 1."""
    generator = np.random.default_rng(0)
    for variable in model.weights:
        if variable.path.endswith(("gamma", "moving_variance")):
            variable.assign(generator.uniform(0.5, 1.5, variable.shape))
        elif variable.path.endswith(("beta", "moving_mean", "bias")):
            variable.assign(generator.normal(0, 0.2, variable.shape))


@contextlib.contextmanager
def engine_made_once(folder):
    """Within it, all `Colorizer`s of a run folder share its engines, which take a second each."""
    from colornet.coloring import colorizer

    load = colorizer.load_engine
    once = functools.cache(load)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            colorizer,
            "load_engine",
            lambda path, *choice: (once if path == folder else load)(path, *choice),
        )
        yield


def photograph(width=60, height=40, source=data.coffee):
    """A colour photograph as a PIL image; colours of many kinds, no two rows alike."""
    return Image.fromarray(source()).resize((width, height), Image.Resampling.BICUBIC)


def close(pixels, image, most=12):
    """Whether pixels are those of a PIL image but for what a lossy format changes."""
    expected = np.asarray(image.convert("RGB"), np.int16)
    if pixels.dtype == np.uint8 and pixels.ndim == 2:  # of a grey file
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    return (
        pixels.shape == expected.shape and np.abs(pixels.astype(np.int16) - expected).mean() < most
    )
