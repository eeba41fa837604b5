"""Photographs to a whole records folder: its plan, its shards, and what it says of itself."""

import os

from colornet.errors import UserError
from colornet.files import remove_leftovers
from colornet.records import making, storage, totals
from colornet.records.dataset import DATASET, SCHEMA
from colornet.records.shards import shards_of
from config import RECORD_SETTINGS

PLAN = "plan.json"


def create_records(config, train, val, folder, workers, part=(1, 1)):
    """Make the shards of one part and, once all parts are there, dataset.json.

    Args:
        config: a `config.Config`.
        train, val: `photographs.PhotographList`.
        folder: the records folder.
        workers: processes.
        part: (k, n), the k-th of n parts of the shards.

    Returns:
        The content of dataset.json; None while other parts are missing.

    Raises:
        UserError: the folder holds other records, or cannot be written.
    """
    plan = {
        "schema": SCHEMA,
        "settings": {name: getattr(config, name) for name in RECORD_SETTINGS},
        "class_names": val.class_names,
        "train": {"photographs": len(train), "fingerprint": train.fingerprint()},
        "val": {"photographs": len(val), "fingerprint": val.fingerprint()},
    }
    splits = {"train": train.shuffled(config.seed), "val": val.shuffled(config.seed)}
    shards = [
        shard
        for split, photographs in splits.items()
        for shard in shards_of(folder, split, len(photographs), config.shard_pictures)
    ]
    try:
        storage.make_folder(folder)
        if not storage.is_remote(folder):
            remove_leftovers(folder)
        _check_plan(os.path.join(folder, PLAN), plan)
        making.make_shards(config, splits, shards[part[0] - 1 :: part[1]], folder, workers)
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


def _check_plan(path, plan):
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
