"""Pictures a second of training, by one network and precision after the other; of training.py."""

import argparse
import contextlib
import dataclasses
import math
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import shared
import tensorflow as tf
from PIL import Image

import input_create
from build_model import build_model
from colornet.config import Config, load_config
from colornet.network.table import layer_table
from colornet.records import batches as chains
from colornet.records.dataset import read_dataset
from colornet.training import checkpoints, devices
from colornet.training.run_folder import RunFolder
from colornet.training.step import TrainState
from config import PRESETS

CASES = [
    ("paper", 8, "float32"),
    ("paper", 8, "mixed_bfloat16"),
    ("compact", 32, "float32"),
    ("compact", 32, "mixed_bfloat16"),
]
ROUNDS = 4


def rounds(contestants: dict[str, Callable[[int], float]], seconds: float) -> dict[str, float]:
    """{name: best seconds a step} of functions from a number of steps to the seconds they took."""
    best = {name: run(1) for name, run in contestants.items()}
    for _ in range(ROUNDS):
        for name, run in contestants.items():
            steps = max(1, round(seconds / ROUNDS / best[name]))
            best[name] = min(best[name], run(steps) / steps)
    return best


class Torch:
    """PyTorch's network in its own process; a context that ends it."""

    def __init__(self, python: str, config: Config, precision: str) -> None:
        options = {
            "batch": config.batch_size,
            "crop": config.crop_size,
            "classes": config.num_classes,
            "width": config.width,
            "optimizer": config.optimizer,
        }
        command = [python, "-W", "ignore", str(shared.ROOT / "benchmarks" / "pytorch_network.py")]
        command += [f"--{name}={value}" for name, value in options.items()]
        command += ["--bfloat16"] * (precision == "mixed_bfloat16")
        self.process: Any = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.parameters = int(self._answer())

    def __enter__(self) -> Self:
        return self

    def run(self, steps: int) -> float:
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> str:
        return self.process.stdout.readline()

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait()


def step_operations(config: Config) -> int:
    """Floating-point operations of a picture's training step: forward, and twice that backward."""
    model = build_model(config)
    total, first = 0, True
    for network, layers in layer_table(model).items():
        for name, kernel, _, _, shape, _ in layers:
            pixels = shape[0] * shape[1] if kernel else 1
            products = pixels * math.prod(model.get_layer(network).get_layer(name).kernel.shape)
            total += 2 * products * (2 if first else 3)  # the picture itself needs no gradient
            first = False
    return total


def matrix_peak(precision: str) -> tuple[Callable[[int], float], int]:
    """Function from steps to seconds, and the operations of one: a large matrix product."""
    kind = "bfloat16" if precision == "mixed_bfloat16" else "float32"
    matrix = tf.cast(tf.random.stateless_normal((2048, 2048), (0, 0)), kind)
    product = tf.function(lambda: tf.matmul(matrix, matrix))

    def run(steps: int) -> float:
        started = time.perf_counter()
        for _ in range(steps):
            product().numpy()
        return time.perf_counter() - started

    return run, 2 * 2048**3


def make_records(folder: pathlib.Path, preset: str) -> str:
    """Write records of generated color pictures; return their folder."""
    random = np.random.default_rng(0)
    size = load_config(PRESETS, preset).picture_size
    for number in range(128):
        kind = folder / "pictures" / str(number % 2)
        kind.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(random.integers(0, 255, (8, 8, 3), np.uint8))
        small.resize((size, size), Image.Resampling.BICUBIC).save(kind / f"{number}.png")
    command = ["--images", folder / "pictures", "--records", folder / "records"]
    command += ["--preset", preset, "--set", "shard_pictures=32"]
    input_create.main(list(map(str, command)))
    return str(folder / "records")


def measure(
    preset: str, batch: int, precision: str, records: str, torch_python: str | None, seconds: float
) -> None:
    """Print the figures of one network and precision."""
    dataset = read_dataset(records)
    config = dataclasses.replace(
        load_config(PRESETS, preset),
        batch_size=batch,
        precision=precision,
        num_classes=len(dataset["class_names"]) or 1,
        picture_size=dataset["settings"]["picture_size"],
    )
    batches = iter(chains.training_batches(config, records, dataset))
    constant = next(batches)
    product, product_operations = matrix_peak(precision)
    contestants = {"product": product}
    if config.optimizer == "muon":
        muon = TrainState(config, tf.distribute.get_strategy())
        contestants["muon"] = lambda steps: seconds_of(muon, steps, lambda: constant)
        config = dataclasses.replace(config, optimizer="adam")
    training = TrainState(config, tf.distribute.get_strategy())
    contestants["constant"] = lambda steps: seconds_of(training, steps, lambda: constant)
    contestants["records"] = lambda steps: seconds_of(training, steps, lambda: next(batches))
    with contextlib.ExitStack() as stack:
        if torch_python:
            torch = stack.enter_context(Torch(torch_python, config, precision))
            assert torch.parameters == training.parameters(), "another network"
            contestants["torch"] = torch.run
        best = rounds(contestants, seconds)
    print(f"{preset} {config.crop_size} px, batch {batch}, {precision}, {config.optimizer}")
    print_rates(best, batch, product_operations, step_operations(config))
    if precision == "float32":
        measure_checkpoint(training, config, best["constant"])


def seconds_of(training: TrainState, steps: int, feed: Callable[[], Any]) -> float:
    started = time.perf_counter()
    for _ in range(steps):
        training.step(feed())
    training.take_totals()  # waits for the last step
    return time.perf_counter() - started


def print_rates(
    best: dict[str, float], batch: int, product_operations: int, step_operations: int
) -> None:
    """Print what the contestants' seconds a step say.

    Args:
        best: of `rounds`.
        batch: pictures.
        product_operations: of `matrix_peak`.
        step_operations: of a picture.
    """
    constant = best["constant"]
    print(f"  one constant batch  {batch / constant:8.2f} pictures/s")
    for name, label in (("records", "records"), ("muon", "with Muon")):
        if name in best:
            print(
                f"  {label:20s}{batch / best[name]:8.2f} pictures/s, "
                f"{constant / best[name]:.3f} of the constant batch's"
            )
    if "torch" in best:
        print(
            f"  PyTorch             {batch / best['torch']:8.2f} pictures/s; "
            f"this is {best['torch'] / constant:.2f} times as fast"
        )
    peak = product_operations / best["product"]
    print(
        f"  matrix product      {peak / 1e9:8.0f} GFLOP/s; the step uses "
        f"{batch / constant * step_operations / peak:.2f} of it",
        flush=True,
    )


def measure_checkpoint(training: TrainState, config: Config, step_seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        saver = checkpoints.Checkpoints(RunFolder(folder), training)
        times = []
        for step in range(3):
            started = time.perf_counter()
            saver.save(step)
            times.append(time.perf_counter() - started)
        size = sum(
            file.stat().st_size for file in pathlib.Path(folder, "checkpoints").glob("step-2.*")
        )
    interval = config.checkpoint_every * step_seconds
    print(
        f"  checkpoint          {max(times):8.2f} s (slowest of 3), {size / 2**20:.0f} MiB, "
        f"{max(times) / interval:.3%} of the time at one every {config.checkpoint_every} steps",
        flush=True,
    )


def measure_start(preset: str, batch: int, records: str) -> None:
    """Print the seconds from typing the command to the first step's end."""
    with tempfile.TemporaryDirectory() as run_dir:
        started = time.perf_counter()
        settings = [f"batch_size={batch}", "precision=float32", "log_every=1", "steps=2"]
        command = [sys.executable, str(shared.ROOT / "model_train.py"), "--records", records]
        command += ["--run-dir", run_dir, "--preset", preset]
        command += [part for setting in settings for part in ("--set", setting)]
        process: Any = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
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


def measure_cases(options: argparse.Namespace) -> None:
    """Print the figures of all cases that the command line of training.py asks for."""
    tf.config.experimental.enable_op_determinism()
    print("device:", devices.make_strategy("auto", devices.Cluster())[1])
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
