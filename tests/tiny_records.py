"""Small photographs, and records of them made by input_create.py."""

import json
import sys
from pathlib import Path

from PIL import Image

import input_create
from messy import colorful

ROOT = Path(input_create.__file__).parent
SIZE = 40
SETTINGS = ["--preset", "smoke", "--set", f"picture_size={SIZE}", "--set", "shard_pictures=6"]


def make_photographs(folder, count=20, classes=("lake", "wood"), side=48):
    for name in classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        name = folder / classes[i % len(classes)] / f"{i:03d}.png"
        Image.fromarray(colorful(side, side + 8, seed=i)).save(name)
    return folder


def create(images, records, *more):
    return input_create.main(
        [
            "--images",
            str(images),
            "--records",
            str(records),
            "--workers",
            "2",
            *SETTINGS,
            *map(str, more),
        ]
    )


def command(images, records, *more):
    return [
        sys.executable,
        str(ROOT / "input_create.py"),
        "--images",
        str(images),
        "--records",
        str(records),
        "--workers",
        "2",
        *SETTINGS,
        *map(str, more),
    ]


def content_of(folder):
    """{name: bytes} of every file, hidden ones too."""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def assert_same(folder, other):
    made, expected = content_of(folder), content_of(other)
    assert made.keys() == expected.keys()
    assert [name for name in made if made[name] != expected[name]] == []


def dataset_of(folder):
    return json.loads((folder / "dataset.json").read_text())


def rejected_of(folder):
    """{name: reason} of rejected.tsv."""
    lines = (folder / "rejected.tsv").read_text(encoding="utf-8").split("\n")
    assert lines[0] == "split\tname\treason" and lines[-1] == ""
    return {name: reason for _, name, reason in (line.split("\t") for line in lines[1:-1])}


def examples_of(folder):
    """{name as bytes: tf.train.Example} of all shards, read by TensorFlow."""
    import tensorflow as tf

    files = sorted(str(path) for path in folder.glob("*.tfrecord"))
    examples = [
        tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files)
    ]
    return {example.features.feature["name"].bytes_list.value[0]: example for example in examples}


def label_of(example):
    return example.features.feature["label"].int64_list.value[0]
