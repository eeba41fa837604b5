"""Photographs to a whole records folder: its plan, its shards, and what it says of itself."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from colornet.errors import UserError
from colornet.files import locked, remove_leftovers
from colornet.records import making, storage, totals
from colornet.records.dataset import DATASET, SCHEMA
from colornet.records.photographs import PhotographList
from colornet.records.shards import shards_of
from config import RECORD_SETTINGS, Config

PLAN = "plan.json"


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
        config: a `config.Config`.
        train: `photographs.PhotographList`.
        val: the same; None to take a share of the training photographs.
        folder: the records folder.
        workers: processes.
        part: (k, n), the k-th of n parts of the shards.
        val_fraction: that share, counted in photographs that are not left out.

    Returns:
        The content of dataset.json; None while other parts are missing.

    Raises:
        UserError: the folder holds other records, cannot be written, or another process is making
            the same part.
    """
    plan = {
        "schema": SCHEMA,
        "settings": {name: getattr(config, name) for name in RECORD_SETTINGS},
        "class_names": train.class_names,
        "train": _identity(train),
        "val": {"fraction": val_fraction} if val is None else _identity(val),
    }
    mixed = train.shuffled(config.seed)
    splits = {"train": mixed, "val": mixed if val is None else val.shuffled(config.seed)}
    by_split = {
        split: shards_of(folder, split, len(photographs), config.shard_pictures)
        for split, photographs in splits.items()
    }
    shards = [shard for each in by_split.values() for shard in each]
    if val is None:
        jobs = [making.Job(pair, val_fraction) for pair in zip(*by_split.values())]
    else:
        jobs = [making.Job((shard,)) for shard in shards]
    k, n = part
    try:
        storage.make_folder(folder)
        with _alone(folder, k, n):
            _check_plan(os.path.join(folder, PLAN), plan)
            making.make_shards(config, splits, jobs[k - 1 :: n], folder, workers)
            found = set(storage.names(folder))
            missing = sum(not shard.is_finished(found) for shard in shards)
            if missing:
                print(f"{missing} shards of other parts are missing; {DATASET} waits for them")
                return None
            return totals.write_totals(plan, shards, splits, folder)
    except OSError as error:
        raise UserError(
            f"{folder}: cannot write records: {error.strerror or error}; "
            "finished shards are kept, run the same command again"
        ) from None


def _identity(photographs: PhotographList) -> dict[str, Any]:
    return {"photographs": len(photographs), "fingerprint": photographs.fingerprint()}


@contextlib.contextmanager
def _alone(folder: str, k: int, n: int) -> Iterator[None]:
    """Keep other processes off this part, and clear away what killed ones left."""
    if storage.is_remote(folder):  # such storage knows no locks
        yield
        return
    with locked(os.path.join(folder, f".part-{k}-of-{n}.lock"), f"{folder}, part {k}/{n}"):
        remove_leftovers(folder)
        yield


def _check_plan(path: str, plan: dict[str, Any]) -> None:
    """Write plan.json, or compare with that of an earlier start."""
    if not storage.exists(path):
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
