"""Photographs to records: decode, squeeze to a square, convert to Lab, write TFRecord shards.

    python input_create.py --images photographs/train --val-images photographs/val --records records
    python input_create.py --images mine more --val-fraction 0.05 --records records --preset compact
    python input_create.py --images places --list places365_train_standard.txt \\
        --categories categories_places365.txt --records records --part 3/16

The same photographs and settings give the same bytes, however many processes or machines made
them. Started again after an interruption it keeps the finished shards and makes the rest.
"""

import dataclasses
import os
import sys

from colornet import shell
from colornet.errors import UserError
from config import load_config


def create(options):
    """The script's work, from parsed arguments; returns the exit code."""
    from colornet.records import creation, photographs, storage

    options.config = load_config(options.preset, options.set, "input_create")
    if options.workers < 1:
        raise UserError(f"--workers: expected 1 or more, got {options.workers}")
    part = _part(options.part)
    if not storage.is_remote(options.records):
        _check_apart(options)
    train, val = _photographs(options, photographs)
    dataset = creation.create_records(
        options.config, train, val, options.records, options.workers, part
    )
    if dataset is None:
        return shell.DONE
    _report(dataset)
    if not dataset["train"]["pictures"]:
        raise UserError(f"no photograph could be used; see rejected.tsv in {options.records}")
    return shell.DONE


def _report(dataset):
    for split in ("train", "val"):
        print(
            f"{split}: {dataset[split]['pictures']} pictures in "
            f"{len(dataset[split]['shards'])} shards"
        )
    reasons = dataset["left_out"]["reasons"]
    print(
        f"left out: {sum(reasons.values())}"
        + "".join(f"\n  {count:8d}  {reason}" for reason, count in sorted(reasons.items()))
    )


def _photographs(options, photographs):
    """(train, val) photographs of the command line."""
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
    shell.add_settings(arguments, "input_create")
    return shell.run(create, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
