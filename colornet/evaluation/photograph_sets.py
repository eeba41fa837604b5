"""Which photographs are measured, and which pictures other programs made of them."""

import os
import random
import re
from collections.abc import Collection, Iterable, Sequence

from colornet.errors import UserError
from colornet.files import printable
from colornet.pictures import finding

LIMIT_SEED = 0


def find_sets(
    inputs: Sequence[str], limit: int | None = None, only: str | None = None
) -> dict[str, list[str]]:
    """Find the photographs of each set.

    Args:
        inputs: files and folders. Each folder is a set; files are one set together.
        only: file that lists the names of those to measure, one a line; None: all.
        limit: at most so many of each set, the first in a seeded random order; None: all.

    Returns:
        {name: paths}.

    Raises:
        UserError: an input does not exist, a folder has no pictures, or a listed name is missing.
    """
    sets: dict[str, list[str]] = {}
    for path in inputs:
        if not os.path.lexists(path):
            raise UserError(f"{printable(path)}: no such file or folder")
        if os.path.isdir(path):
            sets[_set_name(path, sets)] = _pictures_of(path)
        else:
            sets.setdefault("pictures", []).append(path)
    if only:
        names = _listed(only)
        missing = names - {name_of(path) for paths in sets.values() for path in paths}
        if missing:
            raise UserError(
                f"--only {printable(only)}: expected every name among the pictures; missing are "
                f"{len(missing)}, such as {printable(min(missing))}"
            )
        sets = {
            name: [path for path in paths if name_of(path) in names] for name, paths in sets.items()
        }
    if limit:  # a seed for each set, so that the others do not matter
        for name, paths in sets.items():
            sets[name] = random.Random(LIMIT_SEED).sample(paths, min(limit, len(paths)))
    return sets


def name_of(path: str) -> str:
    """A picture's name without folder and ending, by which pictures of several programs match."""
    return os.path.splitext(os.path.basename(path))[0]


def _listed(path: str) -> set[str]:
    """Names of a list; folders, endings, and a class number after the name do not matter."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [re.sub(r"(\.\w+)\s+\d+$", r"\1", line.strip()) for line in file]
    except (OSError, ValueError) as error:
        raise UserError(f"--only {printable(path)}: expected a list of names: {error}") from None
    return {name_of(line) for line in lines if line}


def by_name(paths: Iterable[str], option: str) -> dict[str, str]:
    """{`name_of` each path: path}; raises UserError where two share a name."""
    named: dict[str, str] = {}
    for path in paths:
        other = named.setdefault(name_of(path), path)
        if other != path:
            raise UserError(
                f"{option}: expected pictures of different names, got {printable(other)} and "
                f"{printable(path)}; measure them one at a time"
            )
    return named


def find_colored(folders: Iterable[tuple[str, str]]) -> dict[str, dict[str, str]]:
    """Find the pictures that other programs made.

    Args:
        folders: (name of the program, its folder).

    Returns:
        {name of the program: {name of a picture: its path}}.

    Raises:
        UserError: a folder has no pictures, or a name is there twice.
    """
    colored: dict[str, dict[str, str]] = {}
    for name, folder in folders:
        if name in colored:
            raise UserError(f"--colored {printable(name)}: expected each name once")
        colored[name] = by_name(_pictures_of(folder), f"--colored {printable(name)}")
    return colored


def _pictures_of(folder: str) -> list[str]:
    """Paths of a folder's pictures; prints what else is there."""
    found: list[str] = []
    others: list[str] = []
    for file in finding.find_files(folder, others):
        (found if finding.is_picture_name(file) else others).append(file)
    if not found:
        raise UserError(f"{printable(folder)}: expected pictures (.jpg, .png, …) in this folder")
    finding.say_left_out(folder, others)
    return found


def _set_name(path: str, taken: Collection[str]) -> str:
    """The folder's last two names, such as scenes/val; the whole path if that is taken."""
    short = "/".join(os.path.abspath(path).split(os.sep)[-2:])
    return printable(path if short in taken else short)
