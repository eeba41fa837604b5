"""What a run leaves for a person: settings, metrics, TensorBoard events, panels and curves."""

import contextlib
import dataclasses
import hashlib
import json
import os

import numpy as np
import tensorflow as tf

from colornet.errors import UserError
from colornet.files import write_whole
from colornet.network.weights_files import CONFIG
from colornet.pictures import colorspace, sheets
from colornet.pictures.saving import save_image
from config import FILLED_IN, RESUMABLE, differences, file_settings, read_config, save_config

METRICS = "metrics.jsonl"
CURVES = "curves.png"


def complete(config, dataset):
    """The settings with what the records decide: classes, mean colour and fingerprint."""
    names = tuple(dataset["class_names"])
    fingerprint = hashlib.sha256(repr(sorted(map(str, dataset["train"]["shards"]))).encode())
    return dataclasses.replace(
        config,
        class_names=names,
        num_classes=max(1, len(names)),
        mean_color=tuple(dataset.get("mean_color", ())),
        use_classification=config.use_classification and bool(names),
        picture_size=dataset["settings"]["picture_size"],
        records_fingerprint=fingerprint.hexdigest()[:16],
    )


def settle(config, run_dir):
    """The settings to go on with, checked against those of the run in the folder, if there is one.

    Precision "auto" becomes what the run measured when it began.

    Raises:
        UserError: another setting differs than those that may change, or `deterministic` is asked
            of a precision that would be measured.
    """
    path = os.path.join(run_dir, CONFIG)
    if not os.path.exists(path):
        if config.precision == "auto" and config.deterministic:
            raise UserError(
                "setting precision=auto: a timing decides it, so that two runs of one command may "
                "differ; expected float32, mixed_bfloat16 or mixed_float16, or add "
                "--set deterministic=false"
            )
        return config
    began = read_config(path)
    if config.precision == "auto":
        config = dataclasses.replace(config, precision=began.precision)
    wrong = {
        name: pair for name, pair in differences(config, began).items() if name not in RESUMABLE
    }
    if wrong:
        changes = ", ".join(
            f"{name} was {was!r}, now {now!r}" for name, (now, was) in wrong.items()
        )
        raise UserError(
            f"{run_dir}: this run began with other settings or records: {changes}; "
            "use them again, or another --run-dir"
        )
    return config


def save_settings(config, run_dir):
    """Write config.json; raises UserError."""
    with writing(run_dir, CONFIG):
        save_config(config, os.path.join(run_dir, CONFIG))
        to_disk(os.path.join(run_dir, CONFIG))


@contextlib.contextmanager
def writing(folder, what):
    """Context in which a failure to write becomes a UserError."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        # TensorFlow's texts are "{{node ...}} path; reason [Op:...]".
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        reason = reason.rpartition("; ")[2].partition(" [Op")[0]
        raise UserError(
            f"{folder}: cannot write {what}: {reason}; what was written before is intact: "
            "free space or mend the disk, and start again to go on from the last checkpoint"
        ) from error


def to_disk(*paths):
    """Have the files survive a power cut; raises OSError."""
    for path in {*paths, *map(os.path.dirname, paths)}:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def settings_lines(config, run_dir):
    """Where the settings come from, and which of them config.py has otherwise as it is now."""
    saved = os.path.join(run_dir, CONFIG)
    began = f"preset {config.preset}" if config.preset else "the defaults"
    where = f"{saved}, begun with {began}" if os.path.exists(saved) else f"config.py, {began}"
    now = file_settings(config.preset)
    if now is None:
        return f"settings    {where}, which config.py no longer has"
    other = ", ".join(
        f"{name}={value} (there {there})"
        for name, (value, there) in differences(config, now).items()
        if name not in (*FILLED_IN, "num_classes", "picture_size")
    )
    return f"settings    {where}\n            unlike config.py as it is now: {other or 'none'}"


def start_block(config, dataset, run_dir, device, precision, parameters, step):
    """The lines that say at the start what a run will do."""
    passes = config.steps * config.batch_size / max(1, dataset["train"]["pictures"])
    return (
        f"{settings_lines(config, run_dir)}\n"
        f"device      {device}\n"
        f"precision   {precision}\n"
        f"pictures    {dataset['train']['pictures']} to train, {dataset['val']['pictures']} to "
        f"validate, {len(config.class_names)} classes\n"
        f"parameters  {parameters:,}\n"
        f"steps       {step} done of {config.steps} of {config.batch_size} pictures, "
        f"{passes:.1f} passes"
    )


class Log:
    """Appends to metrics.jsonl and TensorBoard; rows after `step` of an interrupted run go."""

    def __init__(self, run_dir, step):
        self.path = os.path.join(run_dir, METRICS)
        self.folder = run_dir
        rows = [row for row in read_metrics(run_dir) if row["step"] <= step]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_whole(self.path, lambda partial: _write_text(partial, text))
        self.file = open(self.path, "a", buffering=1)
        self.events = tf.summary.create_file_writer(os.path.join(run_dir, "events"))

    def row(self, step, values):
        """One row of numbers."""
        self.file.write(json.dumps({"step": step, **values}) + "\n")
        with self.events.as_default(step):
            for name, value in values.items():
                if value is None:
                    continue
                tf.summary.scalar(name, value)
        self.events.flush()

    def panel(self, step, luminance, predicted, truth):
        """A picture of grey | predicted | truth; arrays as of `validation_batches`."""
        image = sheets.sheet(panel_rows(luminance, predicted, truth), luminance.shape[1])
        folder = os.path.join(self.folder, "panels")
        os.makedirs(folder, exist_ok=True)
        save_image(image, os.path.join(folder, f"step-{step:08d}.png"))
        with self.events.as_default(step):
            tf.summary.image("grey | predicted | truth", np.asarray(image)[None])

    def to_disk(self):
        """Have the rows so far survive a power cut."""
        to_disk(self.path)

    def close(self):
        self.file.close()
        self.events.close()


def _write_text(path, text):
    with open(path, "w") as file:
        file.write(text)


def read_metrics(run_dir):
    """Rows of metrics.jsonl; a last line cut short by a power cut is left out."""
    path = os.path.join(run_dir, METRICS)
    rows = []
    if os.path.exists(path):
        with open(path) as file:
            for line in file:
                try:
                    rows.append(json.loads(line))
                except ValueError:
                    break
    return rows


def panel_rows(luminance, predicted, truth):
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


def draw_curves(run_dir):
    """curves.png: losses, validation figures and learning rate over the steps."""
    from matplotlib.figure import Figure

    rows = read_metrics(run_dir)
    panels = [
        ("mse", "val_mse"),
        ("cross_entropy",),
        ("val_rmse_ab",),
        ("val_psnr",),
        ("val_top1",),
        ("learning_rate",),
    ]
    figure = Figure(figsize=(12, 6), layout="constrained")
    for axes, names in zip(figure.subplots(2, 3).flat, panels):
        for name in names:
            points = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
            if points:
                axes.plot(*zip(*points), label=name)
        axes.set_title(", ".join(name for name in names if name != "val_mse"))
        axes.set_xlabel("step")
    write_whole(os.path.join(run_dir, CURVES), figure.savefig)
