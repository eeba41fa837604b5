"""Films on the command line: what is said while they are coloured, and after."""

import argparse
import functools
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from colornet.coloring.colorizer import Colorizer
from colornet.coloring.jobs import Job
from colornet.coloring.options import print_scenes
from colornet.errors import ImageError, UserError
from colornet.files import printable
from colornet.films.encoding import CODEC, Encoding
from colornet.films.film_colorizer import FilmColorizer, FilmSettings
from colornet.films.source import FilmError
from colornet.progress import Bar, progress


def color_films(
    jobs: Sequence[Job],
    colorizer: Colorizer,
    options: argparse.Namespace,
    style: np.ndarray | None = None,
) -> Iterator[tuple[Job, Exception | None]]:
    """Color films, one after the other.

    Args:
        jobs: `jobs.Job`s of films.
        colorizer: a `Colorizer`.
        options: start, stop, steady, codec and crf (None: not given), and classes, of the command
            line.
        style: as of `colorize`.

    Yields:
        (job, None), or (job, the error) of a film that could not be coloured, or not all of it.
    """
    settings = FilmSettings(
        style=style,
        steady=options.steady != "off",
        start=options.start or Fraction(0),
        stop=options.stop,
        encoding=Encoding(options.codec or CODEC, options.crf),
    )
    films = FilmColorizer(colorizer, settings)
    for job in jobs:
        name = printable(job.source)
        try:
            outcome = films.color(job.source, job.target, functools.partial(_progress, name))
        except (ImageError, MemoryError) as error:
            yield job, error
            continue
        shots = f", shots: {len(outcome.scenes)}" if settings.steady else ""
        print(f"{name}: {outcome.frames} frames{shots}")
        for start, probabilities in outcome.scenes.items():
            if options.classes and probabilities is not None:
                scenes = colorizer.likeliest_scenes(probabilities, options.classes)
                print_scenes(f"{name}, from frame {start}", scenes)
        for stream in outcome.left_out:
            print(f"{name}: {stream}", file=sys.stderr)
        yield job, ImageError(outcome.damage) if outcome.damage else None


def check(options: argparse.Namespace) -> None:
    """Look at what the command line says of films, before anything is coloured.

    Raises:
        UserError: no film could be coloured like that.
    """
    if options.stop is not None and options.stop <= (options.start or 0):
        raise UserError("--to: expected a time after that of --from")
    if options.classes and options.steady == "off":
        raise UserError("--classes: a film's scenes are those of its shots; expected --steady on")
    try:
        Encoding(options.codec or CODEC).encoder()
    except FilmError as error:
        raise UserError(f"--codec: {error}") from None


def _progress(name: str, what: str, total: int | None) -> Bar:
    return progress(total, "frames", what=f"{name}: {what}", every=10)
