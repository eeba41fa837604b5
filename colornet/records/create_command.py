"""Photographs to records: decode, squeeze to a square, convert to Lab, write TFRecord shards.

    python input_create.py --images photographs/train --val-images photographs/val --records records
    python input_create.py --images mine more --val-fraction 0.05 --records records --preset compact
    python input_create.py --images train_256_places365standard.tar --val-images val_256.tar \\
        --list places365_train_standard.txt --val-list places365_val.txt \\
        --categories categories_places365.txt --records records --part 3/16

The same photographs and settings give the same bytes, however many processes or machines made
them. Started again after an interruption it keeps the finished shards and makes the rest.
"""

import argparse
import os
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from colornet import files, shell
from colornet.config import Presets, load_config
from colornet.errors import UserError

if TYPE_CHECKING:
    from colornet.records.photographs import PhotographList


def create(options: argparse.Namespace, presets: Presets) -> int:
    """The script's work, from parsed arguments; returns the exit code."""
    from colornet.records import lists, photographs, records_folder, sources

    config = load_config(presets, options.preset, options.set, "input_create")
    _check(options)
    files.check_folder(options.records, "--records")
    _check_apart(options)
    if options.list:
        train, val = _listed(options, lists, sources)
    else:
        train, val = _found(options, sources)
    photographs.check_distinct(train, val or None)
    dataset = records_folder.create_records(
        config, train, val, options.records, options.workers, options.part, options.val_fraction
    )
    if dataset is None:
        return shell.DONE
    _report(dataset)
    for split, use in (("train", "no photograph"), ("val", "no photograph for validation")):
        if not dataset[split]["pictures"]:
            advice = f"see rejected.tsv in {options.records}"
            if not dataset["left_out"]["reasons"]:  # they are simply too few
                advice = "expected more of them, or photographs by --val-images"
            raise UserError(f"{use} could be used; {advice}")
    return shell.DONE


def _found(
    options: argparse.Namespace, sources: ModuleType
) -> "tuple[PhotographList, PhotographList | None]":
    """(train, val) photographs by the folders that they lie in; val is None for a share."""
    train = sources.from_sources(options.images, options.records)
    val = options.val_images and sources.from_sources(
        options.val_images, options.records, train.class_names, options.unlabeled
    )
    return train, val


def _listed(
    options: argparse.Namespace, lists: ModuleType, sources: ModuleType
) -> "tuple[PhotographList, PhotographList | None]":
    """(train, val) photographs by lists; val is None for a share."""
    names, numbers = lists.read_list(options.list)
    if options.categories:
        class_names = lists.read_categories(options.categories)
    else:
        class_names = lists.categories_of(names, numbers, options.list)
    lists.check_numbers(names, numbers, class_names, options.list)
    train = sources.from_list(names, numbers, class_names, options.images, options.records)
    if options.val_list:
        names, numbers = lists.read_list(options.val_list)
        lists.check_numbers(names, numbers, class_names, options.val_list)
        images = options.val_images or options.images
        return train, sources.from_list(names, numbers, class_names, images, options.records)
    return train, options.val_images and sources.from_sources(
        options.val_images, options.records, class_names, options.unlabeled
    )


def _report(dataset: dict[str, Any]) -> None:
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


def _check(options: argparse.Namespace) -> None:
    if (options.val_list or options.categories) and not options.list:
        raise UserError("--val-list and --categories: expected --list as well")


def _check_apart(options: argparse.Namespace) -> None:
    """Refuse records below the photographs: the next start would take them for photographs."""
    records = os.path.realpath(options.records)
    searched = ([] if options.list else options.images) + (
        [] if options.val_list else options.val_images or []
    )
    for folder in map(os.path.realpath, searched):
        if os.path.commonpath([records, folder]) == folder:
            raise UserError(f"--records: expected a folder outside {folder}, got {records}")


def _part(text: str) -> tuple[int, int]:
    try:
        k, n = map(int, text.split("/"))
    except ValueError:
        k = n = 0
    if not 1 <= k <= n:
        raise argparse.ArgumentTypeError(
            f"expected K/N with K from 1 to N, such as 3/16; got {text!r}"
        )
    return k, n


def _add_sources(arguments: argparse.ArgumentParser) -> None:
    """Where the photographs and their classes come from."""
    arguments.add_argument(
        "--images",
        nargs="+",
        required=True,
        metavar="PATH",
        help="folders or .tar archives of photographs, one sub-folder a class or none",
    )
    arguments.add_argument("--records", required=True, metavar="DIR", help="folder to make")
    arguments.add_argument("--val-images", nargs="+", metavar="PATH", help="for validation")
    arguments.add_argument(
        "--val-fraction",
        type=shell.number(float, 0.0001, 0.9999),
        default=0.05,
        metavar="F",
        help="share of the photographs kept that is for validation, without --val-images or "
        "--val-list (0.05)",
    )
    arguments.add_argument(
        "--unlabeled",
        action="store_true",
        help="take validation photographs of classes that training lacks, without a class",
    )
    arguments.add_argument(
        "--list", metavar="FILE", help="photographs and the numbers of their classes, a line each"
    )
    arguments.add_argument("--val-list", metavar="FILE", help="the same for validation")
    arguments.add_argument(
        "--categories", metavar="FILE", help="names of the classes (default: the list's folders)"
    )


def main(argv: Sequence[str] | None, presets: Presets) -> int:
    arguments = shell.parser(__doc__)
    _add_sources(arguments)
    arguments.add_argument(
        "--workers",
        type=shell.number(int, 1),
        default=os.cpu_count(),
        metavar="N",
        help="processes (default: one a core)",
    )
    arguments.add_argument(
        "--part",
        type=_part,
        default=(1, 1),
        metavar="K/N",
        help="make the K-th of N parts, as one of N machines",
    )
    shell.add_settings(arguments, "input_create", presets)
    return shell.run(lambda options: create(options, presets), arguments.parse_args(argv))
