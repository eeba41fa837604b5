"""Grey pictures and films to colour: any format and size in, the same in colour out.

    python model_transform.py photograph.jpg -o coloured.jpg
    python model_transform.py album/ scan.tif -o coloured/ --model runs/mine
    python model_transform.py street.jpg -o out/ --style-from sunset.jpg --classes 5 --compare
    python model_transform.py film.mp4 -o coloured.mp4

The picture's own luminance is kept; only colour is added. Folders are searched and mirrored.
Finished outputs are skipped, so that the same command goes on after an interruption.
"""

import os
import sys

from build_model import build_model
from colornet import files, shell
from colornet.coloring import outputs
from colornet.coloring.options import add_options, given
from colornet.errors import ImageError, TooManyPixels, UserError
from colornet.files import printable
from colornet.pictures import opening, saving


def transform(options):
    """The script's work, from parsed arguments; returns the exit code."""
    jobs = outputs.find_jobs(options)
    free, failed = outputs.claimed(jobs)
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


def _color(jobs, options):
    """Colour jobs; returns how many succeeded, and names the others on standard error."""
    for folder in {os.path.dirname(job.target) or "." for job in jobs}:
        files.remove_leftovers(folder)
    pictures, films = ([job for job in jobs if job.is_film == kind] for kind in (False, True))
    colored = 0
    with shell.native_remarks_hidden():
        # What the network runs on takes seconds to import.
        from colornet.coloring.colorizer import Colorizer
        from colornet.coloring.pipeline import color_file, each_picture
        from colornet.progress import progress

        if films:
            from colornet.coloring.films.command import color_films
        colorizer = Colorizer(options.model, build_model, **given(options, max(1, len(pictures))))
        print(f"{printable(colorizer.engine.source)}, {colorizer.engine.name}")
        style = _style(options, colorizer)
        with progress(len(pictures), "pictures") as bar:
            for job, made, error in each_picture(
                lambda job: color_file(job, colorizer, options, style),
                pictures,
                lambda job: job.source,
                options.max_pixels,
            ):
                if error is not None:
                    _report(job, error)
                else:
                    colored += 1
                    scenes, remark = made
                    if remark:
                        print(f"{printable(job.source)}: {remark}")
                    if options.classes:
                        shell.print_scenes(
                            printable(job.source), colorizer.class_names_of(scenes, options.classes)
                        )
                bar.update()
        for job, error in color_films(films, colorizer, options, style) if films else ():
            if error is not None:
                _report(job, error)
            else:
                colored += 1
    return colored


def _style(options, colorizer):
    """Global features of the picture whose colours are taken, if any; checks the options."""
    config = colorizer.config
    if options.classes and not config.use_classification:
        raise UserError(f"--classes: {options.model} was trained without scene classes")
    if not options.style_from:
        return None
    if not config.use_global_features:
        raise UserError(f"--style-from: {options.model} has no global features")
    try:
        picture = opening.open_picture(options.style_from, options.max_pixels)
    except ImageError as error:
        raise UserError(f"--style-from {printable(options.style_from)}: {error}") from None
    return colorizer.style_of(picture.pixels)


def _report(job, error):
    reason = str(error) or "not enough memory"
    if isinstance(error, TooManyPixels):
        reason += ", or allow more by --max-pixels"
    print(f"{printable(job.source)}: {reason}", file=sys.stderr)


def parser():
    arguments = shell.parser(__doc__)
    add = arguments.add_argument
    add("pictures", nargs="+", metavar="PICTURE_FOLDER_OR_FILM", help="files, folders or patterns")
    add(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="folder, or a file name for a single picture or film",
    )
    add(
        "--model",
        default=shell.SHIPPED_WEIGHTS,
        metavar="DIR_OR_FILE",
        help="run folder or weights file (default: the weights that ship)",
    )
    add("--style-from", metavar="PICTURE", help="take the global features of this picture")
    add_options(arguments)
    add(
        "--classes",
        type=shell.number(int, 0),
        default=0,
        metavar="N",
        help="print the N likeliest scenes",
    )
    add(
        "--compare",
        action="store_true",
        help="of pictures, also write grey and coloured side by side",
    )
    add(
        "--format",
        type=str.upper,
        choices=sorted(saving.ENDINGS),
        help="of the pictures (default: that of the input, PNG where it cannot hold colour well)",
    )
    add(
        "--quality",
        type=shell.number(int, 1, 100),
        default=95,
        metavar="Q",
        help="of JPEG and WebP (95)",
    )
    add("--overwrite", action="store_true", help="make outputs anew that are already there")
    add(
        "--max-pixels",
        type=shell.number(int, 1),
        default=opening.MAX_PIXELS,
        metavar="N",
        help=f"refuse larger pictures (default {opening.MAX_PIXELS:,})",
    )
    _add_film_options(arguments.add_argument_group("films").add_argument)
    return arguments


def _add_film_options(add):
    add(
        "--from",
        dest="start",
        type=shell.film_time,
        default=0,
        metavar="TIME",
        help="begin there: seconds, or hours:minutes:seconds",
    )
    add("--to", dest="stop", type=shell.film_time, metavar="TIME", help="stop there")
    add(
        "--steady",
        choices=("on", "off"),
        default="on",
        help="hold colours still within shots, or color each frame by itself (on)",
    )
    add(
        "--codec",
        default="libx264",
        metavar="NAME",
        help="one of FFmpeg's video encoders (libx264)",
    )
    add(
        "--crf",
        type=shell.number(float, 0, 63),
        metavar="N",
        help="quality of the encoder; lower is better (18 for libx264, else the encoder's own)",
    )


def main(argv=None):
    return shell.run(transform, parser().parse_args(argv))


if __name__ == "__main__":
    # No weight changes in this process: convolutions may keep the copies they lay out.
    os.environ.setdefault("TF_ONEDNN_ASSUME_FROZEN_WEIGHTS", "1")
    sys.exit(main())
