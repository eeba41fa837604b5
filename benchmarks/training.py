"""Speed of training: pictures a second, beside PyTorch and beside the machine's peak.

    python benchmarks/training.py --records records224 --records-compact records
    python benchmarks/training.py ... --torch-python /path/to/an/environment/with/torch/bin/python

Without --records the full network is fed generated pictures. PyTorch has no Muon for convolutions:
beside it the compact network runs with Adam, and its own Muon has a line of its own. The
contestants take turns, several rounds each, so that a busy machine slows all of them; the best
round of each counts.
"""

import argparse
import dataclasses
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import config as configs  # noqa: E402
from build_model import build_model  # noqa: E402

CASES = [
    ("paper", 8, "float32"),
    ("paper", 8, "mixed_bfloat16"),
    ("compact", 32, "float32"),
    ("compact", 32, "mixed_bfloat16"),
]
ROUNDS = 4


def rounds(contestants, seconds):
    """{name: best seconds a step} of functions from a number of steps to the seconds they took."""
    best = {name: run(1) for name, run in contestants.items()}
    for _ in range(ROUNDS):
        for name, run in contestants.items():
            steps = max(1, round(seconds / ROUNDS / best[name]))
            best[name] = min(best[name], run(steps) / steps)
    return best


class Torch:
    """PyTorch's network in its own process."""

    def __init__(self, python, config, precision):
        command = [
            python,
            "-W",
            "ignore",
            str(FOLDER / "pytorch_network.py"),
            "--batch",
            config.batch_size,
            "--crop",
            config.crop_size,
            "--classes",
            config.num_classes,
            "--width",
            config.width,
            "--optimizer",
            config.optimizer,
        ]
        command += ["--bfloat16"] * (precision == "mixed_bfloat16")
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.parameters = int(self.process.stdout.readline())

    def run(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def step_operations(config):
    """Floating-point operations of a picture's training step: forward, and twice that backward."""
    from colornet.network.table import layer_table

    model = build_model(config)
    total, first = 0, True
    for network, layers in layer_table(model).items():
        for name, kernel, _, _, shape, _ in layers:
            pixels = shape[0] * shape[1] if kernel else 1
            products = pixels * math.prod(model.get_layer(network).get_layer(name).kernel.shape)
            total += 2 * products * (2 if first else 3)  # the picture itself needs no gradient
            first = False
    return total


def matrix_peak(precision):
    """Function from steps to seconds, and the operations of one: a large matrix product."""
    import tensorflow as tf

    kind = "bfloat16" if precision == "mixed_bfloat16" else "float32"
    matrix = tf.cast(tf.random.stateless_normal((2048, 2048), (0, 0)), kind)
    product = tf.function(lambda: tf.matmul(matrix, matrix))

    def run(steps):
        started = time.perf_counter()
        for _ in range(steps):
            product().numpy()
        return time.perf_counter() - started

    return run, 2 * 2048**3


def make_records(folder, preset):
    """Records of generated colour pictures."""
    import numpy as np
    from PIL import Image

    import input_create

    random = np.random.default_rng(0)
    size = configs.load_config(preset).picture_size
    for number in range(128):
        kind = folder / "pictures" / str(number % 2)
        kind.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(random.integers(0, 255, (8, 8, 3), np.uint8))
        small.resize((size, size), Image.Resampling.BICUBIC).save(kind / f"{number}.png")
    input_create.main(
        [
            "--images",
            str(folder / "pictures"),
            "--records",
            str(folder / "records"),
            "--preset",
            preset,
            "--set",
            "shard_pictures=32",
        ]
    )
    return folder / "records"


def measure(preset, batch, precision, records, torch_python, seconds):
    """Print the figures of one network and precision."""
    import tensorflow as tf

    import read_input
    from colornet.records.dataset import read_dataset
    from colornet.training.step import TrainState

    dataset = read_dataset(records)
    config = dataclasses.replace(
        configs.load_config(preset),
        batch_size=batch,
        num_classes=len(dataset["class_names"]) or 1,
        picture_size=dataset["settings"]["picture_size"],
    )
    strategy = tf.distribute.get_strategy()
    muon = None
    if config.optimizer == "muon":
        muon = TrainState(build_model, config, precision, strategy)
        config = dataclasses.replace(config, optimizer="adam")
    training = TrainState(build_model, config, precision, strategy)
    batches = iter(read_input.training_batches(config, str(records), dataset))
    constant = next(batches)

    def run(steps, feed, training=training):
        started = time.perf_counter()
        for _ in range(steps):
            training.step(*feed())
        training.take_totals()  # waits for the last step
        return time.perf_counter() - started

    product, product_operations = matrix_peak(precision)
    contestants = {
        "product": product,
        "constant": lambda n: run(n, lambda: constant),
        "records": lambda n: run(n, lambda: next(batches)),
    }
    if muon:
        contestants["muon"] = lambda n: run(n, lambda: constant, muon)
    if torch_python:
        torch = Torch(torch_python, config, precision)
        ours = sum(math.prod(v.shape) for v in training.model.trainable_variables)
        assert torch.parameters == ours, "another network"
        contestants["torch"] = torch.run
    best = rounds(contestants, seconds)
    peak = product_operations / best["product"]
    rate = batch / best["constant"]
    print(f"{preset} {config.crop_size} px, batch {batch}, {precision}, {config.optimizer}")
    print(f"  one constant batch  {rate:8.2f} pictures/s")
    print(
        f"  records             {batch / best['records']:8.2f} pictures/s, "
        f"{best['constant'] / best['records']:.3f} of the constant batch's"
    )
    if muon:
        print(
            f"  with Muon           {batch / best['muon']:8.2f} pictures/s, "
            f"{best['constant'] / best['muon']:.3f} of the constant batch's"
        )
    if torch_python:
        torch.close()
        print(
            f"  PyTorch             {batch / best['torch']:8.2f} pictures/s; "
            f"this is {best['torch'] / best['constant']:.2f} times as fast"
        )
    print(
        f"  matrix product      {peak / 1e9:8.0f} GFLOP/s; the step uses "
        f"{rate * step_operations(config) / peak:.2f} of it",
        flush=True,
    )
    if precision == "float32":
        measure_checkpoint(training, config, best["constant"])


def measure_checkpoint(training, config, step_seconds):
    from colornet.training import checkpoints

    with tempfile.TemporaryDirectory() as folder:
        saver = checkpoints.Checkpoints(folder, training)
        times = []
        for step in range(3):
            started = time.perf_counter()
            saver.save(step)
            times.append(time.perf_counter() - started)
        size = sum(file.stat().st_size for file in pathlib.Path(folder).glob("step-2.*"))
    interval = config.checkpoint_every * step_seconds
    print(
        f"  checkpoint          {max(times):8.2f} s (slowest of 3), {size / 2**20:.0f} MiB, "
        f"{max(times) / interval:.3%} of the time at one every {config.checkpoint_every} steps",
        flush=True,
    )


def measure_start(preset, batch, records):
    """Print the seconds from typing the command to the first step's end."""
    with tempfile.TemporaryDirectory() as run_dir:
        started = time.perf_counter()
        process = subprocess.Popen(
            [
                sys.executable,
                str(FOLDER.parent / "model_train.py"),
                "--records",
                str(records),
                "--run-dir",
                run_dir,
                "--preset",
                preset,
                "--set",
                f"batch_size={batch}",
                "--set",
                "precision=float32",
                "--set",
                "log_every=1",
                "--set",
                "steps=2",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for line in process.stdout:
            if line.startswith("step 1/"):
                break
        print(
            f"{preset}: start-up to the end of the first step "
            f"{time.perf_counter() - started:.1f} s",
            flush=True,
        )
        process.kill()
        process.wait()


def main(argv=None):
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--records", metavar="DIR", help="of 224 px or more, for the paper's")
    arguments.add_argument("--records-compact", metavar="DIR", help="of 128 px or more")
    arguments.add_argument("--torch-python", metavar="PATH", help="Python that has PyTorch")
    arguments.add_argument("--seconds", type=float, default=8, help="a contestant (8)")
    arguments.add_argument(
        "--only", metavar="TEXT", default="", help="cases that contain it, such as paper, bfloat16"
    )
    options = arguments.parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    from colornet.training import devices

    tf.config.experimental.enable_op_determinism()
    print("device:", devices.make_strategy("auto")[1])
    with tempfile.TemporaryDirectory() as folder:
        records = {"paper": options.records, "compact": options.records_compact}
        for preset, batch, precision in CASES:
            if options.only not in f"{preset} {precision}":
                continue
            if not records[preset]:
                records[preset] = make_records(pathlib.Path(folder) / preset, preset)
            measure(
                preset, batch, precision, records[preset], options.torch_python, options.seconds
            )
            if precision == "float32":
                measure_start(preset, batch, records[preset])


if __name__ == "__main__":
    main()
