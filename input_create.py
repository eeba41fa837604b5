"""Photographs to records: decode, squeeze to a square, convert to Lab, write TFRecord shards.

    python input_create.py --images photographs/train --val-images photographs/val --records records
    python input_create.py --images mine more --val-fraction 0.05 --records records --preset compact
    python input_create.py --images places --list places365_train_standard.txt \\
        --categories categories_places365.txt --records records --part 3/16

The same photographs and settings give the same bytes, however many processes or machines made
them. Started again after an interruption it keeps the finished shards and makes the rest.
"""

import dataclasses
import json
import os
import sys

from colornet import shell
from colornet.errors import UserError
from colornet.records import format as record_format

PLAN = "plan.json"
# The settings that decide what is in the records.
SETTINGS = (
    "picture_size",
    "min_side",
    "min_chroma",
    "min_chroma_deviation",
    "shard_pictures",
    "seed",
)


def create_records(config, train, val, folder, workers, part=(1, 1)):
    """Make the shards of one part and, once all parts are there, dataset.json.

    Args:
        config: a `config.Config`.
        train, val: `photographs.Photographs`.
        folder: the records folder.
        workers: processes.
        part: (k, n), the k-th of n parts of the shards.

    Returns:
        The content of dataset.json; None while other parts are missing.

    Raises:
        UserError: the folder holds other records, or cannot be written.
    """
    from colornet.records import shards as record_shards
    from colornet.records import totals

    plan = {
        "schema": record_format.SCHEMA,
        "settings": {name: getattr(config, name) for name in SETTINGS},
        "class_names": val.class_names,
        "train": {"photographs": len(train), "fingerprint": train.fingerprint()},
        "val": {"photographs": len(val), "fingerprint": val.fingerprint()},
    }
    splits = {"train": train.shuffled(config.seed), "val": val.shuffled(config.seed)}
    shards = [
        (split, number, count)
        for split, photographs in splits.items()
        for count in [-(-len(photographs) // config.shard_pictures)]
        for number in range(count)
    ]
    try:
        record_format.make_folder(folder)
        _check_plan(os.path.join(folder, PLAN), plan)
        record_shards.make_shards(config, splits, shards[part[0] - 1 :: part[1]], folder, workers)
        missing = _missing(shards, folder)
        if missing:
            print(
                f"{missing} shards of other parts are missing; {record_format.DATASET} waits "
                "for them"
            )
            return None
        dataset = totals.write_totals(plan, shards, splits, folder)
        if part == (1, 1):  # else another machine may be writing the same files
            record_format.remove_partials(
                folder, {PLAN, totals.REJECTED, totals.SAMPLES, record_format.DATASET}
            )
        return dataset
    except OSError as error:
        raise UserError(
            f"{folder}: cannot write records: {error.strerror or error}; "
            "finished shards are kept, run the same command again"
        ) from None


def _check_plan(path, plan):
    """Write plan.json, or compare with that of an earlier start."""
    if not record_format.exists(path):
        return record_format.write_json(path, plan)
    try:
        made = json.loads(record_format.read_bytes(path))
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


def _missing(shards, folder):
    """How many shards are not finished."""
    found = set(record_format.names(folder))
    names = (record_format.shard_name(*shard) for shard in shards)
    return sum(not {name, record_format.summary_path(name)} <= found for name in names)


def _report(dataset):
    for split in record_format.SPLITS:
        print(
            f"{split}: {dataset[split]['pictures']} pictures in "
            f"{len(dataset[split]['shards'])} shards"
        )
    reasons = dataset["left_out"]["reasons"]
    print(
        f"left out: {sum(reasons.values())}"
        + "".join(f"\n  {count:8d}  {reason}" for reason, count in sorted(reasons.items()))
    )


def _photographs(options):
    """(train, val) photographs of the command line."""
    from colornet.records import photographs

    if bool(options.list) != bool(options.categories):
        raise UserError("--list and --categories belong together; give both")
    if options.list:
        if len(options.images) != 1:
            raise UserError(f"--list: expected one --images folder, got {len(options.images)}")
        train = photographs.from_list(options.list, options.categories, options.images[0])
    else:
        train = photographs.from_folders(options.images)
    if options.val_images:
        val = photographs.from_folders(options.val_images, train.class_names)
        return dataclasses.replace(train, class_names=val.class_names), val
    if not 0 < options.val_fraction < 1:
        raise UserError(f"--val-fraction: expected between 0 and 1, got {options.val_fraction}")
    mixed = train.shuffled(options.config.seed)
    count = max(1, round(len(mixed) * options.val_fraction))
    return mixed.select(range(count, len(mixed))), mixed.select(range(count))


def _check_apart(options):
    """Refuse records below the photographs: the next start would take them for photographs."""
    records = os.path.realpath(options.records)
    searched = ([] if options.list else options.images) + (options.val_images or [])
    for folder in map(os.path.realpath, searched):
        if os.path.commonpath([records, folder]) == folder:
            raise UserError(f"--records: expected a folder outside {folder}, got {records}")


def _part(text):
    try:
        k, n = map(int, text.split("/"))
    except ValueError:
        k = n = 0
    if not 1 <= k <= n:
        raise UserError(f"--part: expected K/N with K from 1 to N, such as 3/16, got {text!r}")
    return k, n


def create(options):
    """The script's work, from parsed arguments; returns the exit code."""
    from config import load_config

    options.config = load_config(options.preset, options.set)
    if options.workers < 1:
        raise UserError(f"--workers: expected 1 or more, got {options.workers}")
    part = _part(options.part)
    if not record_format.is_remote(options.records):
        _check_apart(options)
    train, val = _photographs(options)
    dataset = create_records(options.config, train, val, options.records, options.workers, part)
    if dataset is None:
        return shell.DONE
    _report(dataset)
    if not dataset["train"]["pictures"]:
        raise UserError(f"no photograph could be used; see rejected.tsv in {options.records}")
    return shell.DONE


def main(argv=None):
    arguments = shell.parser(__doc__)
    arguments.add_argument(
        "--images",
        nargs="+",
        required=True,
        metavar="DIR",
        help="folders of photographs, one sub-folder a class or none",
    )
    arguments.add_argument("--records", required=True, metavar="DIR", help="folder to make")
    arguments.add_argument("--val-images", nargs="+", metavar="DIR", help="for validation")
    arguments.add_argument(
        "--val-fraction",
        type=float,
        default=0.05,
        metavar="F",
        help="share of --images for validation, without --val-images (0.05)",
    )
    arguments.add_argument("--list", metavar="FILE", help="Places365's list of photographs")
    arguments.add_argument("--categories", metavar="FILE", help="Places365's list of classes")
    arguments.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count(),
        metavar="N",
        help="processes (default: one a core)",
    )
    arguments.add_argument(
        "--part",
        default="1/1",
        metavar="K/N",
        help="make the K-th of N parts, as one of N machines",
    )
    shell.add_settings(arguments)
    return shell.run(create, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
