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
        config: a `config.Config`; panel_pictures counts.

    Returns:
        (figures, panel): a dict of val_mse (of encoded chrominance), val_rmse_ab (Lab units),
        val_psnr (dB, mean over pictures), val_top1 (share; None without classes); and the first
        `panel_pictures` as (luminance, predicted, truth), or None.
    """
    squared, decibels, hits, panel = [], [], [], []
    for luminance, truth, label in batches:
        outputs = predict(luminance)
        luminance, truth, label = luminance.numpy(), truth.numpy(), label.numpy()
        predicted = np.asarray(outputs["chrominance"])
        squared.extend(np.square(predicted - truth).mean(axis=(1, 2, 3), dtype=np.float64))
        half = _halved(luminance)
        decibels.extend(psnr(a, b) for a, b in zip(_rgb(half, predicted), _rgb(half, truth)))
        if "logits" in outputs:
            best = np.asarray(outputs["logits"]).argmax(axis=-1)
            hits.extend((best == label)[label != record_format.NO_CLASS])
        if sum(len(part[0]) for part in panel) < config.panel_pictures:
            panel.append((luminance, predicted, truth))
    mse = float(np.mean(squared))
    figures = {
        "val_mse": mse,
        "val_rmse_ab": colorspace.rmse_ab(mse),
        "val_psnr": float(np.mean(decibels)),
        "val_top1": float(np.mean(hits)) if hits else None,
    }
    count = config.panel_pictures
    return figures, [np.concatenate(x)[:count] for x in zip(*panel)] if panel else None


def _halved(luminance):
    """Luminance averaged to the chrominance's half size, without the last axis."""
    batch, height, width, _ = luminance.shape
    return luminance.reshape(batch, height // 2, 2, width // 2, 2).mean(axis=(2, 4))


def _rgb(luminance, chrominance):
    return colorspace.lab_to_rgb(
        colorspace.decode_luminance(luminance), colorspace.decode_chrominance(chrominance)
    )
