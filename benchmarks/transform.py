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
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

import paper_network
from shared import ROOT, Usage, apart, bar, parser, run_script

ENGINES = ("litert", "tensorflow")
PHOTOGRAPH = (768, 512)  # pixels
MOST_OF_TENSORFLOW = 0.2  # of its engine's seconds, for one photograph
# Of the LiteRT engine, by megapixels: seconds and megabytes at most.
BARS = {0.4: (0.8, 350), 18: (2.5, 700), 100: (8.0, 1500)}
SMALL_PICTURES = 1300
FASTER_THAN_TENSORFLOW = 2.0  # times, a folder of small photographs
SHARE_OF_BARE_NETWORK = 0.75
ROUNDS = 3


def at_most(value: float, most: float, text: str, unit: str) -> bool:
    return bar(value <= most, f"{text}: {value:.2f} {unit} (at most {most} {unit})")


def at_least(value: float, least: float, text: str) -> bool:
    return bar(value >= least, f"{text}: {value:.2f} (at least {least})")


# --- Whole processes, by size ------------------------------------------------------------------


def make_photograph(path: str, size: tuple[int, int]) -> None:
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


def size_of(megapixels: float) -> tuple[int, int]:
    """(width, height) of a photograph of 3 : 2."""
    if megapixels == min(BARS):
        return PHOTOGRAPH
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    return round(1.5 * height), height


def sizes(options: argparse.Namespace, scratch: str) -> bool:
    print("whole process, JPEG to JPEG, default settings: median seconds, peak MB")
    holds = True
    for megapixels, (seconds, megabytes) in BARS.items():
        source = os.path.join(scratch, f"{megapixels}.jpg")
        apart(make_photograph, source, size_of(megapixels))
        runs: dict[str, list[Usage]] = {engine: [] for engine in ENGINES}
        for _ in range(ROUNDS):
            for engine, of_engine in runs.items():
                of_engine.append(transform(options, source, scratch, engine))
        medians = {}
        for engine, of_engine in runs.items():
            medians[engine] = statistics.median(run.seconds for run in of_engine)
            peak = max(run.megabytes for run in of_engine)
            text = f"  {megapixels:5g} megapixels  {engine:10s}"
            print(f"{text} {medians[engine]:6.2f} s {peak:6.0f} MB")
        litert = medians["litert"]
        peak = max(run.megabytes for run in runs["litert"])
        holds &= at_most(litert, seconds, f"{megapixels:g} megapixels", "s")
        holds &= at_most(peak, megabytes, f"{megapixels:g} megapixels", "MB")
        if megapixels == min(BARS):
            share = litert / medians["tensorflow"]
            holds &= at_most(share, MOST_OF_TENSORFLOW, "of the TensorFlow engine's seconds", "")
    return holds


def transform(options: argparse.Namespace, source: str, scratch: str, engine: str) -> Usage:
    output = os.path.join(scratch, "colored.jpg")
    settings = ["--overwrite", "--model", options.model, "--engine", engine]
    return run_script("model_transform.py", source, "-o", output, *settings)


# --- A folder of small photographs -------------------------------------------------------------


def make_small_photographs(folder: str) -> None:
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


def folder_rates(model: str, images: str, output: str) -> list[dict[str, float]]:
    """Pictures/s: [{engine, or "bare" for LiteRT's network on ready copies: rate}], in turns."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_ONEDNN_ASSUME_FROZEN_WEIGHTS"] = "1"  # as model_transform.py does
    import model_transform
    from colornet.coloring.colorizer import Colorizer, Inputs
    from colornet.coloring.jobs import find_jobs
    from colornet.coloring.options import colorizer_arguments
    from colornet.coloring.pipeline import color_file, each_picture
    from colornet.pictures import opening

    command = [images, "-o", output, "--model", model, "--overwrite"]
    options = model_transform.parser().parse_args(command)
    jobs = find_jobs(options.pictures, options.output)
    colorizers = {
        engine: Colorizer(model, **{**colorizer_arguments(options, len(jobs)), "engine": engine})
        for engine in ENGINES
    }
    litert = colorizers["litert"]
    copies = [litert.prepare(opening.open_picture(job.source).pixels) for job in jobs]

    def flow(engine: str) -> None:
        for job, _, error in each_picture(
            lambda job, reserve: color_file(job, reserve, colorizers[engine], overwrite=True), jobs
        ):
            if error is not None:
                raise SystemExit(f"{job.source}: {error}")

    def network(inputs: Inputs, colorizer: Colorizer = litert) -> None:
        colorizer.engine.color(inputs.local, colorizer.engine.describe(inputs.global_)[0])

    def bare() -> None:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(network, copies))

    def rate(call: Callable[..., None], *arguments: str) -> float:
        started = time.perf_counter()
        call(*arguments)
        return len(jobs) / (time.perf_counter() - started)

    for colorizer in colorizers.values():
        network(copies[0], colorizer)
    return [
        {"bare": rate(bare), **{engine: rate(flow, engine) for engine in ENGINES}}
        for _ in range(ROUNDS)
    ]


def folder(options: argparse.Namespace, scratch: str) -> bool:
    images = options.images
    if not images:
        images = os.path.join(scratch, "small")
        os.mkdir(images)
        apart(make_small_photographs, images)
    rounds = apart(folder_rates, options.model, images, os.path.join(scratch, "colored"))
    print("folder of small photographs, pictures/s: LiteRT | TensorFlow | LiteRT's network alone")
    for rates in rounds:
        print(f"  {rates['litert']:8.1f} | {rates['tensorflow']:8.1f} | {rates['bare']:8.1f}")

    def share(of: str) -> float:
        return statistics.median(rates["litert"] / rates[of] for rates in rounds)

    holds = at_least(share("tensorflow"), FASTER_THAN_TENSORFLOW, "times the TensorFlow engine")
    return holds & at_least(share("bare"), SHARE_OF_BARE_NETWORK, "of the bare network")


PARTS = {"sizes": sizes, "folder": folder, "network": paper_network.compare}


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser(__doc__)
    add = arguments.add_argument
    add("--model", default=str(ROOT / "colornet" / "weights"), help="run folder or weights file")
    add("--images", metavar="DIR", help="photographs for the folder part (default: generated)")
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    add("--torch-python", metavar="PATH", help="a Python with PyTorch, to compare the network with")
    options = arguments.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        results = [PARTS[part](options, scratch) for part in options.parts]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
