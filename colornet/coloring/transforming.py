"""The work of model_transform.py: pictures and films in color, and a line for what went wrong."""

import argparse
import os
import sys
from collections.abc import Sequence

import numpy as np

from colornet import files, shell
from colornet.coloring.colorizer import Colorizer
from colornet.coloring.jobs import Job, feasible, find_jobs
from colornet.coloring.options import colorizer_arguments, print_scenes
from colornet.coloring.pipeline import color_file, each_picture
from colornet.errors import ImageError, TooManyPixels, UserError
from colornet.files import printable
from colornet.pictures import opening
from colornet.progress import progress

# Options of one kind and their names in `options`, where None is what was not given.
FILM_OPTIONS = {
    "--from": "start", "--to": "stop", "--steady": "steady", "--codec": "codec", "--crf": "crf",
}  # fmt: skip
PICTURE_OPTIONS = {"--compare": "compare", "--format": "format", "--quality": "quality"}


def transform(options: argparse.Namespace) -> int:
    """Color what is not colored yet of the pictures and films of the command line.

    Args:
        options: of the command line.

    Returns:
        The exit code.

    Raises:
        UserError: the inputs, the output or the model cannot be used.
    """
    jobs = find_jobs(options)
    free, failed = feasible(jobs, options)
    _say_unused(jobs, options)
    todo = [
        job
        for job in free
        if job.wanted(options.overwrite) or (options.classes and not job.is_film)
    ]
    for job, error in failed:
        _report(job, error)
    if len(todo) < len(free):
        print(f"{len(free) - len(todo)} already coloured (--overwrite makes them anew)")
    colored = _color(todo, options) if todo else 0
    failures = len(failed) + len(todo) - colored
    print(f"{colored} coloured, {failures} failed")
    return shell.SOME_FAILED if failures else shell.DONE


def _say_unused(jobs: Sequence[Job], options: argparse.Namespace) -> None:
    """One line for options of films where there is no film, and for those of pictures."""
    kinds = {job.is_film for job in jobs}
    for is_film, kind, named in ((True, "film", FILM_OPTIONS), (False, "picture", PICTURE_OPTIONS)):
        unused = [option for option, name in named.items() if getattr(options, name) is not None]
        if unused and is_film not in kinds:
            print(f"{', '.join(unused)}: of {kind}s alone, and no input is one", file=sys.stderr)


def _color(jobs: Sequence[Job], options: argparse.Namespace) -> int:
    """Colour jobs; returns how many succeeded, and names the others on standard error."""
    for folder in {os.path.dirname(job.target) or "." for job in jobs}:
        files.remove_leftovers(folder)
    pictures, films = ([job for job in jobs if job.is_film == kind] for kind in (False, True))
    if films:
        from colornet.films import command  # pictures do without PyAV

        command.check(options)
    colorizer = Colorizer(options.model, **colorizer_arguments(options, len(pictures)))
    print(f"{printable(colorizer.engine.source)}, {colorizer.engine.name}")
    style = _style(options, colorizer)
    colored = _color_pictures(pictures, colorizer, options, style)
    for job, error in command.color_films(films, colorizer, options, style) if films else ():
        if error is None:
            colored += 1
        else:
            _report(job, error)
    return colored


def _style(options: argparse.Namespace, colorizer: Colorizer) -> np.ndarray | None:
    """Global features of the picture whose colours are taken, if any; checks the options."""
    config = colorizer.config
    if options.classes and not config.use_classification:
        raise UserError(f"--classes: {options.model} was trained without scene classes")
    if not options.style_from:
        return None
    if not config.use_global_features:
        raise UserError(f"--style-from: {options.model} has no global features")
    if os.path.isdir(options.style_from):
        raise UserError(
            f"--style-from {printable(options.style_from)}: a folder; expected a picture"
        )
    try:
        picture = opening.open_picture(options.style_from, options.max_pixels)
    except ImageError as error:
        raise UserError(f"--style-from {printable(options.style_from)}: {error}") from None
    return colorizer.style_of(picture.pixels)


def _color_pictures(
    jobs: Sequence[Job], colorizer: Colorizer, options: argparse.Namespace, style: np.ndarray | None
) -> int:
    colored = 0
    with progress(len(jobs), "pictures") as bar:
        for job, made, error in each_picture(
            lambda job: color_file(job, colorizer, options, style),
            jobs,
            lambda job: job.source,
            options.max_pixels,
        ):
            if made is None:
                _report(job, error)
            else:
                colored += 1
                scenes, remark = made
                if remark:
                    print(f"{printable(job.source)}: {remark}")
                if options.classes and scenes is not None:
                    print_scenes(
                        printable(job.source), colorizer.likeliest_scenes(scenes, options.classes)
                    )
            bar.update()
    return colored


def _report(job: Job, error: Exception | None) -> None:
    reason = str(error) or "not enough memory"
    if isinstance(error, TooManyPixels):
        reason += ", or allow more by --max-pixels"
    print(f"{printable(job.source)}: {reason}", file=sys.stderr)
