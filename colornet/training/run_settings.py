"""The settings of a run: what the records decide, and what may change when it goes on."""

import dataclasses
from typing import Any

from colornet.config import FIELDS, Config, differences, is_from_records, is_resumable, read_config
from colornet.errors import UserError
from colornet.records.dataset import fingerprint
from colornet.training.run_folder import RunFolder


def of_records(config: Config, dataset: dict[str, Any]) -> Config:
    """The settings with what the records decide: how they were made, classes, mean color."""
    names = tuple(dataset["class_names"])
    made = dataset["settings"]
    return dataclasses.replace(
        config,
        **{name: value for name, value in made.items() if is_from_records(name)},
        class_names=names,
        num_classes=max(1, len(names)),
        mean_color=tuple(dataset.get("mean_color", ())),
        use_classification=config.use_classification and bool(names),
        records_fingerprint=fingerprint(dataset),
    )


def going_on(config: Config, folder: RunFolder) -> Config:
    """The settings, checked against those of the run in the folder, if there is one.

    Args:
        folder: a `run_folder.RunFolder`.

    Raises:
        UserError: a setting differs that may not change.
    """
    if not folder.begun():
        return config
    began = read_config(folder.settings)
    if not began.mean_color:  # older runs did not write it
        began = dataclasses.replace(began, mean_color=config.mean_color)
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
            f"setting steps: was {began.steps}, now {config.steps}, but a cosine schedule spreads "
            "the learning rate over all steps, so that it would jump; to train on, begin another "
            f"--run-dir with --set initial_weights={folder.path} and steps of its own"
        )


def start_block(
    config: Config,
    dataset: dict[str, Any],
    folder: RunFolder,
    device: str,
    parameters: int,
    step: int,
) -> str:
    """The lines that say at the start what a run will do."""
    passes = config.steps * config.batch_size / max(1, dataset["train"]["pictures"])
    validation = f"{dataset['val']['pictures']} to validate"
    if not dataset["val"]["pictures"]:
        validation = "NONE to validate (no weights are best: the last are kept)"
    return (
        f"{_settings_lines(config, folder)}\n"
        f"device      {device}\n"
        f"precision   {config.precision}\n"
        f"pictures    {dataset['train']['pictures']} to train, {validation}, "
        f"{len(config.class_names)} classes\n"
        f"parameters  {parameters:,}\n"
        f"steps       {step} done of {config.steps} of {config.batch_size} pictures, "
        f"{passes:.1f} passes\n"
        f"learning    {_schedule(config)}"
    )


def _schedule(config: Config) -> str:
    """What the learning rate does, and what that means for going on later."""
    rise = f" after {config.warmup_steps} steps of rising" if config.warmup_steps else ""
    if config.schedule == "cosine":
        fall = f"falls to 0 at step {config.steps}, which may not change"
        return f"rate {config.learning_rate:g}{rise}, {fall}"
    return f"rate {config.learning_rate:g}{rise}, constant: steps may be raised later to go on"


def finished_line(config: Config, folder: RunFolder) -> str:
    """The line that says that no step is left, and how to train on."""
    if config.schedule == "cosine":
        more = (
            "a cosine schedule ends here; to train on, begin another --run-dir with "
            f"--set initial_weights={folder.path}"
        )
    else:
        more = "raise steps to go on"
    return f"finished: all {config.steps} steps are done; {more}"


def _settings_lines(config: Config, folder: RunFolder) -> str:
    """Which settings differ from the paper's, and where they come from."""
    where = f"resumed from {folder.settings}" if folder.begun() else f"preset {config.preset}"
    own = differences(dataclasses.replace(config, class_names=(), num_classes=205), Config())
    shown = [
        f"{name}={value}" for name, (value, _) in own.items() if FIELDS[name].metadata["scripts"]
    ]
    return f"settings    {where}: {', '.join(shown) or 'the defaults'}"
