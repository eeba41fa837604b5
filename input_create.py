"""Photographs to records: decode, squeeze to a square, convert to Lab, write TFRecord shards.

    python input_create.py --images photographs/train --val-images photographs/val --records records
    python input_create.py --images mine more --val-fraction 0.05 --records records --preset compact
    python input_create.py --images places --list places365_train_standard.txt \\
        --categories categories_places365.txt --records records --part 3/16

The same photographs and settings give the same bytes, however many processes or machines made
them. Started again after an interruption it keeps the finished shards and makes the rest.
"""

import collections
import concurrent.futures
import dataclasses
import json
import multiprocessing
import os
import sys
import threading
import time

import command_line
import record_files
from command_line import UserError

PLAN = "plan.json"
REJECTED = "rejected.tsv"
SAMPLES = "samples.png"
# The settings that decide what is in the records.
SETTINGS = ("picture_size", "min_side", "min_chroma", "min_chroma_deviation", "shard_pictures",
            "seed")
SAMPLES_A_SHARD = 8  # photographs next to the colour threshold that a shard remembers
GREYSCALE, LITTLE_COLOUR = "greyscale", "little colour variance"


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
    plan = {
        "schema": record_files.SCHEMA,
        "settings": {name: getattr(config, name) for name in SETTINGS},
        "class_names": val.class_names,
        "train": {"photographs": len(train), "fingerprint": train.fingerprint()},
        "val": {"photographs": len(val), "fingerprint": val.fingerprint()},
    }
    try:
        record_files.make_folder(folder)
        _check_plan(os.path.join(folder, PLAN), plan)
        splits = {"train": train.shuffled(config.seed), "val": val.shuffled(config.seed)}
        shards = [
            (split, number, count)
            for split, photographs in splits.items()
            for count in [-(-len(photographs) // config.shard_pictures)]
            for number in range(count)
        ]
        _make_shards(config, splits, shards[part[0] - 1 :: part[1]], folder, workers)
        return _finish(plan, shards, splits, folder)
    except OSError as error:
        raise UserError(
            f"{folder}: cannot write records: {error.strerror or error}; "
            "finished shards are kept, run the same command again"
        ) from None


def _check_plan(path, plan):
    if not record_files.exists(path):
        return record_files.write_json(path, plan)
    made = json.loads(record_files.read_bytes(path))
    if made == plan:
        return None
    different = [key for key in plan if made.get(key) != plan[key] and key != "settings"]
    different += [
        f"{key} ({made['settings'].get(key)}, now {value})"
        for key, value in plan["settings"].items()
        if made["settings"].get(key) != value
    ]
    raise UserError(
        f"{path}: this folder was begun with other input; different: {', '.join(different)}; "
        "choose another --records folder or delete this one"
    )


# --- In the worker processes ----------------------------------------------------------------


def convert(path, config):
    """One photograph to luminance and chrominance bytes.

    Returns:
        (luminance, chrominance, None) or, if it is left out, (None, None, reason); and how
        colourful it is: (mean chroma, chroma deviation) in Lab units, or None if unreadable.
    """
    import image_files

    try:
        rgb = image_files.open_square(path, config.picture_size)
        width, height = image_files.picture_size(path)
    except image_files.ImageError as error:
        return (None, None, str(error)), None
    if min(width, height) < config.min_side:
        return (None, None, f"too small: {width} x {height}"), None
    luminance, chrominance, colourfulness = lab_planes(rgb)
    mean, deviation = colourfulness
    if mean < config.min_chroma:
        return (None, None, GREYSCALE), colourfulness
    if deviation < config.min_chroma_deviation:
        return (None, None, LITTLE_COLOUR), colourfulness
    return (luminance, chrominance, None), colourfulness


def lab_planes(rgb):
    """uint8 RGB (size, size, 3) to a record's planes, and (mean chroma, chroma deviation)."""
    import numpy as np

    import colorspace

    lab = colorspace.rgb_to_lab(rgb)
    half = len(rgb) // 2
    ab = lab[..., 1:].reshape(half, 2, half, 2, 2).mean(axis=(1, 3))
    chroma = float(np.sqrt(np.square(ab).sum(axis=-1)).mean())
    deviation = float(np.sqrt(ab.var(axis=(0, 1)).sum()))
    luminance = colorspace.to_bytes(colorspace.encode_luminance(lab[..., 0]))
    chrominance = colorspace.to_bytes(colorspace.encode_chrominance(ab))
    return luminance, chrominance, (chroma, deviation)


def _make_shard(config, entries, class_names, path):
    """Write a shard and, before it, the summary that `_finish` needs."""
    records, rejected, samples = [], [], {"kept": [], "left out": []}
    classes = collections.Counter()
    for photograph, name, label in entries:
        (luminance, chrominance, reason), colourfulness = convert(photograph, config)
        if reason is None:
            example = record_files.example_bytes(luminance, chrominance, label, name)
            records.append(record_files.record_bytes(example))
            classes[class_names[label] if label != record_files.NO_CLASS else ""] += 1
        else:
            rejected.append([_text(name), reason, _class_name(class_names, label)])
        if colourfulness:
            kind = "left out" if reason else "kept"
            samples[kind].append([round(colourfulness[1], 3), _text(name)])
        _worker.count.value += 1
    summary = {
        "pictures": len(records),
        "bytes": sum(map(len, records)),
        "classes": classes,
        "rejected": rejected,
        "samples": {
            "kept": sorted(samples["kept"])[:SAMPLES_A_SHARD],
            "left out": sorted(samples["left out"], reverse=True)[:SAMPLES_A_SHARD],
        },
    }
    record_files.write_json(_summary_path(path), summary)
    record_files.write_bytes(path, records)


def _class_name(class_names, label):
    return "" if label == record_files.NO_CLASS else class_names[label]


def _text(name):
    """Bytes of a name as text that JSON holds, reversible by `os.fsencode`."""
    return os.fsdecode(name)


def _summary_path(shard_path):
    return shard_path.removesuffix("tfrecord") + "json"


class _worker:
    """What a worker process knows."""

    count = None  # photographs done by all workers


def _start_worker(count, parent):
    """Remember the counter, and die with the parent even if that is killed."""
    _worker.count = count

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


# --- In the main process --------------------------------------------------------------------


def _make_shards(config, splits, shards, folder, workers):
    paths = [os.path.join(folder, record_files.shard_name(*shard)) for shard in shards]
    todo = [
        (shard, path)
        for shard, path in zip(shards, paths)
        if not (record_files.exists(path) and record_files.exists(_summary_path(path)))
    ]
    kept = len(shards) - len(todo)
    total = sum(len(_indices(config, splits, shard)) for shard, _ in todo)
    print(f"{len(shards)} shards, {kept} already made, {total} photographs to read, "
          f"{workers} processes", flush=True)
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    count = context.Value("q", 0)
    started = time.monotonic()
    with (
        concurrent.futures.ProcessPoolExecutor(
            workers, context, _start_worker, (count, os.getpid())
        ) as pool,
        command_line.progress(total, "pictures") as bar,
    ):
        waiting, running = iter(todo), set()
        try:
            while True:
                # Few at a time: a queue of all would hold every name twice.
                while len(running) < 2 * workers and (job := next(waiting, None)):
                    shard, path = job
                    photographs = splits[shard[0]]
                    entries = [photographs.entry(i) for i in _indices(config, splits, shard)]
                    running.add(
                        pool.submit(_make_shard, config, entries, photographs.class_names, path)
                    )
                if not running:
                    break
                done, running = concurrent.futures.wait(
                    running, 0.2, concurrent.futures.FIRST_COMPLETED
                )
                for future in done:
                    future.result()
                bar.update(count.value - bar.n)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if total:
        seconds = time.monotonic() - started
        print(f"{total} photographs in {seconds:.1f} s, {total / seconds:.0f} pictures/s")


def _indices(config, splits, shard):
    split, number, _ = shard
    start = number * config.shard_pictures
    return range(start, min(start + config.shard_pictures, len(splits[split])))


def _finish(plan, shards, splits, folder):
    """Write rejected.tsv, samples.png and dataset.json from the summaries, if all are there."""
    paths = [os.path.join(folder, record_files.shard_name(*shard)) for shard in shards]
    missing = [path for path in paths if not record_files.exists(path)]
    if missing:
        print(f"{len(missing)} shards of other parts are missing; dataset.json waits for them")
        return None
    summaries = [json.loads(record_files.read_bytes(_summary_path(path))) for path in paths]
    dataset = {key: plan[key] for key in ("schema", "settings", "class_names")}
    import colorspace

    dataset["encoding"] = colorspace.ENCODING
    reasons, by_class = collections.Counter(), collections.defaultdict(collections.Counter)
    lines = ["split\tname\treason\n"]
    for split in record_files.SPLITS:
        mine = [(shard, s) for shard, s in zip(shards, summaries) if shard[0] == split]
        dataset[split] = {
            "pictures": sum(summary["pictures"] for _, summary in mine),
            "classes": sum((collections.Counter(s["classes"]) for _, s in mine), start=collections.Counter()),
            "shards": [
                {"file": record_files.shard_name(*shard), "pictures": s["pictures"],
                 "bytes": s["bytes"]}
                for shard, s in mine
            ],
        }
        for _, summary in mine:
            for name, reason, class_name in summary["rejected"]:
                kind = reason.partition(":")[0]
                reasons[kind] += 1
                by_class[class_name][kind] += 1
                lines.append(f"{split}\t{_printable(name)}\t{reason}\n")
    dataset["left_out"] = {"reasons": reasons, "classes": by_class}
    record_files.write_bytes(os.path.join(folder, REJECTED), [line.encode() for line in lines])
    _write_samples(splits, shards, summaries, folder)
    record_files.write_json(os.path.join(folder, record_files.DATASET), dataset)
    return dataset


def _write_samples(splits, shards, summaries, folder):
    """samples.png: the least colourful photographs kept, the most colourful left out for colour."""
    import image_files
    import sheets

    rows, captions = [], []
    for kind, descending in (("kept", False), ("left out", True)):
        found = sorted(
            ((deviation, name, shard[0]) for shard, s in zip(shards, summaries)
             for deviation, name in s["samples"][kind]),
            reverse=descending,
        )[: 4 * SAMPLES_A_SHARD]
        paths = _paths_of({(split, os.fsencode(name)) for _, name, split in found}, splits)
        for start in range(0, len(found), SAMPLES_A_SHARD):
            chunk = found[start : start + SAMPLES_A_SHARD]
            rows.append([image_files.open_square(paths[split, os.fsencode(name)], 128)
                         for _, name, split in chunk])
            captions.append(f"{kind}: chroma deviation " + ", ".join(f"{d:.1f}" for d, *_ in chunk))
    if rows:
        image = sheets.sheet(rows, 128, captions, "least colourful kept; most colourful left out")
        if "://" not in folder:
            image_files.save_image(image, os.path.join(folder, SAMPLES))


def _paths_of(wanted, splits):
    paths = {}
    for split, photographs in splits.items():
        for index, name in enumerate(photographs.names):
            if (split, name) in wanted:
                paths[split, name] = photographs.entry(index)[0]
    return paths


def _printable(name):
    import image_files

    return image_files.printable(name)


def _report(dataset):
    for split in record_files.SPLITS:
        print(f"{split}: {dataset[split]['pictures']} pictures in "
              f"{len(dataset[split]['shards'])} shards")
    reasons = dataset["left_out"]["reasons"]
    print(f"left out: {sum(reasons.values())}"
          + "".join(f"\n  {count:8d}  {reason}" for reason, count in sorted(reasons.items())))


def _photographs(options):
    """(train, val) photographs of the command line."""
    import photographs

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

    options.config = load_config(options.preset or "paper", options.set)
    if options.workers < 1:
        raise UserError(f"--workers: expected 1 or more, got {options.workers}")
    part = _part(options.part)
    train, val = _photographs(options)
    dataset = create_records(options.config, train, val, options.records, options.workers, part)
    if dataset is None:
        return command_line.DONE
    _report(dataset)
    if not dataset["train"]["pictures"]:
        raise UserError(f"no photograph could be used; see {REJECTED} in {options.records}")
    return command_line.DONE


def main(argv=None):
    arguments = command_line.parser(__doc__)
    arguments.add_argument("--images", nargs="+", required=True, metavar="DIR",
                           help="folders of photographs, one sub-folder a class or none")
    arguments.add_argument("--records", required=True, metavar="DIR", help="folder to make")
    arguments.add_argument("--val-images", nargs="+", metavar="DIR", help="for validation")
    arguments.add_argument("--val-fraction", type=float, default=0.05, metavar="F",
                           help="share of --images for validation, without --val-images (0.05)")
    arguments.add_argument("--list", metavar="FILE", help="Places365's list of photographs")
    arguments.add_argument("--categories", metavar="FILE", help="Places365's list of classes")
    arguments.add_argument("--workers", type=int, default=os.cpu_count(), metavar="N",
                           help="processes (default: one a core)")
    arguments.add_argument("--part", default="1/1", metavar="K/N",
                           help="make the K-th of N parts, as one of N machines")
    command_line.add_settings(arguments)
    return command_line.run(create, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
