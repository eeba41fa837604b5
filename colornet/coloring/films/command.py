"""Films on the command line: what is said while they are coloured, and after."""

import functools
import sys

from colornet import shell
from colornet.coloring.films.encoding import Encoding
from colornet.coloring.films.film_colorizer import FilmColorizer, FilmSettings
from colornet.errors import ImageError, UserError
from colornet.files import printable
from colornet.progress import progress


def color_films(jobs, colorizer, options, style=None):
    """Color films, one after the other.

    Args:
        jobs: `outputs.Job`s of films.
        colorizer: a `Colorizer`.
        options: start, stop, steady, codec, crf and classes of the command line.
        style: as of `colorize`.

    Yields:
        (job, None), or (job, the error) of a film that could not be coloured, or not all of it.
    """
    if options.stop is not None and options.stop <= options.start:
        raise UserError("--to: expected a time after that of --from")
    settings = FilmSettings(
        style=style,
        steady=options.steady == "on",
        start=options.start,
        stop=options.stop,
        encoding=Encoding(options.codec, options.crf),
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
        if options.classes:
            for start, probabilities in outcome.scenes.items():
                scenes = colorizer.class_names_of(probabilities, options.classes)
                shell.print_scenes(f"{name}, from frame {start}", scenes)
        for stream in outcome.left_out:
            print(f"{name}: left out: {stream}", file=sys.stderr)
        yield job, outcome.damage and ImageError(outcome.damage)


def _progress(name, what, total):
    return progress(total, "frames", what=f"{name}: {what}", every=10)
