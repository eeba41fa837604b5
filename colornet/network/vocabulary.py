"""Words that the tables of `build_model`, its layers, weights files and options share."""

import os

UP = "up"  # in a table of convolutions: doubles height and width
FUSION_HALVES = ("fusion_mid", "fusion_global")  # layers that are one matrix in the paper
CONFIG = "config.json"  # the settings beside weights, in a run folder as elsewhere
ENGINES = ("auto", "litert", "tensorflow")  # of `--engine`
NETWORKS = ("low_level", "global", "mid_level", "fusion", "colorization", "classification")


def settings_path(folder: str | os.PathLike[str]) -> str:
    """Where the settings of the weights in a folder lie."""
    return os.path.join(folder, CONFIG)
