"""Photographs to a whole records folder: its plan, its shards, and what it says of itself."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from colornet.config import Config, settings_of
from colornet.errors import UserError
from colornet.files import remove_leftovers
from colornet.locks import locked
from colornet.records import storage, totals
from colornet.records.dataset import DATASET, PLAN, SCHEMA
from colornet.records.photographs import PhotographList
from colornet.records.shard_writing import ShardJob
from colornet.records.shards import Shard, shards_of
from colornet.records.workers import make_shards


def create_records(
    config: Config,
    train: PhotographList,
    val: PhotographList | None,
    folder: str,
    workers: int,
    part: tuple[int, int] = (1, 1),
    val_fraction: float = 0.0,
) -> dict[str, Any] | None:
    """Make the shards of one part and, once all parts are there, dataset.json.

    Args:
        val: None to take a share of `train`, val_fraction of the photographs not left out.
        workers: processes.
        part: (k, n), the k-th of n parts of the shards.

    Returns:
        The content of dataset.json; None while other parts are missing.

    Raises:
        UserError: the folder holds other records, cannot be written, or is being written.
    """
    plan = _plan(config, train, val, val_fraction)
    mixed = train.shuffled(config.seed)
    splits = {"train": mixed, "val": mixed if val is None else val.shuffled(config.seed)}
    shards, jobs = _shards_and_jobs(
        splits, folder, config.shard_pictures, val_fraction if val is None else None
    )
    try:
        os.makedirs(folder, exist_ok=True)
        with _alone(folder, *part):
            _check_plan(os.path.join(folder, PLAN), plan)
            make_shards(config, splits, jobs[part[0] - 1 :: part[1]], folder, workers)
            whole = _is_whole(folder, shards)
            return totals.write_totals(plan, shards, splits, folder) if whole else None
    except OSError as error:
        raise UserError(
            f"{folder}: cannot write records: {error.strerror or error}; "
            "finished shards are kept, run the same command again"
        ) from None


def _shards_and_jobs(
    splits: dict[str, PhotographList], folder: str, size: int, share: float | None
) -> tuple[list[Shard], list[ShardJob]]:
    """All shards; and what makes them, from the same photographs for a share of validation."""
    by_split = [
        shards_of(folder, split, [min(size, len(found) - i) for i in range(0, len(found), size)])
        for split, found in splits.items()
    ]
    shards = [shard for each in by_split for shard in each]
    if share is None:
        return shards, [ShardJob((shard,)) for shard in shards]
    return shards, [ShardJob(pair, share) for pair in zip(*by_split)]


def _is_whole(folder: str, shards: list[Shard]) -> bool:
    """Whether all shards are finished; says how many are not."""
    found = set(os.listdir(folder))
    missing = sum(not shard.is_finished(found) for shard in shards)
    if missing:
        print(f"{missing} shards of other parts are missing; {DATASET} waits for them")
    return not missing


def _plan(
    config: Config, train: PhotographList, val: PhotographList | None, val_fraction: float
) -> dict[str, Any]:
    """The content of plan.json: all that the bytes of the records depend on."""
    return {
        "schema": SCHEMA,
        "settings": {name: getattr(config, name) for name in settings_of("input_create")},
        "class_names": train.class_names,
        "train": _identity(train),
        "val": {"fraction": val_fraction} if val is None else _identity(val),
    }


def _identity(photographs: PhotographList) -> dict[str, Any]:
    return {"photographs": len(photographs), "fingerprint": photographs.fingerprint()}


@contextlib.contextmanager
def _alone(folder: str, k: int, n: int) -> Iterator[None]:
    """Keep other processes off this part, and clear away what killed ones left."""
    with locked(os.path.join(folder, f".part-{k}-of-{n}.lock"), f"{folder}, part {k}/{n}"):
        remove_leftovers(folder)
        yield


def _check_plan(path: str, plan: dict[str, Any]) -> None:
    """Write plan.json, or compare with that of an earlier start."""
    if not os.path.exists(path):
        return storage.write_json(path, plan)
    try:
        made = storage.read_json(path)
        settings = made["settings"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: damaged; delete this folder or choose another") from None
    if made == plan:
        return None
    different = [key for key in plan if made.get(key) != plan[key] and key != "settings"]
    different += [
        f"{key} ({settings.get(key)}, now {value})"
        for key, value in plan["settings"].items()
        if settings.get(key) != value
    ]
    raise UserError(
        f"{path}: this folder was begun with other input; different: {', '.join(different)}; "
        "choose another --records folder or delete this one"
    )
