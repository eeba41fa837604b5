"""Color the pictures and films of a command line, with a line for each that fails."""

import contextlib
import dataclasses
import functools
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, TextIO

import numpy as np

from colornet import files, shell
from colornet.coloring.colorizer import Colorizer
from colornet.coloring.jobs import Job, feasible, find_jobs
from colornet.coloring.options import colorizer_arguments, print_scenes
from colornet.coloring.pipeline import color_file, each_picture
from colornet.errors import ImageError, TooManyPixels, UserError
from colornet.files import printable
from colornet.pictures import formats, opening
from colornet.progress import progress

Outcome = tuple[Job, Exception | None]  # a job, and why it failed
# Options of one kind and their names in Transform, where None means not given.
FILM_OPTIONS = {
    "--from": "start", "--to": "stop", "--steady": "steady", "--codec": "codec", "--crf": "crf",
}  # fmt: skip
PICTURE_OPTIONS = {
    "--compare": "compare", "--format": "format", "--quality": "quality", "--hints": "hints",
}  # fmt: skip
PIPE = "-"  # standard input or output


@dataclasses.dataclass(frozen=True)
class Transform:
    """The options of the command `colornet`; its parser says what they mean."""

    pictures: Sequence[str]
    output: str | None
    model: str
    hints: str | None
    style_from: str | None
    engine: str
    precision: str
    device: str
    chroma: float | None
    working_size: int | None
    mount: bool | None
    classes: int
    compare: bool | None
    format: str | None
    quality: int | None
    overwrite: bool
    max_pixels: int
    start: Fraction | None
    stop: Fraction | None
    steady: str | None
    codec: str | None
    crf: float | None
    json: bool
    debug: bool


def transform(options: Transform) -> int:
    """Color what is not colored yet of the pictures and films.

    With `json`, or a picture on standard output, what is said otherwise goes to standard error.

    Returns:
        The exit code.

    Raises:
        UserError: the inputs, the output, or the model cannot be used.
    """
    with contextlib.ExitStack() as stack:
        stdout = sys.stdout
        if options.json or options.output == PIPE:
            stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        if PIPE not in (options.output, *options.pictures):
            return _transform(options, stdout)
        if len(options.pictures) > 1 or (options.json and options.output == PIPE):
            raise UserError("-: expected a single input, and no --json with -o -")
        if options.output is None:
            raise UserError("-: expected -o FILE, or -o - for standard output")
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        return _piped(options, folder, stdout)


def _piped(options: Transform, folder: str, stdout: TextIO) -> int:
    """Color a picture from standard input, or onto standard output, or both."""
    (source,), target = options.pictures, options.output
    if source == PIPE:
        source = os.path.join(folder, "standard input")
        with open(source, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
    if options.output == PIPE:
        ending = formats.ENDING_OF[options.format or "PNG"]
        target = os.path.join(folder, "standard output" + ending)
    code = _transform(dataclasses.replace(options, pictures=[source], output=target), stdout)
    if options.output == PIPE and target and os.path.exists(target):
        with open(target, "rb") as file:
            shutil.copyfileobj(file, stdout.buffer)
    return code


def _transform(options: Transform, stdout: TextIO) -> int:
    jobs = find_jobs(options.pictures, options.output, options.format, options.compare)
    free, failed = feasible(jobs, options.model, options.style_from)
    _say_unused(jobs, options)
    todo = [job for job in free
            if job.wanted(options.overwrite) or (options.classes and not job.is_film)]  # fmt: skip
    failures = 0
    if len(todo) < len(free):
        print(f"{len(free) - len(todo)} already colored (--overwrite makes them again)")
    for job, error in itertools.chain(failed, _color(todo, options, stdout) if todo else ()):
        if error is not None:
            failures += 1
            _report(job, error, options.debug)
    beside = " beside the inputs" if options.output is None else ""
    print(f"{len(todo) + len(failed) - failures} colored{beside}, {failures} failed")
    return shell.SOME_FAILED if failures else shell.DONE


def _say_unused(jobs: Sequence[Job], options: Transform) -> None:
    """Print a line for options of films where there is no film, and for those of pictures."""
    inputs = {job.is_film for job in jobs}
    for is_film, kind, named in ((True, "film", FILM_OPTIONS), (False, "picture", PICTURE_OPTIONS)):
        unused = [option for option, name in named.items() if getattr(options, name) is not None]
        if unused and is_film not in inputs:
            print(f"{', '.join(unused)}: for {kind}s only, and no input is one", file=sys.stderr)


def _color(jobs: Sequence[Job], options: Transform, stdout: TextIO) -> Iterator[Outcome]:
    """Color the pictures, then the films."""
    for folder in {os.path.dirname(job.target) or "." for job in jobs}:
        files.remove_leftovers(folder)
    pictures, films = ([job for job in jobs if job.is_film == kind] for kind in (False, True))
    if films:
        from colornet.films import command  # pictures do without PyAV

        settings = command.film_settings(
            **{name: getattr(options, name) for name in FILM_OPTIONS.values()},
            classes=options.classes,
        )
    colorizer = Colorizer(options.model, **colorizer_arguments(options, len(pictures)))
    print(f"{printable(colorizer.engine.source)}, {colorizer.engine.name}")
    style = _style(options, colorizer)
    yield from _color_pictures(pictures, colorizer, style, options, stdout)
    if films:
        settings = dataclasses.replace(settings, style=style)
        yield from command.color_films(films, colorizer, settings, options.classes)


def _style(options: Transform, colorizer: Colorizer) -> np.ndarray | None:
    """Return the global features of the style's picture, if any; check what the network has."""
    if options.classes and not colorizer.config.use_classification:
        raise UserError(f"--classes: {options.model} was trained without scene classes")
    if not options.style_from:
        return None
    if not colorizer.config.use_global_features:
        raise UserError(f"--style-from: {options.model} has no global features")
    name = f"--style-from {printable(options.style_from)}"
    if os.path.isdir(options.style_from):
        raise UserError(f"{name}: a folder; expected a picture")
    try:
        picture = opening.open_picture(options.style_from, options.max_pixels)
    except ImageError as error:
        raise UserError(f"{name}: {error}") from None
    return colorizer.describe(picture.pixels)[0]


def _color_pictures(
    jobs: Sequence[Job],
    colorizer: Colorizer,
    style: np.ndarray | None,
    options: Transform,
    stdout: TextIO,
) -> Iterator[Outcome]:
    work = functools.partial(
        _timed, colorizer=colorizer, style=style, hints=options.hints, scenes=bool(options.classes),
        overwrite=options.overwrite, quality=options.quality, max_pixels=options.max_pixels,
    )  # fmt: skip
    with progress(len(jobs), "pictures") as bar:
        for job, made, error in each_picture(work, jobs):
            name = printable(job.source)
            probabilities, remark, seconds = made or (None, "", 0)
            if remark:
                print(f"{name}: {remark}")
            scenes = []
            if options.classes and probabilities is not None:
                scenes = colorizer.likeliest_scenes(probabilities, options.classes)
                print_scenes(name, scenes)
            if options.json and error is None:
                line = {
                    "input": job.source, "output": job.target, "scenes": dict(scenes),
                    "seconds": round(seconds, 3), "remarks": [remark] if remark else [],
                }  # fmt: skip
                print(json.dumps(line), file=stdout, flush=True)
            yield job, error
            bar.update()


def _timed(*arguments: Any, **options: Any) -> tuple[np.ndarray | None, str, float]:
    """Call `color_file`; return what it returns, and the seconds that it took."""
    started = time.perf_counter()
    return *color_file(*arguments, **options), time.perf_counter() - started


def _report(job: Job, error: Exception, debug: bool) -> None:
    """Print why a job failed: one line, and a traceback for what nobody foresaw."""
    reason = " ".join(str(error).split()) or "not enough memory"
    if not isinstance(error, (ImageError, MemoryError)):
        shows_where = "" if debug else "; --debug shows where"
        reason = f"unexpected error, {type(error).__name__}: {reason}{shows_where}"
    if isinstance(error, TooManyPixels):
        reason += ", or allow more by --max-pixels"
    print(f"{printable(job.source)}: {reason}", file=sys.stderr)
    if debug:
        traceback.print_exception(error)
