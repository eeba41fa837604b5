"""Batch normalization folded into the kernels before it: the same network in fewer passes."""

import numpy as np

from colornet.network.vocabulary import FUSION_HALVES


def fold(weights: dict[str, np.ndarray], epsilon: float) -> dict[str, np.ndarray]:
    """Trained weights to those of a `folded` network, which computes the same with fewer passes.

    Batch normalisation's scale goes into the kernels before it, the rest into biases.

    Args:
        weights: {path of variable: array} of a trained network.
        epsilon: its `normalization_epsilon`.

    Raises:
        KeyError, ValueError: they do not belong together.
    """
    folded = dict(weights)
    for name in [path.removesuffix("_norm/gamma") for path in weights if path.endswith("/gamma")]:
        gamma, beta, mean, variance = (
            folded.pop(f"{name}_norm/{part}")
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + epsilon)
        layers = [name]
        if name == "fusion":  # without global features it has the first half alone
            mid, other = FUSION_HALVES
            layers = [mid, other] if f"{other}/kernel" in folded else [mid]
        for layer in layers:
            shapes = {x.shape for x in (gamma, beta, mean, variance)}
            if shapes != {folded[f"{layer}/kernel"].shape[-1:]}:
                raise ValueError(f"{layer}/kernel")
            folded[f"{layer}/kernel"] = folded[f"{layer}/kernel"] * scale
        folded[f"{layers[0]}/bias"] = beta - mean * scale
    return folded
