"""Grey pictures to colour: any format and size in, a coloured picture of the same size out.

    python model_transform.py photograph.jpg -o coloured.jpg
    python model_transform.py album/ scan.tif -o coloured/ --model runs/mine
    python model_transform.py street.jpg -o out/ --style-from sunset.jpg --classes 5 --compare

The picture's own luminance is kept; only colour is added. Folders are searched and mirrored.
Finished outputs are skipped, so that the same command goes on after an interruption.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import glob
import os
import sys

import command_line
import image_files
from command_line import UserError

WEIGHTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "weights")
# Formats that hold colour well, with the ending of each; any other input becomes PNG.
ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WEBP": ".webp", "BMP": ".bmp"}
FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF",
           ".webp": "WEBP", ".bmp": "BMP"}
HOLDS_ALPHA = ("PNG", "TIFF", "WEBP")
HOLDS_EXIF = ("JPEG", "PNG", "TIFF", "WEBP")
BATCH = 16  # pictures of one shape that the network colours at once
BATCH_PIXELS = 1 << 20  # pixels of the network's copies in one batch, at most
PIXELS_IN_FLIGHT = 50_000_000  # of pictures in memory at a time; a larger one comes alone


@dataclasses.dataclass
class Job:
    """One picture: where it is, where it goes, and what is known of it so far."""

    source: str
    target: str
    picture: image_files.Picture = None
    local: object = None  # luminance copies for the network
    whole: object = None
    pixels: int = 0


class Colouring:
    """The settings of one command, and the steps for each picture."""

    def __init__(self, options):
        from colorize import Colorizer

        self.options = options
        self.colorizer = Colorizer(options.model)
        config = self.colorizer.config
        self.chroma = config.chroma if options.chroma is None else options.chroma
        self.working_size = (
            config.working_size if options.working_size is None else options.working_size
        )
        if options.classes and not config.use_classification:
            raise UserError(f"--classes: {options.model} was trained without scene classes")
        self.style = None
        if options.style_from:
            if not config.use_global_features:
                raise UserError(f"--style-from: {options.model} has no global features")
            try:
                style = image_files.open_picture(options.style_from, options.max_pixels)
            except image_files.ImageError as error:
                raise UserError(f"--style-from {options.style_from}: {error}") from None
            self.style = self.colorizer.style_of(style.pixels)

    def read(self, job):
        """Open a job's picture and make the network's copies of it."""
        job.picture = image_files.open_picture(job.source, self.options.max_pixels)
        job.local = self.colorizer.local_copy(job.picture.pixels, self.working_size)
        job.whole = self.colorizer.global_copy(job.picture.pixels)
        return job

    def color(self, jobs):
        """Chrominance of jobs whose copies are of one shape, and their scenes' probabilities."""
        import numpy as np

        features, probabilities = self.colorizer.describe(np.stack([job.whole for job in jobs]))
        if self.style is not None:
            features = np.repeat(self.style, len(jobs), axis=0)
        ab = self.colorizer.chrominance(np.stack([job.local for job in jobs]), features)
        return ab * self.chroma, probabilities

    def write(self, job, ab):
        """Join luminance and chrominance, and save."""
        from PIL import Image

        from colorize import join

        pixels = join(job.picture.pixels, ab)
        os.makedirs(os.path.dirname(job.target) or ".", exist_ok=True)
        save(Image.fromarray(pixels), job.picture, job.target, self.options.quality)
        if self.options.compare:
            grey = join(job.picture.pixels, ab * 0)
            both = Image.new("RGB", (2 * pixels.shape[1], pixels.shape[0]))
            both.paste(Image.fromarray(grey), (0, 0))
            both.paste(Image.fromarray(pixels), (pixels.shape[1], 0))
            image_files.save_image(both, os.path.splitext(job.target)[0] + ".compare.png")


def save(image, picture, target, quality):
    """Save a coloured PIL image with the alpha and EXIF of its picture, where the format can."""
    from PIL import Image

    kind = FORMATS[os.path.splitext(target)[1].lower()]
    if picture.alpha is not None:
        alpha = Image.fromarray(picture.alpha)
        if kind in HOLDS_ALPHA:
            image.putalpha(alpha)
        else:
            image = Image.composite(image, Image.new("RGB", image.size, "white"), alpha)
    options = {"format": kind}
    if kind in HOLDS_EXIF and picture.exif:
        options["exif"] = picture.exif
    if kind in ("JPEG", "WEBP"):
        options["quality"] = quality
    if kind == "JPEG":
        options["subsampling"] = 0  # colour at full size: it is what the program made
    image_files.save_image(image, target, **options)


# --- Which pictures, and where they go --------------------------------------------------------


def find_jobs(options):
    """Jobs in order; explicit files are always tried, folders are searched by picture endings.

    Raises:
        UserError: an input does not exist, or no picture was found.
    """
    jobs = []
    for text in options.pictures:
        paths = [text] if os.path.lexists(text) else sorted(glob.glob(text, recursive=True))
        if not paths:
            raise UserError(f"{image_files.printable(text)}: no such file or folder")
        for path in paths:
            if os.path.isdir(path):
                found = filter(image_files.is_picture_name, image_files.find_files(path))
                jobs += [(name, os.path.relpath(name, path)) for name in found]
            else:
                jobs.append((path, os.path.basename(path)))
    if not jobs:
        raise UserError("no pictures found; expected files, or folders with .jpg, .png, … in them")
    ending = os.path.splitext(options.output)[1].lower()
    if len(jobs) == 1 and ending in FORMATS and not os.path.isdir(options.output):
        return [Job(jobs[0][0], options.output)]
    return [Job(source, os.path.join(options.output, relative)) for source, relative in jobs]


def settle_target(job, options, taken):
    """Give the target its format's ending.

    Returns:
        False if the job's output is already there and stays.

    Raises:
        ImageError: the output would replace an input or another output.
    """
    if job.target != options.output:
        stem, ending = os.path.splitext(job.target)
        if options.format:
            job.target = stem + ENDINGS[options.format]
        elif ending.lower() not in FORMATS:
            job.target = stem + ".png"
    if os.path.exists(job.target) and os.path.samefile(job.source, job.target):
        raise image_files.ImageError("the output would replace its own input; choose another -o")
    if job.target in taken:
        raise image_files.ImageError(
            f"its output {image_files.printable(job.target)} is that of another input too"
        )
    taken.add(job.target)
    return options.overwrite or not os.path.exists(job.target)


# --- Reading, network and writing overlap ------------------------------------------------------


def transform(options):
    """The script's work, from parsed arguments; returns the exit code."""
    jobs, taken, failed, todo = find_jobs(options), set(), [], []
    for job in jobs:
        try:
            if settle_target(job, options, taken):
                todo.append(job)
        except (image_files.ImageError, OSError) as error:
            failed.append(job)
            _report(job, error)
    skipped = len(jobs) - len(todo) - len(failed)
    if skipped:
        print(f"{skipped} already coloured (--overwrite makes them anew)")
    coloured = len(todo)
    if todo:
        late = _color_all(todo, Colouring(options))
        coloured -= len(late)
        failed += late
    print(f"{coloured} coloured, {len(failed)} failed")
    return command_line.SOME_FAILED if failed else command_line.DONE


class _Flow:
    """Reads ahead and writes behind the network, in threads, within a budget of pixels."""

    def __init__(self, jobs, colouring, threads, bar):
        self.jobs, self.colouring, self.threads, self.bar = iter(jobs), colouring, threads, bar
        self.next_job = next(self.jobs, None)
        self.reading, self.writing = collections.deque(), collections.deque()
        self.pixels = 0  # of pictures that are read and not yet written
        self.failed = []

    def batches(self):
        """Yield lists of read jobs whose network copies are of one shape."""
        batch = []
        while True:
            self._read_ahead()
            if not self.reading:
                if batch:
                    yield batch
                    batch = []
                elif self.writing:
                    self.finish_one()
                elif self.next_job is None:
                    return
                continue
            job, future = self.reading.popleft()
            if not self._done(job, future):
                continue
            if batch and (job.local.shape != batch[0].local.shape or len(batch) == BATCH
                          or len(batch) * job.local.size >= BATCH_PIXELS):
                yield batch
                batch = []
            batch.append(job)

    def _read_ahead(self):
        while self.next_job and len(self.reading) < 2 * BATCH:
            job = self.next_job
            try:
                width, height = image_files.picture_size(job.source, self.colouring.options.max_pixels)
            except image_files.ImageError:
                width = height = 0  # reading it gives the reason
            if self.pixels and self.pixels + width * height > PIXELS_IN_FLIGHT:
                return
            job.pixels = width * height
            self.pixels += job.pixels
            self.reading.append((job, self.threads.submit(self.colouring.read, job)))
            self.next_job = next(self.jobs, None)

    def write(self, job, ab):
        self.writing.append((job, self.threads.submit(self.colouring.write, job, ab)))
        while len(self.writing) > BATCH:
            self.finish_one()

    def finish_one(self):
        job, future = self.writing.popleft()
        if self._done(job, future):
            self.pixels -= job.pixels
            self.bar.update()
        job.picture = None

    def _done(self, job, future):
        try:
            future.result()
            return True
        except (image_files.ImageError, OSError, MemoryError) as error:
            self.pixels -= job.pixels
            self.fail(job, error)
            return False

    def fail(self, job, error):
        self.failed.append(job)
        _report(job, error)
        self.bar.update()


def _color_all(jobs, colouring):
    """Colour jobs; returns those that failed, each already reported."""
    with (
        concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads,
        command_line.progress(len(jobs), "pictures") as bar,
    ):
        flow = _Flow(jobs, colouring, threads, bar)
        for batch in flow.batches():
            try:
                ab, probabilities = colouring.color(batch)
            except MemoryError as error:
                for job in batch:
                    flow.fail(job, error)
                continue
            for number, job in enumerate(batch):
                if colouring.options.classes:
                    _print_scenes(colouring, job, probabilities[number])
                flow.write(job, ab[number])
    return flow.failed


def _report(job, error):
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    print(f"{image_files.printable(job.source)}: {text or type(error).__name__}", file=sys.stderr)


def _print_scenes(colouring, job, probabilities):
    scenes = colouring.colorizer.class_names_of(probabilities, colouring.options.classes)
    named = ", ".join(f"{name} {100 * share:.1f} %" for name, share in scenes)
    print(f"{image_files.printable(job.source)}: {named}")


def _working_size(text):
    if text == "full":
        return 0
    if text.isdecimal() and int(text) >= 8:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected 8 or more pixels, or full; got {text!r}")


def main(argv=None):
    arguments = command_line.parser(__doc__)
    add = arguments.add_argument
    add("pictures", nargs="+", metavar="PICTURE_OR_FOLDER", help="files, folders or patterns")
    add("-o", "--output", required=True, metavar="OUT",
        help="folder, or a file name for a single picture")
    add("--model", default=WEIGHTS, metavar="DIR_OR_FILE",
        help="run folder or weights file (default: the weights that ship)")
    add("--style-from", metavar="PICTURE", help="take the global features of this picture")
    add("--chroma", type=float, metavar="F", help="strength of the colours (default: the model's)")
    add("--working-size", type=_working_size, metavar="N|full",
        help="longer side that the network sees (default: the model's)")
    add("--classes", type=int, default=0, metavar="N", help="print the N likeliest scenes")
    add("--compare", action="store_true", help="also write grey and coloured side by side")
    add("--format", type=str.upper, choices=sorted(ENDINGS), help="of the outputs "
        "(default: that of the input, PNG where it cannot hold colour well)")
    add("--quality", type=int, default=95, metavar="Q", help="of JPEG and WebP (95)")
    add("--overwrite", action="store_true", help="make outputs anew that are already there")
    add("--max-pixels", type=int, default=image_files.MAX_PIXELS, metavar="N",
        help=f"refuse larger pictures (default {image_files.MAX_PIXELS:,})")
    return command_line.run(transform, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
