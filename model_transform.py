"""Grey pictures to colour: any format and size in, a coloured picture of the same size out.

    python model_transform.py photograph.jpg -o coloured.jpg
    python model_transform.py album/ scan.tif -o coloured/ --model runs/mine
    python model_transform.py street.jpg -o out/ --style-from sunset.jpg --classes 5 --compare

The picture's own luminance is kept; only colour is added. Folders are searched and mirrored.
Finished outputs are skipped, so that the same command goes on after an interruption.
"""

import os
import sys

from build_model import build_model
from colornet import files, shell
from colornet.coloring import outputs
from colornet.errors import ImageError, UserError
from colornet.files import printable
from colornet.pictures import opening, saving


class Coloring:
    """The settings of one command, and the steps for each picture."""

    def __init__(self, options):
        from colornet.coloring.colorizer import Colorizer

        self.options, self.max_pixels = options, options.max_pixels
        self.colorizer = Colorizer(options.model, build_model, options.precision)
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
            picture = opening.open_picture(path, self.max_pixels)
        except ImageError as error:
            raise UserError(f"--style-from {printable(path)}: {error}") from None
        return self.colorizer.style_of(picture.pixels)

    def read(self, job):
        """Open a job's picture and make the network's copies of it."""
        from colornet.coloring.pipeline import Work

        picture = opening.open_picture(job.source, self.max_pixels)
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
            print(f"{printable(work.job.source)}: {named}")

    def write(self, work, ab):
        """Join luminance and chrominance, and save."""
        from PIL import Image

        from colornet.coloring.colorizer import join

        job, picture = work.job, work.picture
        pixels = join(picture.pixels, ab)
        if job.comparison:
            gray = join(picture.pixels, ab * 0)
            both = Image.new("RGB", (2 * pixels.shape[1], pixels.shape[0]))
            both.paste(Image.fromarray(gray), (0, 0))
            both.paste(Image.fromarray(pixels), (pixels.shape[1], 0))
            saving.save(both, job.comparison)
        picture.pixels = None  # it is large, and Pillow needs a copy of the result to save it
        saving.save(
            Image.fromarray(pixels), job.target, picture.alpha, picture.exif, self.options.quality
        )


def transform(options):
    """The script's work, from parsed arguments; returns the exit code."""
    jobs, failed, todo = outputs.find_jobs(options), [], []
    taken = outputs.Outputs(jobs)

    def fail(job, error):
        failed.append(job)
        reason = str(error) or "not enough memory"
        print(f"{printable(job.source)}: {reason}", file=sys.stderr)

    for job in jobs:
        try:
            taken.claim(job)
        except ImageError as error:
            fail(job, error)
            continue
        if options.overwrite or not os.path.isfile(job.target):
            todo.append(job)
    skipped = len(jobs) - len(todo) - len(failed)
    if skipped:
        print(f"{skipped} already coloured (--overwrite makes them anew)")
    for folder in {os.path.dirname(job.target) or "." for job in todo}:
        files.remove_leftovers(folder)
    if todo:
        with shell.native_remarks_hidden():
            _color(todo, Coloring(options), fail)
    print(f"{len(jobs) - skipped - len(failed)} coloured, {len(failed)} failed")
    return shell.SOME_FAILED if failed else shell.DONE


def _color(jobs, coloring, fail):
    from colornet.coloring.pipeline import color_all

    with shell.progress(len(jobs), "pictures") as bar:

        def failed(job, error):
            fail(job, error)
            bar.update()

        def finished(work):
            coloring.print_scenes(work)
            bar.update()

        color_all(jobs, coloring, failed, finished)


def parser():
    arguments = shell.parser(__doc__)
    add = arguments.add_argument
    add("pictures", nargs="+", metavar="PICTURE_OR_FOLDER", help="files, folders or patterns")
    add(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="folder, or a file name for a single picture",
    )
    add(
        "--model",
        default=shell.SHIPPED_WEIGHTS,
        metavar="DIR_OR_FILE",
        help="run folder or weights file (default: the weights that ship)",
    )
    add("--style-from", metavar="PICTURE", help="take the global features of this picture")
    add(
        "--chroma",
        type=shell.number(float, 0),
        metavar="F",
        help="strength of the colours (default: the model's)",
    )
    add(
        "--working-size",
        type=shell.working_size,
        metavar="N|full",
        help="most pixels of a side that the network sees (default: the model's)",
    )
    add(
        "--precision",
        choices=("float32", "bfloat16"),
        default="float32",
        help="of the network: bfloat16 is nearly twice as fast on processors that have it, and off "
        "by a level or two (float32)",
    )
    add(
        "--classes",
        type=shell.number(int, 0),
        default=0,
        metavar="N",
        help="print the N likeliest scenes",
    )
    add("--compare", action="store_true", help="also write grey and coloured side by side")
    add(
        "--format",
        type=str.upper,
        choices=sorted(saving.ENDINGS),
        help="of the outputs (default: that of the input, PNG where it cannot hold colour well)",
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
    return arguments


def main(argv=None):
    return shell.run(transform, parser().parse_args(argv))


if __name__ == "__main__":
    # No weight changes in this process: convolutions may keep the copies they lay out.
    os.environ.setdefault("TF_ONEDNN_ASSUME_FROZEN_WEIGHTS", "1")
    sys.exit(main())
