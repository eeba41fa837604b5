"""A finished records folder: dataset.json, and the shards that it names."""

import hashlib
import math
import os
from typing import Any

from colornet.config import Config, settings_of
from colornet.errors import UserError
from colornet.records import storage
from colornet.records.shards import new_digest, shards_of

SCHEMA = 2
DATASET = "dataset.json"
PLAN = "plan.json"  # what the folder was begun with
CHUNK = 1 << 26  # bytes that are read at once
SPLITS = ("train", "val")
ORDER = 2  # version of that in which records are read; another order is another training


def read_dataset(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The content of a records folder's dataset.json.

    Raises:
        UserError: missing, unfinished, damaged or of another schema, or a shard is missing or not
            the one that it names.
    """
    folder = os.fspath(folder)
    path = os.path.join(folder, DATASET)
    try:
        dataset = storage.read_json(path)
        schema = dataset["schema"]
        if schema == SCHEMA:
            _check_values(dataset, _plan(folder))
            for split in SPLITS:
                _check_shards(folder, split, dataset[split]["shards"])
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file; expected records made by input_create.py "
            "(if it was interrupted, run it again: it goes on where it stopped)"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise UserError(
            f"{path}: damaged ({reason}); run input_create.py again to write it anew"
        ) from None
    if schema != SCHEMA:
        raise UserError(
            f"{path}: expected records of schema {SCHEMA}, got {schema!r}; "
            "make them again with this version's input_create.py"
        )
    return dataset


def _plan(folder: str) -> dict[str, Any]:
    """The content of plan.json; empty where a copy of the records lacks it."""
    try:
        return dict(storage.read_json(os.path.join(folder, PLAN)))
    except (OSError, TypeError, ValueError):
        return {}


def _check_values(dataset: dict[str, Any], plan: dict[str, Any]) -> None:
    """Raise what `read_dataset` catches for values that input_create.py would not write."""
    settings, names = dataset["settings"], dataset["class_names"]
    try:
        made = {
            name: value for name, value in settings.items() if name in settings_of("input_create")
        }
        Config(**{**made, "picture_size": settings["picture_size"]})
    except UserError as error:
        raise ValueError(error) from None
    _expect(isinstance(names, list) and all(isinstance(name, str) for name in names), "class_names")
    color = dataset.get("mean_color", [])
    numbers = [ab for ab in color if type(ab) in (int, float) and math.isfinite(ab)]
    _expect(color == numbers and len(color) in (0, 2), "mean_color")
    for key in ("settings", "class_names"):
        _expect(plan.get(key, dataset[key]) == dataset[key], f"{key}, unlike those of {PLAN}")
    for split in SPLITS:
        found = dataset[split]
        shards, classes, pictures = found["shards"], found["classes"], found["pictures"]
        for shard in shards:
            _expect(isinstance(shard["digest"], str), f"{split}: digests")
        counts = [shard[key] for key in ("pictures", "bytes") for shard in shards]
        for count in (pictures, *counts, *classes.values()):
            _expect(type(count) is int and 0 <= count < 1 << 48, f"{split}: {count!r} is no count")
        in_shards = sum(counts[: len(shards)])
        _expect(pictures == in_shards == sum(classes.values()), f"{split}: counts do not add up")
        _expect(set(classes) <= {"", *names}, f"{split}: classes without a name")


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def _check_shards(folder: str, split: str, rows: list[dict[str, Any]]) -> None:
    """Raise UserError for a shard of another size, or if the shortest has other bytes.

    Reading them all may take hours; but who copied shards of other records copied that one, too.
    """
    shards = shards_of(folder, split, [row["pictures"] for row in rows])
    _expect([row["file"] for row in rows] == [shard.name for shard in shards], f"{split}: shards")
    for shard, row in zip(shards, rows):
        _check_size(shard.path, row["bytes"])
    lengths = [(row["bytes"], number) for number, row in enumerate(rows) if row["bytes"]]
    if not lengths:
        return
    size, number = min(lengths)
    path = shards[number].path
    if _digest(path, size) != rows[number]["digest"]:
        raise UserError(
            f"{path}: damaged shard, or one of other records (its checksums do not match); delete "
            "it and run input_create.py again; if other shards were copied here, delete them, too"
        )


def _digest(path: str, size: int) -> str:
    digest = new_digest()
    for start in range(0, size, CHUNK):
        digest.update(storage.read_bytes(path, start, CHUNK))
    return digest.hexdigest()


def _check_size(path: str, expected: int) -> None:
    try:
        size = os.path.getsize(path)
    except FileNotFoundError:
        raise UserError(
            f"{path}: shard is missing; run input_create.py again to make it anew"
        ) from None
    if size != expected:
        raise UserError(
            f"{path}: shard is cut short or changed: expected {expected} bytes, got {size}; "
            "delete it and run input_create.py again"
        )


def fingerprint(dataset: dict[str, Any]) -> str:
    """A short text that changes with any byte of the records, and with the order they are read in.

    Two folders of the same text give the same batches for the same settings.
    """
    parts = (ORDER, [shard["digest"] for split in SPLITS for shard in dataset[split]["shards"]])
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
