"""A run's figures as they come: metrics.jsonl, TensorBoard's events, panels and curves."""

import dataclasses
import io
import json
import math
import os
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from colornet.config import FIELDS, Config, differences
from colornet.errors import UserError
from colornet.files import whole_file, whole_path
from colornet.pictures import colorspace, sheets
from colornet.pictures.saving import save_image
from colornet.training.curves import draw_curves
from colornet.training.run_folder import RunFolder, to_disk, writing
from colornet.versions import versions

VALIDATION = "val_"  # what figures of validation begin with in metrics.jsonl
SETTINGS = ".settings"  # ending of TensorBoard's file of them


class Log:
    """Appends to metrics.jsonl and TensorBoard; what an interrupted run said after `step` goes.

    TensorBoard has training and validation as two runs of the same charts, and the settings as
    text and as what its HParams table compares.

    Args:
        folder: a `run_folder.RunFolder`.
        step: how many steps the run has done.
        config: its `Config`.

    Raises:
        UserError: metrics.jsonl has a line that is no row of figures.
        OSError, tf.errors.OpError: the files cannot be written.
    """

    def __init__(self, folder: RunFolder, step: int, config: Config) -> None:
        self.folder = folder
        rows = [row for row in read_metrics(folder.metrics) if row["step"] <= step]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        with whole_file(folder.metrics) as file:
            file.write(text.encode())
        self.file = open(folder.metrics, "a", buffering=1)
        self.writers = {}
        for name in ("train", "validation"):
            events = os.path.join(folder.events, name)
            _drop_events(events, step)
            self.writers[name] = tf.summary.create_file_writer(events)
        _write_settings(config, folder)

    def training(self, step: int, figures: Mapping[str, Any]) -> None:
        """A row of training figures."""
        self._row(step, figures)
        self._scalars("train", step, {**figures, "rmse_ab": colorspace.rmse_ab(figures["mse"])})

    def validation(
        self, step: int, figures: Mapping[str, float | None], panel: Sequence[np.ndarray] | None
    ) -> None:
        """A row of validation figures, the curves anew and, if there is a panel, its picture.

        Args:
            figures, panel: as of `validation.validate`.
        """
        self._row(step, figures)
        self._scalars(
            "validation", step, {k.removeprefix(VALIDATION): v for k, v in figures.items()}
        )
        if panel:
            luminance = panel[0]
            image = sheets.sheet(_panel_rows(*panel), luminance.shape[1])
            os.makedirs(self.folder.panels, exist_ok=True)
            save_image(image, os.path.join(self.folder.panels, f"step-{step:08d}.png"))
            with self.writers["validation"].as_default(step):
                tf.summary.image("gray | predicted | truth", np.asarray(image)[None])
        draw_curves(read_metrics(self.folder.metrics), self.folder.curves)

    def _row(self, step: int, figures: Mapping[str, float | None]) -> None:
        # JSON has no infinity, such as the PSNR of a picture met exactly.
        finite = {k: v if v is None or math.isfinite(v) else None for k, v in figures.items()}
        self.file.write(json.dumps({"step": step, **finite}) + "\n")

    def _scalars(self, writer: str, step: int, figures: Mapping[str, float | None]) -> None:
        with self.writers[writer].as_default(step):
            for name, value in figures.items():
                if value is not None and math.isfinite(value):
                    tf.summary.scalar(name, value)
        self.writers[writer].flush()

    def to_disk(self) -> None:
        """Have the rows so far survive a power cut."""
        to_disk(self.folder.metrics)

    def close(self) -> None:
        self.file.close()
        for writer in self.writers.values():
            writer.close()


def _drop_events(folder: str, step: int) -> None:
    """Remove from TensorBoard's files what came after a step, which will come again."""
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        kept = []
        try:
            for event in tf.data.TFRecordDataset(path).as_numpy_iterator():
                if tf.compat.v1.Event.FromString(event).step <= step:
                    kept.append(event)
        except tf.errors.DataLossError:
            pass  # the end of what was being written when the process was killed
        with whole_path(path) as partial, tf.io.TFRecordWriter(partial) as file:
            for event in kept:
                file.write(event)


def _write_settings(config: Config, folder: RunFolder) -> None:
    """The settings for TensorBoard, in place of those of before.

    They lie above training and validation: its HParams table takes figures from there.
    """
    for name in os.listdir(folder.events):
        if name.endswith(SETTINGS):
            os.remove(os.path.join(folder.events, name))
    settings = {
        k: v for k, v in dataclasses.asdict(config).items() if FIELDS[k].metadata["scripts"]
    }
    table = "|setting|value|\n|-|-|\n" + "".join(f"|{k}|{v}|\n" for k, v in settings.items())
    writer = tf.summary.create_file_writer(folder.events, filename_suffix=SETTINGS)
    with writer.as_default(0):
        tf.summary.text("settings", table)
        hparams.hparams(settings, trial_id=_trial(os.path.abspath(folder.path)))
    writer.close()


def _trial(path: str) -> str:
    """A run's name in the HParams table, which makes one row of runs whose names are equal."""
    return f"{os.path.basename(path)} {zlib.crc32(os.fsencode(path)):08x}"


def write_result(folder: RunFolder, config: Config, seconds: float) -> None:
    """Write result.json; raises RunError.

    It contains the settings that differ from the defaults, the last row of training figures, the
    last and the best of validation, the steps, the seconds, and the versions.
    """
    rows = read_metrics(folder.metrics)
    validated = [row for row in rows if f"{VALIDATION}rmse_ab" in row]
    own = {name: value for name, (value, _) in differences(config, Config()).items()}
    content = {
        **versions(),
        "settings": {
            name: value for name, value in own.items() if FIELDS[name].metadata["scripts"]
        },
        "steps": config.steps,
        "seconds": round(seconds, 1),
        "train": next((row for row in rows[::-1] if row not in validated), None),
        "last": validated[-1] if validated else None,
        "best": min(validated, key=lambda row: row[f"{VALIDATION}rmse_ab"], default=None),
    }
    with writing(folder.path, "result.json"), whole_file(folder.result) as file:
        file.write((json.dumps(content, indent=2) + "\n").encode())


def read_metrics(path: str) -> list[dict[str, Any]]:
    """Rows of a metrics.jsonl; a last line that was being written at a kill is left out.

    Raises:
        UserError: another line is no row.
    """
    rows = []
    with open(path, "rb") if os.path.exists(path) else io.BytesIO() as file:
        for number, line in enumerate(file, 1):
            try:
                rows.append(_row(line))
            except (ValueError, RecursionError):
                if line.endswith(b"\n"):
                    raise UserError(
                        f"{path}, line {number}: expected a step and its figures as JSON, got "
                        f"{line[:40]!r}; mend or delete this line, and start again to go on"
                    ) from None
    return rows


def _row(line: bytes) -> dict[str, Any]:
    """The step and figures of a line; raises ValueError, RecursionError."""
    row = json.loads(line.decode())
    if not isinstance(row, dict) or not isinstance(row.get("step"), int):
        raise ValueError("no step")
    if not all(value is None or isinstance(value, (int, float)) for value in row.values()):
        raise ValueError("no figures")
    return row


def _panel_rows(
    luminance: np.ndarray, predicted: np.ndarray, truth: np.ndarray
) -> list[list[np.ndarray]]:
    """Rows of uint8 RGB [grey, predicted, truth]; two pictures a row.

    Args:
        luminance: (batch, height, width, 1) in [0, 1].
        predicted, truth: ab in Lab units (batch, height/2, width/2, 2).
    """
    triples: list[list[np.ndarray]] = []
    for light, *planes in zip(luminance, predicted, truth):
        lightness = colorspace.decode_luminance(light[..., 0])
        neutral = np.zeros((*lightness.shape, 2), np.float32)
        colors = [neutral] + [plane.repeat(2, axis=0).repeat(2, axis=1) for plane in planes]
        triples.append([colorspace.lab_to_rgb(lightness, ab) for ab in colors])
    return [sum(triples[i : i + 2], []) for i in range(0, len(triples), 2)]
