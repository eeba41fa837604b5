"""Films on the command line: what is printed while they are colored, and after."""

import functools
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction

from colornet.coloring.colorizer import Colorizer
from colornet.coloring.jobs import Job
from colornet.coloring.options import print_scenes
from colornet.errors import ImageError, UserError
from colornet.files import printable
from colornet.films.encoding import CODEC, Encoding
from colornet.films.film_colorizer import FilmColorizer, FilmSettings
from colornet.films.source import FilmError
from colornet.progress import Bar, progress


def film_settings(
    start: Fraction | None,
    stop: Fraction | None,
    steady: str | None,
    codec: str | None,
    crf: float | None,
    classes: int,
) -> FilmSettings:
    """Check what the command line says of films, before anything is colored.

    Args:
        start, stop: seconds of the part to color.
        steady: "on" or "off".
        codec, crf: as `Encoding` takes them; for all arguments None means not given.
        classes: number of scenes to print for each shot.

    Raises:
        UserError: no film could be colored like that.
    """
    if stop is not None and stop <= (start or 0):
        raise UserError("--to: expected a time after that of --from")
    if classes and steady == "off":
        raise UserError("--classes: a film's scenes are those of its shots; expected --steady on")
    encoding = Encoding(codec or CODEC, crf)
    try:
        encoding.encoder()
    except FilmError as error:
        raise UserError(f"--codec: {error}") from None
    return FilmSettings(
        steady=steady != "off", start=start or Fraction(0), stop=stop, encoding=encoding
    )


def color_films(
    jobs: Sequence[Job], colorizer: Colorizer, settings: FilmSettings, classes: int
) -> Iterator[tuple[Job, Exception | None]]:
    """Color films, one after the other, and print what became of each.

    Args:
        jobs: those of films.
        colorizer, settings: as `FilmColorizer` takes them.
        classes: number of scenes to print for each shot.

    Yields:
        (job, None), or (job, the error) of a film that could not be colored, or not all of it.
    """
    films = FilmColorizer(colorizer, settings)
    for job in jobs:
        name = printable(job.source)
        try:
            result = films.color(job.source, job.target, functools.partial(_progress, name))
        except Exception as error:  # one that nobody foresaw ends one film, not the run
            yield job, error
            continue
        shots = f", shots: {len(result.scenes)}" if settings.steady else ""
        print(f"{name}: {result.frames} frames{shots}")
        for start, probabilities in result.scenes.items():
            if classes and probabilities is not None:
                scenes = colorizer.likeliest_scenes(probabilities, classes)
                print_scenes(f"{name}, from frame {start}", scenes)
        for remark in result.remarks:
            print(f"{name}: {remark}", file=sys.stderr)
        yield job, ImageError(result.damage) if result.damage else None


def _progress(name: str, what: str, total: int | None) -> Bar:
    return progress(total, "frames", what=f"{name}: {what}", every=10)
