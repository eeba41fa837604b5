"""A tiny network and small pictures, for the tests of colouring."""

import numpy as np
from PIL import Image
from skimage import data

CLASSES = ("coast", "forest", "street")


def save_network(folder, *changes):
    """Save a network of random weights and return its run folder as str."""
    import config
    from build_model import build_model
    from colornet.network import weights_files

    settings = config.load_config(
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
    weights_files.save_weights(build_model(settings), folder / weights_files.WEIGHTS)
    config.save_config(settings, folder / weights_files.CONFIG)
    return str(folder)


def photograph(width=60, height=40, source=data.coffee):
    """A colour photograph as a PIL image; colours of many kinds, no two rows alike."""
    return Image.fromarray(source()).resize((width, height), Image.Resampling.BICUBIC)


def close(pixels, image, most=12):
    """Whether pixels are those of a PIL image but for what a lossy format changes."""
    expected = np.asarray(image.convert("RGB"), np.int16)
    return (
        pixels.shape == expected.shape and np.abs(pixels.astype(np.int16) - expected).mean() < most
    )
