"""Validation while training: rmse_ab, PSNR and top-1 at the network's own half size."""

import numpy as np

from colornet.pictures import colorspace
from colornet.pictures.psnr import psnr
from colornet.records import format as record_format


def validate(predict, batches, config):
    """Figures of the validation records.

    Args:
        predict: function from luminance to the outputs of `build_model`.
        batches: of `read_input.validation_batches`.
        config: a `config.Config`; panel_pictures, classification_weight and mean_color count.

    Returns:
        (figures, panel): a dict of val_loss (joint), val_mse (of encoded chrominance),
        val_cross_entropy, val_rmse_ab (Lab units), val_psnr (dB, mean over pictures), val_top1
        (share), and of the same pictures val_rmse_ab_gray and val_rmse_ab_mean_color, those left
        gray and those given the mean color of the records; None for what the records do not have.
        And the first `panel_pictures` as (luminance, predicted, truth), or None.
    """
    squared, entropies, decibels, hits, panel = [], [], [], [], []
    plain = {"gray": (0, 0), "mean_color": config.mean_color}
    plain = {name: colorspace.encode_chrominance(np.array(ab)) for name, ab in plain.items() if ab}
    plain_squared = {name: [] for name in plain}
    for luminance, truth, label in batches:
        outputs = predict(luminance)
        luminance, truth, label = luminance.numpy(), truth.numpy(), label.numpy()
        predicted = np.asarray(outputs["chrominance"])
        squared.extend(_mean_squares(predicted, truth))
        for name, color in plain.items():
            plain_squared[name].extend(_mean_squares(color, truth))
        half = _halved(luminance)
        decibels.extend(psnr(a, b) for a, b in zip(_rgb(half, predicted), _rgb(half, truth)))
        if "logits" in outputs:
            known = label != record_format.NO_CLASS
            logits, classes = np.asarray(outputs["logits"])[known], label[known]
            hits.extend(logits.argmax(axis=-1) == classes)
            chosen = np.take_along_axis(logits, classes[:, None], axis=-1)[:, 0]
            entropies.extend(np.logaddexp.reduce(logits, axis=-1) - chosen)
        if sum(len(part[0]) for part in panel) < config.panel_pictures:
            panel.append((luminance, predicted, truth))
    mse = float(np.mean(squared))
    entropy = float(np.sum(entropies)) / len(squared)
    figures = {
        "val_loss": mse + config.classification_weight * entropy,
        "val_mse": mse,
        "val_cross_entropy": float(np.mean(entropies)) if entropies else None,
        "val_rmse_ab": colorspace.rmse_ab(mse),
        "val_psnr": float(np.mean(decibels)),
        "val_top1": float(np.mean(hits)) if hits else None,
    }
    for name, errors in plain_squared.items():
        figures[f"val_rmse_ab_{name}"] = colorspace.rmse_ab(float(np.mean(errors)))
    count = config.panel_pictures
    return figures, [np.concatenate(x)[:count] for x in zip(*panel)] if panel else None


def _mean_squares(predicted, truth):
    """Mean squared error of each picture."""
    return np.square(predicted - truth).mean(axis=(1, 2, 3), dtype=np.float64)


def _halved(luminance):
    """Luminance averaged to the chrominance's half size, without the last axis."""
    batch, height, width, _ = luminance.shape
    return luminance.reshape(batch, height // 2, 2, width // 2, 2).mean(axis=(2, 4))


def _rgb(luminance, chrominance):
    return colorspace.lab_to_rgb(
        colorspace.decode_luminance(luminance), colorspace.decode_chrominance(chrominance)
    )
