"""Grey pictures and films to colour: any format and size in, the same in colour out.

    python model_transform.py photograph.jpg -o coloured.jpg
    python model_transform.py album/ scan.tif -o coloured/ --model runs/mine
    python model_transform.py street.jpg -o out/ --style-from sunset.jpg --classes 5 --compare
    python model_transform.py film.mp4 -o coloured.mp4

The picture's own luminance is kept; only colour is added. Folders are searched and mirrored.
Finished outputs are skipped, so that the same command goes on after an interruption.
"""

import argparse
from collections.abc import Callable, Sequence

from colornet import files, shell
from colornet.coloring.options import add_options, film_time
from colornet.pictures import formats


def transform(options: argparse.Namespace) -> int:
    """The script's work, from parsed arguments; returns the exit code."""
    with shell.native_remarks_hidden():
        # What opens pictures and what the network runs on take their time to import.
        from colornet.coloring import transforming

        return transforming.transform(options)


def parser() -> argparse.ArgumentParser:
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
        default=files.PRETRAINED,
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
    _add_output_options(add)
    _add_film_options(arguments.add_argument_group("films").add_argument)
    return arguments


def _add_output_options(add: Callable[..., object]) -> None:
    add(
        "--compare",
        action="store_true",
        default=None,
        help="of pictures, also write grey and coloured side by side",
    )
    add(
        "--format",
        type=str.upper,
        choices=sorted(formats.ENDING_OF),
        help="of the pictures (default: that of the input, PNG where it cannot hold colour well)",
    )
    add("--quality", type=shell.number(int, 1, 100), metavar="Q", help="of JPEG and WebP (95)")
    add("--overwrite", action="store_true", help="make outputs anew that are already there")
    add(
        "--max-pixels",
        type=shell.number(int, 1),
        default=formats.MAX_PIXELS,
        metavar="N",
        help=f"refuse larger pictures (default {formats.MAX_PIXELS:,})",
    )


def _add_film_options(add: Callable[..., object]) -> None:
    add(
        "--from",
        dest="start",
        type=film_time,
        metavar="TIME",
        help="begin there: seconds, or hours:minutes:seconds",
    )
    add("--to", dest="stop", type=film_time, metavar="TIME", help="stop there")
    add(
        "--steady",
        choices=("on", "off"),
        help="hold colours still within shots, or color each frame by itself (on)",
    )
    add("--codec", metavar="NAME", help="one of FFmpeg's video encoders (libx264)")
    add(
        "--crf",
        type=shell.number(float, 0, 63),
        metavar="N",
        help="quality of the encoder; lower is better (18 for libx264, else the encoder's own)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    return shell.run(transform, parser().parse_args(argv))
