"""Error against the number of hint points, as Zhang et al. 2017 draw it.

    python benchmarks/hints.py photographs/val --count 100

The first photographs by name are squeezed to 256 x 256. Each point is a square of 7 x 7 pixels at a
random place, with the mean true color of its pixels.
"""

import argparse
import pathlib

import numpy as np

from colornet import Colorizer
from colornet.pictures import colorspace, opening

SIZE, REACH = 256, 3  # pixels: of a photograph, and of a point to each side
POINTS = (0, 1, 5, 10, 50, 100)


def strokes(rgb: np.ndarray, places: np.ndarray) -> np.ndarray:
    """RGBA picture (SIZE, SIZE, 4) of the points."""
    drawn = np.zeros((*rgb.shape[:2], 4), np.uint8)
    for y, x in places:
        point = np.s_[y - REACH : y + REACH + 1, x - REACH : x + REACH + 1]
        drawn[point] = (*rgb[point].mean(axis=(0, 1)), 255)
    return drawn


def main(argv: list[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("folder", help="photographs")
    arguments.add_argument("--count", type=int, default=100, help="photographs (default: 100)")
    options = arguments.parse_args(argv)
    colorizer = Colorizer()
    squares: dict[int, list[float]] = {count: [] for count in POINTS}
    decibels: dict[int, list[float]] = {count: [] for count in POINTS}
    for number, path in enumerate(sorted(pathlib.Path(options.folder).iterdir())[: options.count]):
        rgb = opening.open_square(str(path), SIZE)
        if rgb.ndim == 2:
            continue
        truth = colorspace.rgb_to_lab(rgb)[..., 1:]
        places = np.random.default_rng(number).integers(REACH, SIZE - REACH, (max(POINTS), 2))
        for count in POINTS:
            hints = strokes(rgb, places[:count]) if count else None
            colored = colorizer.colorize(rgb, hints=hints)
            squares[count].append(np.square(colorspace.rgb_to_lab(colored)[..., 1:] - truth).mean())
            error = np.square(colored.astype(float) - rgb).mean()
            decibels[count].append(10 * np.log10(255**2 / error))
    print("| points | rmse_ab | less, % | PSNR, dB |\n|---|---|---|---|")
    base = np.mean(squares[0]) ** 0.5
    for count in POINTS:
        error = np.mean(squares[count]) ** 0.5
        less = 100 * (1 - error / base)
        print(f"| {count} | {error:.2f} | {less:.1f} | {np.mean(decibels[count]):.2f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
