"""The settings of a run: what the records decide, and what may change when it goes on."""

import dataclasses
import hashlib
import os

from colornet.errors import UserError
from colornet.training.run_folder import to_disk, writing
from config import (
    BEFORE,
    FILLED_IN,
    FROM_RECORDS,
    RESUMABLE,
    differences,
    file_settings,
    read_config,
    save_config,
)


def of_records(config, dataset):
    """The settings with what the records decide: how they were made, classes, mean color."""
    names = tuple(dataset["class_names"])
    fingerprint = hashlib.sha256(repr(sorted(map(str, dataset["train"]["shards"]))).encode())
    made = {**BEFORE, **dataset["settings"]}
    return dataclasses.replace(
        config,
        **{name: value for name, value in made.items() if name in FROM_RECORDS},
        class_names=names,
        num_classes=max(1, len(names)),
        mean_color=tuple(dataset.get("mean_color", ())),
        use_classification=config.use_classification and bool(names),
        records_fingerprint=fingerprint.hexdigest()[:16],
    )


def going_on(config, folder):
    """The settings, checked against those of the run in the folder, if there is one.

    Precision "auto" becomes what the run measured when it began.

    Args:
        folder: a `run_folder.RunFolder`.

    Raises:
        UserError: another setting differs than those that may change, or `deterministic` is asked
            of a precision that would be measured.
    """
    if not os.path.exists(folder.settings):
        if config.precision == "auto" and config.deterministic:
            raise UserError(
                "setting precision=auto: a timing decides it, so that two runs of one command may "
                "differ; expected float32, mixed_bfloat16 or mixed_float16, or add "
                "--set deterministic=false"
            )
        return config
    began = read_config(folder.settings)
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
            f"{folder.path}: this run began with other settings or records: {changes}; "
            "use them again, or another --run-dir"
        )
    return config


def save(config, folder):
    """Write config.json; raises UserError."""
    with writing(folder.path, os.path.basename(folder.settings)):
        save_config(config, folder.settings)
        to_disk(folder.settings)


def start_block(config, dataset, folder, device, precision, parameters, step):
    """The lines that say at the start what a run will do."""
    passes = config.steps * config.batch_size / max(1, dataset["train"]["pictures"])
    return (
        f"{_settings_lines(config, folder)}\n"
        f"device      {device}\n"
        f"precision   {precision}\n"
        f"pictures    {dataset['train']['pictures']} to train, {dataset['val']['pictures']} to "
        f"validate, {len(config.class_names)} classes\n"
        f"parameters  {parameters:,}\n"
        f"steps       {step} done of {config.steps} of {config.batch_size} pictures, "
        f"{passes:.1f} passes"
    )


def _settings_lines(config, folder):
    """Where the settings come from, and which of them config.py has otherwise as it is now."""
    began = f"preset {config.preset}" if config.preset else "the defaults"
    where = f"config.py, {began}"
    if os.path.exists(folder.settings):
        where = f"{folder.settings}, begun with {began}"
    now = file_settings(config.preset)
    if now is None:
        return f"settings    {where}, which config.py no longer has"
    other = ", ".join(
        f"{name}={value} (there {there})"
        for name, (value, there) in differences(config, now).items()
        if name not in (*FILLED_IN, *FROM_RECORDS)
    )
    return f"settings    {where}\n            unlike config.py as it is now: {other or 'none'}"
