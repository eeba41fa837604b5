"""A finished records folder: dataset.json, and the shards that it names."""

import hashlib
import os
from typing import Any

from colornet.errors import UserError
from colornet.records import storage

SCHEMA = 2
DATASET = "dataset.json"
SPLITS = ("train", "val")
READER = 2  # of the order in which records are read; another order is another training


def read_dataset(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The content of a records folder's dataset.json.

    Raises:
        UserError: missing, unfinished, of another schema, or a shard is missing or cut short.
    """
    folder = os.fspath(folder)
    path = os.path.join(folder, DATASET)
    try:
        dataset = storage.read_json(path)
        schema = dataset["schema"]
        if schema == SCHEMA:
            for split in SPLITS:
                for shard in dataset[split]["shards"]:
                    _check_shard(os.path.join(folder, shard["file"]), shard["bytes"])
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file; expected records made by input_create.py "
            "(if it was interrupted, run it again: it goes on where it stopped)"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: damaged; run input_create.py again to write it anew") from None
    if schema != SCHEMA:
        raise UserError(
            f"{path}: expected records of schema {SCHEMA}, got {schema!r}; "
            "make them again with this version's input_create.py"
        )
    return dataset


def _check_shard(path: str, expected: int) -> None:
    try:
        size = storage.size(path)
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
    parts = (READER, [shard["digest"] for split in SPLITS for shard in dataset[split]["shards"]])
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
