"""The settings of a run: what the records decide, and what may change when it goes on."""

import dataclasses
from typing import Any

from colornet.config import FIELDS, Config, differences, is_from_records, is_resumable, read_config
from colornet.errors import UserError
from colornet.records.dataset import fingerprint
from colornet.training.run_folder import RunFolder


def apply_dataset(config: Config, dataset: dict[str, Any]) -> Config:
    """Return the settings with what the records decide: sizes, classes, and mean color."""
    names = tuple(dataset["class_names"])
    made = dataset["settings"]
    return dataclasses.replace(
        config,
        **{name: value for name, value in made.items() if is_from_records(name)},
        class_names=names,
        num_classes=max(1, len(names)),
        mean_color=tuple(dataset.get("mean_color", ())),
        use_classification=config.use_classification and len(names) > 1,
        records_fingerprint=fingerprint(dataset),
    )


def resume_config(config: Config, folder: RunFolder) -> Config:
    """The settings, checked against those of the run in the folder, if there is one.

    Args:
        folder: a `run_folder.RunFolder`.

    Raises:
        UserError: a setting differs that may not change.
    """
    if not folder.begun():
        return config
    began = read_config(folder.settings)
    for name in ("mean_color", "onednn"):  # older runs did not write them
        if not getattr(began, name):
            began = dataclasses.replace(began, **{name: getattr(config, name)})
    _check_goes_on(config, began, folder)
    return config


def _check_goes_on(config: Config, began: Config, folder: RunFolder) -> None:
    wrong = {
        name: pair for name, pair in differences(config, began).items() if not is_resumable(name)
    }
    if wrong:
        changes = ", ".join(
            f"{name} was {was!r}, now {now!r}" for name, (now, was) in wrong.items()
        )
        raise UserError(
            f"{folder.path}: this run began with other settings or records: {changes}; "
            "use them again, or another --run-dir"
        )
    if config.schedule == "cosine" and config.steps != began.steps:
        raise UserError(
            f"setting steps: was {began.steps}, now {config.steps}, but a cosine schedule ends; "
            f"to train on, use another --run-dir with --set initial_weights={folder.path}"
        )


def start_block(
    config: Config,
    dataset: dict[str, Any],
    folder: RunFolder,
    device: str,
    parameters: int,
    step: int,
) -> str:
    """Return the lines that say at the start what a run will do."""
    shown = ", ".join(
        f"{name}={value}"
        for name, (value, _) in differences(config, Config()).items()
        if FIELDS[name].metadata["scripts"]
    )
    where = f"resumed from {folder.settings}" if folder.begun() else f"preset {config.preset}"
    train, val = dataset["train"]["pictures"], dataset["val"]["pictures"]
    validation = f"{val} to validate" if val else "0 to validate (no best.weights.h5 is written)"
    epochs = config.steps * config.batch_size / max(1, train)
    lines = [
        f"settings    {where}: {shown or 'the defaults'}",
        f"device      {device}, {config.precision}",
        f"pictures    {train} to train, {validation}, {len(config.class_names)} classes",
        f"parameters  {parameters:,}",
        f"steps       {step} / {config.steps}, batch size {config.batch_size}, {epochs:.1f} epochs",
    ]
    if len(config.class_names) == 1:
        lines.append("classes     a single one: trained without the classification network")
    return "\n".join(lines)


def finished_line(config: Config, folder: RunFolder) -> str:
    """Return the line that says that no step is left, and how to train on."""
    more = "raise steps to train on"
    if config.schedule == "cosine":
        more = f"to train on, use another --run-dir with --set initial_weights={folder.path}"
    return f"finished: all {config.steps} steps are done; {more}"
