"""Names that the network's tables, weights files, and options share; imports no Keras."""

import os

from colornet.errors import UserError

UP = "up"  # in a table of convolutions: doubles height and width
FUSION_HALVES = ("fusion_mid", "fusion_global")  # layers that are one matrix in the paper
CONFIG = "config.json"  # the settings beside weights, in a run folder as elsewhere
ENGINES = ("auto", "litert", "tensorflow")  # of `--engine`
NETWORKS = ("low_level", "global", "mid_level", "fusion", "colorization", "classification")


BEST_WEIGHTS = "best.weights.h5"
LAST_WEIGHTS = "last.weights.h5"  # of a run that has not been validated yet


def settings_path(folder: str | os.PathLike[str]) -> str:
    """Where the settings of the weights in a folder lie."""
    return os.path.join(folder, CONFIG)


def trained_files(path: str | os.PathLike[str]) -> tuple[str, str]:
    """(weights file, settings file) of a run folder or a weights file.

    Of a run's weights the best are taken, or the last before there are best ones.

    Raises:
        UserError: there are none.
    """
    if os.path.isdir(path):
        folder = path
        names = [os.path.join(path, name) for name in (BEST_WEIGHTS, LAST_WEIGHTS)]
    else:
        folder, names = os.path.dirname(path), [os.fspath(path)]
    for weights in names:
        if os.path.exists(weights):
            return weights, settings_path(folder)
    raise UserError(f"{names[0]}: no such weights; expected a run folder or a weights file")
