"""Which pictures are coloured, where each goes, and how it is saved."""

import dataclasses
import glob
import os

from PIL import Image

from colornet.errors import UserError
from colornet.pictures import image_files
from colornet.pictures.image_files import ImageError, printable

# Formats that hold colour well, with the ending of each; any other input becomes PNG.
ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WEBP": ".webp", "BMP": ".bmp"}
FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".bmp": "BMP",
}
HOLDS_ALPHA = ("PNG", "TIFF", "WEBP")
HOLDS_EXIF = ("JPEG", "PNG", "TIFF", "WEBP")
LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}  # pixels that the format can hold
LONGEST_EXIF = {"JPEG": 65527}  # bytes


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture: where it is, and the files that it becomes."""

    source: str
    target: str
    comparison: str | None  # grey and coloured side by side

    def outputs(self):
        return [path for path in (self.comparison, self.target) if path]


def find_jobs(options):
    """Jobs in order; explicit files are always tried, folders are searched by picture endings.

    Args:
        options: pictures, output, format and compare of the command line.

    Raises:
        UserError: an input does not exist, no picture was found, or the output does not fit them.
    """
    found = {}
    for text in options.pictures:
        paths = [text] if os.path.lexists(text) else sorted(glob.glob(text, recursive=True))
        if not paths:
            raise UserError(f"{printable(text)}: no such file or folder")
        for path in paths:
            for source in _search(path, options.output) if os.path.isdir(path) else [path]:
                relative = os.path.relpath(source, path) if source != path else ""
                found.setdefault(
                    os.path.abspath(source), (source, relative or os.path.basename(path))
                )
    if not found:
        raise UserError("no pictures found; expected files, or folders with .jpg, .png, … in them")
    if _is_file_name(options, len(found)):
        return [_job(source, options.output, options) for source, _ in found.values()]
    return [
        _job(source, _with_ending(os.path.join(options.output, relative), options), options)
        for source, relative in found.values()
    ]


def _search(folder, output):
    """Pictures below a folder, but for those of an output folder inside it."""
    within, output = (os.path.join(os.path.realpath(path), "") for path in (folder, output))
    for path in image_files.find_files(folder):
        where = os.path.join(os.path.realpath(os.path.dirname(path)), "")
        if output != within and where.startswith(output):
            continue
        unreadable = os.path.isdir(path) and not os.path.islink(path)
        if image_files.is_picture_name(path) or unreadable:
            yield path


def _is_file_name(options, count):
    """Whether -o names a file, not a folder; raises UserError where that does not fit."""
    output, ending = options.output, os.path.splitext(options.output)[1].lower()
    if os.path.isdir(output):
        return False
    if ending in FORMATS:
        if count > 1:
            raise UserError(
                f"-o {printable(output)}: a file name, but there are {count} pictures; "
                "give a folder"
            )
        if options.format not in (None, FORMATS[ending]):
            raise UserError(
                f"-o {printable(output)}: its ending does not go with "
                f"--format {options.format}; leave one of them out"
            )
        return True
    if image_files.is_picture_name(output):
        raise UserError(
            f"-o {printable(output)}: expected a folder, or a file name with "
            f"{', '.join(FORMATS)}; got {ending}"
        )
    if os.path.lexists(output):
        raise UserError(f"-o {printable(output)}: expected a folder, but a file has that name")
    return False


def _with_ending(path, options):
    stem, ending = os.path.splitext(path)
    if options.format:
        return (
            path
            if FORMATS.get(ending.lower()) == options.format
            else (stem + ENDINGS[options.format])
        )
    return path if ending.lower() in FORMATS else stem + ".png"


def _job(source, target, options):
    comparison = os.path.splitext(target)[0] + ".compare.png" if options.compare else None
    return Job(source, target, comparison)


class Outputs:
    """Watches that no output replaces an input or another output."""

    def __init__(self, jobs):
        self.inputs = {_identity(job.source) for job in jobs} - {None}
        self.taken = set()

    def claim(self, job):
        """Take a job's outputs; raises ImageError if they are not free."""
        for path in job.outputs():
            if _identity(path) in self.inputs:
                raise ImageError(
                    f"its output {printable(path)} would replace an input; choose another -o"
                )
            if path in self.taken:
                raise ImageError(f"its output {printable(path)} is that of another input too")
        self.taken.update(job.outputs())


def _identity(path):
    """What two names of one file share; None if there is no such file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def save(image, path, alpha=None, exif=b"", quality=95):
    """Save a coloured PIL image, with as much of its picture's alpha and EXIF as the format holds.

    Args:
        image: RGB.
        path: its ending is one of FORMATS.
        alpha: uint8 (height, width), or None. Formats without alpha get a white ground.
        exif: EXIF bytes.
        quality: of JPEG and WebP, 1 to 100.

    Raises:
        ImageError: with the reason; nothing is left behind.
    """
    kind = FORMATS[os.path.splitext(path)[1].lower()]
    longest = LONGEST_SIDE.get(kind)
    if longest and max(image.size) > longest:
        raise ImageError(f"{kind} holds at most {longest} pixels a side; choose another --format")
    if alpha is not None:
        alpha = Image.fromarray(alpha)
        if kind in HOLDS_ALPHA:
            image.putalpha(alpha)
        else:
            image = Image.composite(image, Image.new("RGB", image.size, "white"), alpha)
    options = {"format": kind}
    if kind in HOLDS_EXIF and 0 < len(exif) <= LONGEST_EXIF.get(kind, len(exif)):
        options["exif"] = exif
    if kind in ("JPEG", "WEBP"):
        options["quality"] = quality
    if kind == "JPEG":
        options["subsampling"] = 0  # colour at full size: it is what the program made
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        image_files.save_image(image, path, **options)
    except Exception as error:  # Pillow's encoders raise nearly anything
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImageError(
            f"cannot save {printable(path)}: {reason or type(error).__name__}"
        ) from None
