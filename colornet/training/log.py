"""A run's figures as they come: metrics.jsonl, TensorBoard events and panels."""

import json
import os

import numpy as np
import tensorflow as tf

from colornet.files import write_whole
from colornet.pictures import colorspace, sheets
from colornet.pictures.saving import save_image
from colornet.training.run_folder import to_disk


class Log:
    """Appends to metrics.jsonl and TensorBoard; rows after `step` of an interrupted run go.

    Args:
        folder: a `run_folder.RunFolder`.
        step: how many steps the run has done.
    """

    def __init__(self, folder, step):
        self.folder = folder
        rows = [row for row in read_metrics(folder.metrics) if row["step"] <= step]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_whole(folder.metrics, lambda partial: _write_text(partial, text))
        self.file = open(folder.metrics, "a", buffering=1)
        self.events = tf.summary.create_file_writer(folder.events)

    def row(self, step, values):
        """One row of numbers."""
        self.file.write(json.dumps({"step": step, **values}) + "\n")
        with self.events.as_default(step):
            for name, value in values.items():
                if value is not None:
                    tf.summary.scalar(name, value)
        self.events.flush()

    def panel(self, step, luminance, predicted, truth):
        """A picture of grey | predicted | truth; arrays as of `validation_batches`."""
        image = sheets.sheet(_panel_rows(luminance, predicted, truth), luminance.shape[1])
        os.makedirs(self.folder.panels, exist_ok=True)
        save_image(image, os.path.join(self.folder.panels, f"step-{step:08d}.png"))
        with self.events.as_default(step):
            tf.summary.image("grey | predicted | truth", np.asarray(image)[None])

    def to_disk(self):
        """Have the rows so far survive a power cut."""
        to_disk(self.folder.metrics)

    def close(self):
        self.file.close()
        self.events.close()


def _write_text(path, text):
    with open(path, "w") as file:
        file.write(text)


def read_metrics(path):
    """Rows of a metrics.jsonl; a last line cut short by a power cut is left out."""
    rows = []
    if os.path.exists(path):
        with open(path) as file:
            for line in file:
                try:
                    rows.append(json.loads(line))
                except ValueError:
                    break
    return rows


def _panel_rows(luminance, predicted, truth):
    """Rows of uint8 RGB [grey, predicted, truth]; two pictures a row.

    Args:
        luminance: (batch, height, width, 1) in [0, 1].
        predicted, truth: (batch, height/2, width/2, 2) in [0, 1].
    """
    triples = []
    for light, *planes in zip(luminance, predicted, truth):
        lightness = colorspace.decode_luminance(light[..., 0])
        neutral = np.zeros((*lightness.shape, 2), np.float32)
        colors = [neutral] + [
            colorspace.decode_chrominance(plane).repeat(2, axis=0).repeat(2, axis=1)
            for plane in planes
        ]
        triples.append([colorspace.lab_to_rgb(lightness, ab) for ab in colors])
    return [sum(triples[i : i + 2], []) for i in range(0, len(triples), 2)]
