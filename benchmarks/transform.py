"""Seconds and memory of colouring pictures, against the bars that the project sets itself.

    python benchmarks/transform.py
    python benchmarks/transform.py --images album/ --parts folder
    python benchmarks/transform.py --parts network --torch-python ~/torch/bin/python

Exits with 1 if a bar is missed. Seconds and memory of whole processes are those that the operating
system reports, imports included. The engines take turns, so that a busy machine slows both.
"""

import argparse
import concurrent.futures
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, ROOT)

ENGINES = ("litert", "tensorflow")
PHOTOGRAPH = (768, 512)  # pixels
MOST_OF_TENSORFLOW = 0.2  # of its engine's seconds, for one photograph
# Of the LiteRT engine, by megapixels: seconds and megabytes at most.
BARS = {0.4: (0.8, 350), 18: (2.5, 700), 100: (8.0, 1500)}
SMALL_PICTURES = 1300
FASTER_THAN_TENSORFLOW = 2.0  # times, a folder of small photographs
SHARE_OF_BARE_NETWORK = 0.75
TIMES_PYTORCH = 2.5  # of PyTorch's speed in float32, the full network
NOT_SLOWER = 1.05  # of float32's time, at most, on any processor
ROUNDS = 3
PASSES = 30


def bar(holds, text):
    print(f"  {'holds ' if holds else 'MISSED'}  {text}")
    return holds


def at_most(value, most, text, unit):
    return bar(value <= most, f"{text}: {value:.2f} {unit} (at most {most} {unit})")


def at_least(value, least, text):
    return bar(value >= least, f"{text}: {value:.2f} (at least {least})")


def run_whole(*command):
    """(seconds, peak megabytes) of a process; raises if it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    remarks = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{remarks[-2000:]}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def apart(function, *arguments):
    """A function's result from a process of its own: a large parent would count as its children."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(function, *arguments).result()


# --- Whole processes, by size ------------------------------------------------------------------


def make_photograph(path, size):
    """A JPEG: an enlarged photograph with grain, as hard to encode as a real one."""
    import numpy as np
    from PIL import Image
    from skimage import data

    image = Image.fromarray(data.coffee()).resize(size, Image.Resampling.BICUBIC)
    random, rows = np.random.default_rng(0), 512
    for top in range(0, size[1], rows):
        band = np.asarray(image.crop((0, top, size[0], min(top + rows, size[1]))), np.int16)
        band = band + random.integers(-6, 7, (*band.shape[:2], 1), np.int16)
        image.paste(Image.fromarray(np.clip(band, 0, 255).astype(np.uint8)), (0, top))
    image.save(path, quality=90)


def size_of(megapixels):
    """(width, height) of a photograph of 3 : 2."""
    if megapixels == min(BARS):
        return PHOTOGRAPH
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    return round(1.5 * height), height


def sizes(options, scratch):
    print("whole process, JPEG to JPEG, default settings: median seconds, peak MB")
    holds = True
    for megapixels, (seconds, megabytes) in BARS.items():
        source = os.path.join(scratch, f"{megapixels}.jpg")
        apart(make_photograph, source, size_of(megapixels))
        runs = {engine: [] for engine in ENGINES}
        for _ in range(ROUNDS):
            for engine, of_engine in runs.items():
                of_engine.append(run_whole(*transform_command(options, source, scratch, engine)))
        medians = {}
        for engine, of_engine in runs.items():
            medians[engine] = statistics.median(time for time, _ in of_engine)
            peak = max(peak for _, peak in of_engine)
            text = f"  {megapixels:5g} megapixels  {engine:10s}"
            print(f"{text} {medians[engine]:6.2f} s {peak:6.0f} MB")
        litert = medians["litert"]
        peak = max(peak for _, peak in runs["litert"])
        holds &= at_most(litert, seconds, f"{megapixels:g} megapixels", "s")
        holds &= at_most(peak, megabytes, f"{megapixels:g} megapixels", "MB")
        if megapixels == min(BARS):
            share = litert / medians["tensorflow"]
            holds &= at_most(share, MOST_OF_TENSORFLOW, "of the TensorFlow engine's seconds", "")
    return holds


def transform_command(options, source, scratch, engine):
    script, output = os.path.join(ROOT, "model_transform.py"), os.path.join(scratch, "colored.jpg")
    settings = ["--overwrite", "--model", options.model, "--engine", engine]
    return [sys.executable, script, source, "-o", output, *settings]


# --- A folder of small photographs -------------------------------------------------------------


def make_small_photographs(folder):
    """Crops of photographs, of two shapes."""
    import numpy as np
    from PIL import Image
    from skimage import data

    random = np.random.default_rng(0)
    photographs = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    for number in range(SMALL_PICTURES):
        pixels = photographs[number % len(photographs)]
        width, height = ((150, 150), (150, 113))[random.integers(2)]
        top = random.integers(pixels.shape[0] - height + 1)
        left = random.integers(pixels.shape[1] - width + 1)
        crop = pixels[top : top + height, left : left + width]
        Image.fromarray(crop).save(os.path.join(folder, f"{number:04d}.jpg"), quality=90)


def folder_rates(model, images, output):
    """Pictures/s: [{engine, or "bare" for LiteRT's network on ready copies: rate}], in turns."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_ONEDNN_ASSUME_FROZEN_WEIGHTS"] = "1"  # as model_transform.py does
    import model_transform
    from build_model import build_model
    from colornet.coloring.colorizer import Colorizer
    from colornet.coloring.options import given
    from colornet.coloring.outputs import find_jobs
    from colornet.coloring.pipeline import color_file, each_picture
    from colornet.pictures import opening

    command = [images, "-o", output, "--model", model, "--overwrite"]
    options = model_transform.parser().parse_args(command)
    jobs = find_jobs(options)
    colorizers = {
        engine: Colorizer(model, build_model, **{**given(options, len(jobs)), "engine": engine})
        for engine in ENGINES
    }
    litert = colorizers["litert"]
    copies = [litert.copies(opening.open_picture(job.source).pixels) for job in jobs]

    def flow(engine):
        for job, _, error in each_picture(
            lambda job: color_file(job, colorizers[engine], options), jobs, lambda job: job.source
        ):
            if error is not None:
                raise SystemExit(f"{job.source}: {error}")

    def network(copies, colorizer=litert):
        local_copy, global_copy = copies
        colorizer.chrominance(local_copy[None], colorizer.describe(global_copy[None])[0])

    def bare():
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(network, copies))

    def rate(call, *arguments):
        started = time.perf_counter()
        call(*arguments)
        return len(jobs) / (time.perf_counter() - started)

    for colorizer in colorizers.values():
        network(copies[0], colorizer)
    return [
        {"bare": rate(bare), **{engine: rate(flow, engine) for engine in ENGINES}}
        for _ in range(ROUNDS)
    ]


def folder(options, scratch):
    images = options.images
    if not images:
        images = os.path.join(scratch, "small")
        os.mkdir(images)
        apart(make_small_photographs, images)
    rounds = apart(folder_rates, options.model, images, os.path.join(scratch, "colored"))
    print("folder of small photographs, pictures/s: LiteRT | TensorFlow | LiteRT's network alone")
    for rates in rounds:
        print(f"  {rates['litert']:8.1f} | {rates['tensorflow']:8.1f} | {rates['bare']:8.1f}")

    def share(of):
        return statistics.median(rates["litert"] / rates[of] for rates in rounds)

    holds = at_least(share("tensorflow"), FASTER_THAN_TENSORFLOW, "times the TensorFlow engine")
    return holds & at_least(share("bare"), SHARE_OF_BARE_NETWORK, "of the bare network")


# --- One picture through the paper's network ---------------------------------------------------


def tensorflow_milliseconds(precision):
    """Of one picture through the paper's network, the fastest of some."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_ONEDNN_ASSUME_FROZEN_WEIGHTS"] = "1"  # as model_transform.py does
    import tensorflow as tf

    from build_model import build_model
    from config import load_config

    model = build_model(load_config("paper"), precision, folded=True)
    call = tf.function(lambda luminance: model(luminance, training=False))
    return _fastest(lambda picture: call(picture)["chrominance"].numpy())


def litert_milliseconds(path):
    """As `tensorflow_milliseconds`, of a file of `export_paper`."""
    from ai_edge_litert.interpreter import Interpreter

    call = Interpreter(path, num_threads=os.cpu_count()).get_signature_runner("serving_default")
    return _fastest(lambda picture: call(luminance=picture))


def _fastest(call):
    import numpy as np

    from config import load_config

    size, times = load_config("paper").crop_size, []
    picture = np.random.default_rng(0).random((1, size, size, 1), np.float32)
    for _ in range(PASSES):
        started = time.perf_counter()
        call(picture)
        times.append(time.perf_counter() - started)
    return 1000 * min(times)


def export_paper(folder, kinds):
    """Write the paper's network as one LiteRT graph of each kind; returns their paths by kind."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import numpy as np
    import tensorflow as tf

    from build_model import build_model
    from colornet.network import exporting
    from config import load_config

    config = load_config("paper")
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


def network(options, scratch):
    from config import load_config

    config = load_config("paper")
    print(
        f"one {config.crop_size} x {config.crop_size} picture through the paper's network, "
        f"milliseconds, fastest of {ROUNDS * PASSES}"
    )
    files = apart(export_paper, scratch, ("int8", "float32"))
    least = {}
    for _ in range(ROUNDS):  # in turns, so that a busy machine slows all
        for precision in ("float32", "bfloat16"):
            _keep_least(least, f"TensorFlow {precision}", apart(tensorflow_milliseconds, precision))
        for kind, path in files.items():
            _keep_least(least, f"LiteRT {kind}", apart(litert_milliseconds, path))
        if options.torch_python:
            command = [
                options.torch_python,
                os.path.join(HERE, "pytorch_forward.py"),
                str(config.crop_size),
                str(config.num_classes),
            ]
            lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            for precision, milliseconds in map(str.split, lines.splitlines()):
                _keep_least(least, f"PyTorch {precision}", float(milliseconds))
    for name, milliseconds in least.items():
        print(f"  {name:20s}{milliseconds:8.1f}")
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


def has_8_bit_products():
    """Whether the processor multiplies 8-bit numbers faster than floats."""
    try:
        with open("/proc/cpuinfo") as file:
            return bool({"avx512_vnni", "avx_vnni", "asimddp"} & set(file.read().split()))
    except OSError:
        return True


def _keep_least(least, name, value):
    least[name] = min(value, least.get(name, value))


PARTS = {"sizes": sizes, "folder": folder, "network": network}


def main(argv=None):
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = arguments.add_argument
    add("--model", default=os.path.join(ROOT, "weights"), help="run folder or weights file")
    add("--images", metavar="DIR", help="photographs for the folder part (default: generated)")
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    add("--torch-python", metavar="PATH", help="a Python with PyTorch, to compare the network with")
    options = arguments.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        results = [PARTS[part](options, scratch) for part in options.parts]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
