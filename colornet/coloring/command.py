"""Color grayscale pictures and films: any format and size in, the same in color out.

    colornet photograph.jpg -o colored.jpg
    colornet album/ scan.tif -o colored/ --model runs/mine
    colornet street.jpg -o out/ --style-from sunset.jpg --classes 5 --compare
    colornet film.mp4 -o colored.mp4

In a checkout, `python model_transform.py` is the same command. The picture's own luminance is kept;
only color is added. Folders are searched and mirrored. Finished outputs are skipped, so that the
same command resumes after an interruption.
"""

import argparse
import os
from collections.abc import Callable, Sequence

from colornet import files, shell
from colornet.coloring.options import add_options, film_time
from colornet.pictures import formats


def _transform(options: argparse.Namespace) -> int:
    from colornet.coloring import transforming

    return transforming.transform(transforming.Transform(**vars(options)))


def parser() -> argparse.ArgumentParser:
    arguments = shell.parser(__doc__)
    add = arguments.add_argument
    add("pictures", nargs="+", metavar="PICTURE_FOLDER_OR_FILM",
        help="files, folders, or patterns; - reads a picture from standard input")  # fmt: skip
    add("-o", "--output", metavar="OUT",
        help="folder; or a file name for a single picture or film; or - for standard output "
        "(default: photograph.colored.jpg beside photograph.jpg)")  # fmt: skip
    add("--model", default=files.PRETRAINED, metavar="DIR_OR_FILE",
        help="run folder or weights file (default: the pretrained weights)")  # fmt: skip
    add("--classes", type=shell.number(int, 0), default=0, metavar="N",
        help="print the N likeliest scenes (default: 0)")  # fmt: skip
    add("--overwrite", action="store_true", help="make outputs again that are already there")
    add("--json", action="store_true",
        help="print one line of JSON for each picture on standard output")  # fmt: skip
    _add_picture_options(arguments.add_argument_group("pictures").add_argument)
    add_options(arguments)
    _add_film_options(arguments.add_argument_group("films").add_argument)
    return arguments


def _add_picture_options(add: Callable[..., object]) -> None:
    add("--hints", metavar="STROKES",
        help="picture of color strokes on a transparent ground, or a folder with one of the same "
        "name for each picture")  # fmt: skip
    add("--style-from", metavar="PICTURE", help="take the global features of this picture")
    add("--compare", action="store_true", default=None,
        help="also write gray and colored side by side")  # fmt: skip
    add("--format", type=str.upper, choices=sorted(formats.ENDING_OF),
        help="default: that of the input, PNG where it cannot hold color well")  # fmt: skip
    add("--quality", type=shell.number(int, 1, 100), metavar="Q",
        help=f"quality of JPEG and WebP (default: {95})")  # fmt: skip
    add("--max-pixels", type=shell.number(int, 1), default=formats.MAX_PIXELS, metavar="N",
        help=f"refuse larger pictures (default: {formats.MAX_PIXELS:,})")  # fmt: skip


def _add_film_options(add: Callable[..., object]) -> None:
    add("--from", dest="start", type=film_time, metavar="TIME",
        help="begin there: seconds, or hours:minutes:seconds")  # fmt: skip
    add("--to", dest="stop", type=film_time, metavar="TIME", help="stop there")
    add("--steady", choices=("on", "off"),
        help="hold colors still within shots, or color each frame alone (default: on)")  # fmt: skip
    add("--codec", metavar="NAME", help="one of FFmpeg's video encoders (default: libx264)")
    add("--crf", type=shell.number(float, 0, 63), metavar="N",
        help="quality of the encoder; lower is better (default: 18 for libx264 and libx265, else "
        "the encoder's own)")  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    if argv is None:  # a process of its own, in which no weight changes: oneDNN may keep copies
        os.environ.setdefault("TF_ONEDNN_ASSUME_FROZEN_WEIGHTS", "1")
    return shell.run(_transform, parser().parse_args(argv))
