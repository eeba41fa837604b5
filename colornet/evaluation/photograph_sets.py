"""Which photographs are measured: folders and files of the command line as sets."""

import os
import random
from collections.abc import Collection, Sequence

from colornet.errors import UserError
from colornet.files import printable
from colornet.pictures import finding

LIMIT_SEED = 0


def find_sets(inputs: Sequence[str], limit: int | None = None) -> dict[str, list[str]]:
    """Find the photographs of each set.

    Args:
        inputs: files and folders. Each folder is a set; files are one set together.
        limit: at most so many of each set, the first in a seeded random order; None: all.

    Returns:
        {name: paths}.

    Raises:
        UserError: an input does not exist, or a folder has no pictures.
    """
    sets: dict[str, list[str]] = {}
    for path in inputs:
        if not os.path.lexists(path):
            raise UserError(f"{printable(path)}: no such file or folder")
        if os.path.isdir(path):
            sets[_set_name(path, sets)] = _pictures_of(path)
        else:
            sets.setdefault("pictures", []).append(path)
    if limit:  # a seed for each set, so that the others do not matter
        for name, paths in sets.items():
            sets[name] = random.Random(LIMIT_SEED).sample(paths, min(limit, len(paths)))
    return sets


def _pictures_of(folder: str) -> list[str]:
    """Paths of a folder's pictures; prints what else is there."""
    others: list[str] = []
    files = list(finding.find_files(folder, others))
    found = [file for file in files if finding.is_picture_name(file)]
    if not found:
        raise UserError(
            f"{printable(folder)}: expected pictures (.jpg, .png, …) in this folder, found none"
        )
    others += [file for file in files if not finding.is_picture_name(file)]
    finding.say_left_out(folder, others)
    return found


def _set_name(path: str, taken: Collection[str]) -> str:
    """The folder's last two names, such as scenes/val; the whole path if that is taken."""
    short = "/".join(os.path.abspath(path).split(os.sep)[-2:])
    return printable(path if short in taken else short)
