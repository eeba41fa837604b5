"""Grey pictures to colour: any format and size in, a coloured picture of the same size out.

    python model_transform.py photograph.jpg -o coloured.jpg
    python model_transform.py album/ scan.tif -o coloured/ --model runs/mine
    python model_transform.py street.jpg -o out/ --style-from sunset.jpg --classes 5 --compare

The picture's own luminance is kept; only colour is added. Folders are searched and mirrored.
Finished outputs are skipped, so that the same command goes on after an interruption.
"""

import argparse
import contextlib
import math
import os
import sys

import coloured_files
import command_line
import image_files
import whole_files
from command_line import UserError

WEIGHTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "weights")


class Colouring:
    """The settings of one command, and the steps for each picture."""

    def __init__(self, options):
        from colorize import Colorizer

        self.options, self.max_pixels = options, options.max_pixels
        self.colorizer = Colorizer(options.model, options.precision)
        config = self.colorizer.config
        self.chroma = config.chroma if options.chroma is None else options.chroma
        self.working_size = (
            config.working_size if options.working_size is None else options.working_size
        )
        if options.classes and not config.use_classification:
            raise UserError(f"--classes: {options.model} was trained without scene classes")
        self.style = self._style() if options.style_from else None

    def _style(self):
        if not self.colorizer.config.use_global_features:
            raise UserError(f"--style-from: {self.options.model} has no global features")
        path = self.options.style_from
        try:
            picture = image_files.open_picture(path, self.max_pixels)
        except image_files.ImageError as error:
            raise UserError(f"--style-from {image_files.printable(path)}: {error}") from None
        return self.colorizer.style_of(picture.pixels)

    def read(self, job):
        """Open a job's picture and make the network's copies of it."""
        from overlap import Work

        picture = image_files.open_picture(job.source, self.max_pixels)
        return Work(job, picture, *self.colorizer.copies(picture.pixels, self.working_size))

    def color(self, works):
        """Chrominance of each of some pictures whose copies are of one shape."""
        import numpy as np

        features = self.style
        if features is None or self.options.classes:
            own, probabilities = self.colorizer.describe(np.stack([work.whole for work in works]))
            features = own if features is None else features
        if self.options.classes:
            for work, shares in zip(works, probabilities):
                work.probabilities = shares
        if self.style is not None:
            features = np.repeat(self.style, len(works), axis=0)
        ab = self.colorizer.chrominance(np.stack([work.local for work in works]), features)
        return list(ab * self.chroma)

    def print_scenes(self, work):
        """Print the likeliest scenes of a coloured picture, as many as were asked for."""
        if self.options.classes:
            scenes = self.colorizer.class_names_of(work.probabilities, self.options.classes)
            named = ", ".join(f"{name} {100 * share:.1f} %" for name, share in scenes)
            print(f"{image_files.printable(work.job.source)}: {named}")

    def write(self, work, ab):
        """Join luminance and chrominance, and save."""
        from PIL import Image

        from colorize import join

        job, picture = work.job, work.picture
        pixels = join(picture.pixels, ab)
        if job.comparison:
            grey = join(picture.pixels, ab * 0)
            both = Image.new("RGB", (2 * pixels.shape[1], pixels.shape[0]))
            both.paste(Image.fromarray(grey), (0, 0))
            both.paste(Image.fromarray(pixels), (pixels.shape[1], 0))
            coloured_files.save(both, job.comparison)
        picture.pixels = None  # it is large, and Pillow needs a copy of the result to save it
        coloured_files.save(
            Image.fromarray(pixels), job.target, picture.alpha, picture.exif, self.options.quality
        )


def transform(options):
    """The script's work, from parsed arguments; returns the exit code."""
    jobs, failed, todo = coloured_files.find_jobs(options), [], []
    outputs = coloured_files.Outputs(jobs)

    def fail(job, error):
        failed.append(job)
        reason = str(error) or "not enough memory"
        print(f"{image_files.printable(job.source)}: {reason}", file=sys.stderr)

    for job in jobs:
        try:
            outputs.claim(job)
        except image_files.ImageError as error:
            fail(job, error)
            continue
        if options.overwrite or not os.path.isfile(job.target):
            todo.append(job)
    skipped = len(jobs) - len(todo) - len(failed)
    if skipped:
        print(f"{skipped} already coloured (--overwrite makes them anew)")
    for folder in {os.path.dirname(job.target) or "." for job in todo}:
        whole_files.remove_leftovers(folder)
    if todo:
        with command_line.native_remarks_hidden():
            _color(todo, Colouring(options), fail)
    print(f"{len(jobs) - skipped - len(failed)} coloured, {len(failed)} failed")
    return command_line.SOME_FAILED if failed else command_line.DONE


def _color(jobs, colouring, fail):
    from overlap import color_all

    with command_line.progress(len(jobs), "pictures") as bar:
        def failed(job, error):
            fail(job, error)
            bar.update()

        def finished(work):
            colouring.print_scenes(work)
            bar.update()

        color_all(jobs, colouring, failed, finished)


def working_size_of(text):
    if text == "full":
        return 0
    if text.isdecimal() and int(text) >= 8:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected 8 or more pixels, or full; got {text!r}")


def _number(kind, least, most=math.inf):
    """Reader of a command line's number in a range."""
    def read(text):
        with contextlib.suppress(ValueError):
            number = kind(text)
            if least <= number <= most and number < math.inf:
                return number
        between = f"of {least} or more" if most == math.inf else f"from {least} to {most}"
        raise argparse.ArgumentTypeError(f"expected a number {between}; got {text!r}")

    return read


def parser():
    arguments = command_line.parser(__doc__)
    add = arguments.add_argument
    add("pictures", nargs="+", metavar="PICTURE_OR_FOLDER", help="files, folders or patterns")
    add("-o", "--output", required=True, metavar="OUT",
        help="folder, or a file name for a single picture")
    add("--model", default=WEIGHTS, metavar="DIR_OR_FILE",
        help="run folder or weights file (default: the weights that ship)")
    add("--style-from", metavar="PICTURE", help="take the global features of this picture")
    add("--chroma", type=_number(float, 0), metavar="F",
        help="strength of the colours (default: the model's)")
    add("--working-size", type=working_size_of, metavar="N|full",
        help="most pixels of a side that the network sees (default: the model's)")
    add("--precision", choices=("float32", "bfloat16"), default="float32",
        help="of the network: bfloat16 is nearly twice as fast on processors that have it, and off "
        "by a level or two (float32)")
    add("--classes", type=_number(int, 0), default=0, metavar="N",
        help="print the N likeliest scenes")
    add("--compare", action="store_true", help="also write grey and coloured side by side")
    add("--format", type=str.upper, choices=sorted(coloured_files.ENDINGS), help="of the outputs "
        "(default: that of the input, PNG where it cannot hold colour well)")
    add("--quality", type=_number(int, 1, 100), default=95, metavar="Q",
        help="of JPEG and WebP (95)")
    add("--overwrite", action="store_true", help="make outputs anew that are already there")
    add("--max-pixels", type=_number(int, 1), default=image_files.MAX_PIXELS, metavar="N",
        help=f"refuse larger pictures (default {image_files.MAX_PIXELS:,})")
    return arguments


def main(argv=None):
    return command_line.run(transform, parser().parse_args(argv))


if __name__ == "__main__":
    # No weight changes in this process: convolutions may keep the copies they lay out for themselves.
    os.environ.setdefault("TF_ONEDNN_ASSUME_FROZEN_WEIGHTS", "1")
    sys.exit(main())
