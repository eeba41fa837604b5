"""Validation while training: rmse_ab, PSNR and top-1 at the network's own half size."""

import collections
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from colornet.config import Config
from colornet.pictures import colorspace
from colornet.pictures.psnr import psnr
from colornet.records import format as record_format
from colornet.training.step import joint_loss


def validate(
    predict: Callable[[Any], dict[str, Any]], batches: Iterable[Any], config: Config
) -> tuple[dict[str, Any], list[np.ndarray] | None]:
    """Figures of the validation records.

    Args:
        predict: function from luminance to the outputs of `build_model`.
        batches: of `read_input.validation_batches`.
        config: a `Config`; panel_pictures, classification_weight and mean_color count.

    Returns:
        (figures, panel): a dict of val_loss (joint), val_mse (of encoded chrominance),
        val_cross_entropy, val_rmse_ab (Lab units), val_psnr (dB, mean over pictures), val_top1
        (share), and of the same pictures val_rmse_ab_gray and val_rmse_ab_mean_color, those left
        gray and those given the mean color of the records; None for what the records do not have.
        And the first `panel_pictures` as (luminance, predicted, truth), or None.
        Luminance, also of the PSNR, is what the network sees: stretched, if the settings say so.
    """
    plain = {"gray": (0, 0), "mean_color": config.mean_color}
    colors = {name: colorspace.encode_chrominance(np.array(ab)) for name, ab in plain.items() if ab}
    # One number a picture; of hits and entropies, one a picture with a class.
    measures: dict[str, list[float]] = collections.defaultdict(list)
    panel: list[tuple[np.ndarray, ...]] = []
    for luminance, truth, label in batches:
        outputs = {name: np.asarray(output) for name, output in predict(luminance).items()}
        luminance, truth, label = luminance.numpy(), truth.numpy(), label.numpy()
        predicted = outputs["chrominance"]
        for name, color in {"network": predicted, **colors}.items():
            measures[name].extend(_mean_squares(color, truth))
        measures["psnr"].extend(_decibels(_halved(luminance), predicted, truth))
        if "logits" in outputs:
            known = label != record_format.NO_CLASS
            logits, classes = outputs["logits"][known], label[known]
            measures["hits"].extend(logits.argmax(axis=-1) == classes)
            measures["entropies"].extend(_cross_entropies(logits, classes))
        if sum(len(part[0]) for part in panel) < config.panel_pictures:
            panel.append((luminance, predicted, truth))
    panels = [np.concatenate(each)[: config.panel_pictures] for each in zip(*panel)]
    return _figures(measures, list(colors), config), panels or None


def _figures(
    measures: dict[str, list[float]], colors: Sequence[str], config: Config
) -> dict[str, Any]:
    means = {name: float(np.mean(each)) for name, each in measures.items() if each}
    sums = [float(np.sum(measures[name])) for name in ("network", "entropies")]
    return {
        "val_loss": joint_loss(sums, config) / len(measures["network"]),
        "val_mse": means["network"],
        "val_cross_entropy": means.get("entropies"),
        "val_rmse_ab": colorspace.rmse_ab(means["network"]),
        "val_psnr": means["psnr"],
        "val_top1": means.get("hits"),
        **{f"val_rmse_ab_{name}": colorspace.rmse_ab(means[name]) for name in colors},
    }


def _decibels(luminance: np.ndarray, predicted: np.ndarray, truth: np.ndarray) -> list[float]:
    """PSNR of each picture."""
    return [psnr(a, b) for a, b in zip(_rgb(luminance, predicted), _rgb(luminance, truth))]


def _cross_entropies(logits: np.ndarray, classes: np.ndarray) -> np.ndarray:
    chosen = np.take_along_axis(logits, classes[:, None], axis=-1)[:, 0]
    return np.logaddexp.reduce(logits, axis=-1) - chosen


def _mean_squares(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean squared error of each picture."""
    return np.square(predicted - truth).mean(axis=(1, 2, 3), dtype=np.float64)


def _halved(luminance: np.ndarray) -> np.ndarray:
    """Luminance averaged to the chrominance's half size, without the last axis."""
    batch, height, width, _ = luminance.shape
    return luminance.reshape(batch, height // 2, 2, width // 2, 2).mean(axis=(2, 4))


def _rgb(luminance: np.ndarray, chrominance: np.ndarray) -> np.ndarray:
    return colorspace.lab_to_rgb(
        colorspace.decode_luminance(luminance), colorspace.decode_chrominance(chrominance)
    )
