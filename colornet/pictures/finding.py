"""Finding pictures in folders."""

import functools
import os

from PIL import Image

from colornet.errors import UserError
from colornet.files import printable

# Decoders that start other programs or draw vectors; no photograph is kept in them.
REFUSED_FORMATS = ("EPS", "WMF", "MPEG", "PDF", "FITS", "GRIB", "HDF5", "BUFR")


def find_files(folder):
    """Every file below a folder, depth first in the order of names; hidden ones are left out.

    Yields:
        Paths as str (undecodable bytes as surrogate escapes); links to folders and folders that
        cannot be read as if they were files.

    Raises:
        UserError: the folder is missing or cannot be read.
    """
    try:
        entries = _entries(folder)
    except OSError as error:
        raise UserError(f"{printable(folder)}: expected a folder: {error.strerror}") from None
    yield from _files_of(entries)


def _entries(folder):
    with os.scandir(folder) as entries:
        shown = (entry for entry in entries if not entry.name.startswith("."))
        return sorted(shown, key=lambda entry: os.fsencode(entry.name))


def _files_of(entries):
    for entry in entries:
        try:
            below = _entries(entry.path) if entry.is_dir(follow_symlinks=False) else None
        except OSError:
            below = None  # the reason is found when it is opened
        if below is None:
            yield entry.path
        else:
            yield from _files_of(below)


def is_picture_name(path):
    """Whether the ending is one that photographs have and Pillow opens."""
    return os.path.splitext(path)[1].lower() in _picture_endings()


@functools.cache
def _picture_endings():
    return frozenset(
        ending
        for ending, kind in Image.registered_extensions().items()
        if kind in Image.OPEN and kind not in REFUSED_FORMATS
    )
