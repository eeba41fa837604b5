"""One picture through the paper's network, by TensorFlow, LiteRT and PyTorch; of transform.py."""

import argparse
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

from shared import ROOT, apart, bar

from colornet.config import load_config
from config import PRESETS

TIMES_PYTORCH = 2.5  # of PyTorch's speed in float32, the full network
NOT_SLOWER = 1.05  # of float32's time, at most, on any processor
ROUNDS = 3
PASSES = 30


def tensorflow_milliseconds(precision: str) -> float:
    """Of one picture through the paper's network, the fastest of some."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_ONEDNN_ASSUME_FROZEN_WEIGHTS"] = "1"  # as model_transform.py does
    import tensorflow as tf

    from build_model import build_model

    model = build_model(load_config(PRESETS, "paper"), precision, folded=True)
    call = tf.function(lambda luminance: model(luminance, training=False))
    return _fastest(lambda picture: call(picture)["chrominance"].numpy())


def litert_milliseconds(path: str) -> float:
    """As `tensorflow_milliseconds`, of a file of `export_paper`."""
    from ai_edge_litert.interpreter import Interpreter

    call = Interpreter(path, num_threads=os.cpu_count()).get_signature_runner("serving_default")
    return _fastest(lambda picture: call(luminance=picture))


def _fastest(call: Callable[[Any], Any]) -> float:
    import numpy as np

    size, times = load_config(PRESETS, "paper").crop_size, []
    picture = np.random.default_rng(0).random((1, size, size, 1), np.float32)
    for _ in range(PASSES):
        started = time.perf_counter()
        call(picture)
        times.append(time.perf_counter() - started)
    return 1000 * min(times)


def export_paper(folder: str, kinds: Sequence[str]) -> dict[str, str]:
    """Write the paper's network as one LiteRT graph of each kind; returns their paths by kind."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import numpy as np
    import tensorflow as tf

    from build_model import build_model
    from colornet.network import exporting

    config = load_config(PRESETS, "paper")
    model = build_model(config, folded=True)
    weights = [np.asarray(variable) for variable in model.trainable_variables]
    module = tf.Module()
    module.whole = tf.function(
        lambda luminance: model.stateless_call(weights, [], luminance, training=False)[0],
        [tf.TensorSpec((1, config.crop_size, config.crop_size, 1), name="luminance")],
    )
    saved = os.path.join(folder, "paper")
    tf.saved_model.save(module, saved, module.whole)
    paths = {}
    for kind in kinds:
        paths[kind] = os.path.join(folder, f"{kind}.tflite")
        with open(paths[kind], "wb") as file:
            file.write(exporting.converted(saved, model, kind))
    return paths


def compare(options: argparse.Namespace, scratch: str) -> bool:
    """Print the milliseconds of one picture by TensorFlow, LiteRT and, where asked for, PyTorch.

    Args:
        options: torch_python of the command line.
        scratch: a folder.

    Returns:
        Whether the bars hold.
    """
    size = load_config(PRESETS, "paper").crop_size
    print(
        f"one {size} x {size} picture through the paper's network, "
        f"milliseconds, fastest of {ROUNDS * PASSES}"
    )
    files = apart(export_paper, scratch, ("int8", "float32"))
    least = milliseconds(files, options.torch_python)
    for name, fastest in least.items():
        print(f"  {name:20s}{fastest:8.1f}")
    ratio = least["LiteRT int8"] / least["LiteRT float32"]
    holds = bar(ratio <= NOT_SLOWER, f"8 bits take {ratio:.2f} of LiteRT's float32")
    if not options.torch_python:
        print("  PyTorch was not measured (--torch-python)")
        return holds
    if not has_8_bit_products():
        print("  no bar beside PyTorch: this processor has no 8-bit dot products (VNNI)")
    times = least["PyTorch float32"] / least["LiteRT int8"]
    text = f"{times:.2f} times as fast as PyTorch in float32 (at least {TIMES_PYTORCH})"
    return bar(times >= TIMES_PYTORCH, text) & holds if has_8_bit_products() else holds


def milliseconds(files: dict[str, str], torch_python: str | None) -> dict[str, float]:
    """The least milliseconds of each contestant, which take turns: a busy machine slows all.

    Args:
        files: of `export_paper`.
        torch_python: a Python with PyTorch, or None.
    """
    least: dict[str, float] = {}
    for _ in range(ROUNDS):
        for precision in ("float32", "bfloat16"):
            _keep_least(least, f"TensorFlow {precision}", apart(tensorflow_milliseconds, precision))
        for kind, path in files.items():
            _keep_least(least, f"LiteRT {kind}", apart(litert_milliseconds, path))
        for precision, of_torch in torch_milliseconds(torch_python) if torch_python else ():
            _keep_least(least, f"PyTorch {precision}", of_torch)
    return least


def torch_milliseconds(python: str) -> list[tuple[str, float]]:
    """[(precision, milliseconds)] of pytorch_forward.py."""
    config = load_config(PRESETS, "paper")
    command = [python, str(ROOT / "benchmarks" / "pytorch_forward.py")]
    command += map(str, (config.crop_size, config.num_classes))
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [(name, float(text)) for name, text in map(str.split, lines.splitlines())]


def has_8_bit_products() -> bool:
    """Whether the processor multiplies 8-bit numbers faster than floats."""
    try:
        with open("/proc/cpuinfo") as file:
            return bool({"avx512_vnni", "avx_vnni", "asimddp"} & set(file.read().split()))
    except OSError:
        return True


def _keep_least(least: dict[str, float], name: str, value: float) -> None:
    least[name] = min(value, least.get(name, value))
