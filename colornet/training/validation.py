"""Validation while training: rmse_ab, PSNR, and top-1 at the network's own half size."""

import collections
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from skimage.metrics import peak_signal_noise_ratio

from colornet.config import Config
from colornet.pictures import colorspace
from colornet.records.format import NO_CLASS
from colornet.training.objective import JointObjective

PSNR_LIMIT = 100.0  # dB; above all 8-bit rounding


def validate(
    predict: Callable[[Any], dict[str, Any]],
    batches: Iterable[dict[str, Any]],
    objective: JointObjective,
    config: Config,
) -> tuple[dict[str, Any], list[np.ndarray] | None]:
    """Measure the network on the validation records.

    Args:
        predict: function from luminance to the outputs of the network.
        batches: of `batches.validation_batches`.
        objective: decodes the outputs and measures their losses.
        config: the settings; panel_pictures and mean_color count.

    Returns:
        (figures, panel). Figures: the objective's, with "val_" before their names; val_rmse_ab (Lab
        units), val_psnr (dB, mean over pictures), val_top1 (share), and of the same pictures
        val_rmse_ab_gray and val_rmse_ab_mean_color, without color and with the mean color of the
        records; None for what the records do not have. Panel: of the first `panel_pictures`
        luminance, predicted ab, and true ab; None without any.
    """
    plain: dict[str, tuple[float, ...]] = {"gray": (0.0, 0.0)}
    if config.mean_color:
        plain["mean_color"] = config.mean_color
    sums: Any = 0
    measures: dict[str, list[float]] = collections.defaultdict(list)  # one number per picture
    panel: list[tuple[np.ndarray, ...]] = []
    for batch in batches:
        outputs = predict(batch["luminance"])
        sums = sums + np.asarray(objective.losses(outputs, batch), np.float64)
        luminance, label = np.asarray(batch["luminance"]), np.asarray(batch["label"])
        predicted = objective.decode(outputs)
        truth = colorspace.decode_chrominance(np.asarray(batch["chrominance"]))
        for name, ab in [("network", predicted), *plain.items()]:
            error = np.square(np.asarray(ab, np.float32) - truth)
            measures[name].extend(error.mean(axis=(1, 2, 3), dtype=np.float64))
        measures["psnr"].extend(_decibels(luminance, predicted, truth))
        if "logits" in outputs:
            known = label != NO_CLASS
            guesses = np.asarray(outputs["logits"])[known].argmax(axis=-1)
            measures["hits"].extend(guesses == label[known])
        if sum(len(part[0]) for part in panel) < config.panel_pictures:
            panel.append((luminance, predicted, truth))
    panels = [np.concatenate(each)[: config.panel_pictures] for each in zip(*panel)]
    means = {name: float(np.mean(each)) for name, each in measures.items() if each}
    figures = {f"val_{name}": value for name, value in objective.figures(sums).items()}
    figures |= {
        "val_rmse_ab": means["network"] ** 0.5,
        "val_psnr": means["psnr"],
        "val_top1": means.get("hits"),
    }
    figures |= {f"val_rmse_ab_{name}": means[name] ** 0.5 for name in plain}
    return figures, panels or None


def _decibels(luminance: np.ndarray, predicted: np.ndarray, truth: np.ndarray) -> list[float]:
    """Return the PSNR of each picture, at half size."""
    batch, height, width, _ = luminance.shape
    halved = luminance.reshape(batch, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
    lightness = colorspace.decode_luminance(halved)
    pairs = zip(*(colorspace.lab_to_rgb(lightness, ab) for ab in (predicted, truth)))
    with np.errstate(divide="ignore"):
        return [min(peak_signal_noise_ratio(b, a), PSNR_LIMIT) for a, b in pairs]
