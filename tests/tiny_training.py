"""Tiny records and settings with which the tests train in seconds."""

import json
import os
import subprocess
import sys

import numpy as np
import skimage.data
from PIL import Image

import input_create
import model_train
from colornet.config import Config, settings_of
from colornet.network.vocabulary import UP

SMALL = dict(
    picture_size=40,
    min_side=16,
    crop_size=32,
    width=0.0625,
    batch_size=4,
    steps=6,
    optimizer="adam",  # its step is built in half of Muon's time
    learning_rate=2e-3,
    precision="float32",
    log_every=2,
    validate_every=6,
    checkpoint_every=3,
    shard_pictures=5,
    panel_pictures=2,
)


# Of each kind of layer a few: a step is built in half of the time.
SHALLOW = dict(
    LOW_LEVEL=[(3, 2, 64), (3, 2, 128), (3, 2, 256)],
    GLOBAL_CONVOLUTIONS=[(3, 2, 256)],
    GLOBAL_DENSE=[512, 256],
    MID_LEVEL=[(3, 1, 256)],
    COLORIZATION=[UP, UP],
)


def settings(script="model_train", **values):
    """SMALL, with other values, as the shell writes them: those that are the script's."""
    texts = {
        key: str(value).lower()
        for key, value in {**SMALL, **values}.items()
        if key in settings_of(script)
    }
    return [word for key, text in texts.items() for word in ("--set", f"{key}={text}")]


def train(records, run_dir, **values):
    """model_train.py's exit code."""
    return model_train.main(
        ["--records", str(records), "--run-dir", str(run_dir), *settings(**values)]
    )


def make_training(precision="float32", strategy=None, **values):
    import tensorflow as tf

    from colornet.training import step as training_step

    config = Config(**{**SMALL, "num_classes": 3, "precision": precision, **values})
    return training_step.TrainState(config, strategy or tf.distribute.get_strategy()), config


def make_batch(size=4, crop=32, seed=0):
    """A batch of smooth random pictures."""
    import tensorflow as tf

    coarse = tf.random.stateless_uniform((size, 4, 4, 3), (seed, 0), 0.2, 0.8)
    fine = tf.image.resize(coarse, (crop, crop))
    chrominance = tf.image.resize(coarse[..., 1:], (crop // 2, crop // 2))
    label = tf.constant([0, 1, 2, -1][:size] * (size // 4), tf.int64)
    return {"luminance": fine[..., :1], "chrominance": chrominance, "label": label}


def rows(run_dir):
    return [json.loads(line) for line in open(run_dir / "metrics.jsonl")]


def make_records(folder, classes=("kitchen", "street"), count=24, **values):
    """Records of cut-outs of colour photographs; in class folders, or all in one."""
    photographs = [
        skimage.data.astronaut(),
        skimage.data.coffee(),
        skimage.data.chelsea(),
        skimage.data.rocket(),
    ]
    random = np.random.default_rng(0)
    for number in range(count):
        photograph = photographs[number % 4]
        y, x = (int(random.integers(side - 64)) for side in photograph.shape[:2])
        kind = classes[number % len(classes)] if classes else ""
        (folder / "pictures" / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph[y : y + 64, x : x + 64]).save(
            folder / "pictures" / kind / f"{number}.png"
        )
    code = input_create.main(
        [
            "--images",
            str(folder / "pictures"),
            "--records",
            str(folder / "records"),
            "--val-fraction",
            "0.2",
            "--workers",
            "1",
            *settings("input_create", **values),
        ]
    )
    assert code == 0
    return folder / "records"


def checkpoint_files(run_dir):
    return {path.name: path.read_bytes() for path in (run_dir / "checkpoints").iterdir()}


def command(code, records, run_dir, **values):
    """Of Python `code` that gets model_train.py's arguments."""
    folders = ["--records", records, "--run-dir", run_dir]
    return [sys.executable, "-c", code, *folders, *settings(**values)]


def start(records, run_dir, environment=(), **values):
    """model_train.py with a SHALLOW network in a process of its own; output to `run_dir`.log."""
    code = (
        "import sys, model_train, tiny_training\n"
        "from colornet.network import model\n"
        "vars(model).update(tiny_training.SHALLOW)\n"
        "sys.exit(model_train.main())"
    )
    folder = os.path.dirname(model_train.__file__)
    with open(f"{run_dir}.log", "a") as log:
        return subprocess.Popen(
            command(code, records, run_dir, **values),
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{folder}/tests", **dict(environment)},
        )


def state(run_dir, step):
    """Every number in a checkpoint, by name."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(run_dir / "checkpoints" / f"step-{step}"))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    }


def assert_same_run(run_dir, other, step):
    """Weights, optimizer and metrics are equal bit for bit; each row is there once."""
    ours, theirs = state(run_dir, step), state(other, step)
    assert ours.keys() == theirs.keys() and len(ours) > 50
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], name)
    lists = [
        [{k: v for k, v in row.items() if k != "images_per_second"} for row in rows(folder)]
        for folder in (run_dir, other)
    ]
    assert lists[0] == lists[1] and len(lists[0]) > 3
