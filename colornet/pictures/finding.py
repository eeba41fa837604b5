"""Finding pictures in folders."""

import collections
import os
from collections.abc import Iterable, Iterator

from colornet.errors import UserError
from colornet.files import printable
from colornet.pictures.formats import is_picture_name, kind_of_name

__all__ = ["find_files", "is_picture_name", "left_out"]
_LINK, _LOCKED, _OTHER = "linked folder", "folder that cannot be read", "other file"
_PLURALS = {_LINK: "linked folders", _LOCKED: "folders that cannot be read", _OTHER: "other files"}


def find_files(folder: str) -> Iterator[str]:
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


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        shown = (entry for entry in entries if not entry.name.startswith("."))
        return sorted(shown, key=lambda entry: os.fsencode(entry.name))


def _files_of(entries: Iterable[os.DirEntry[str]]) -> Iterator[str]:
    for entry in entries:
        try:
            below = _entries(entry.path) if entry.is_dir(follow_symlinks=False) else None
        except OSError:
            below = None  # the reason is found when it is opened
        if below is None:
            yield entry.path
        else:
            yield from _files_of(below)


def left_out(paths: Iterable[str]) -> str:
    """What some of the files that `find_files` found are, for one line; "" for none.

    Args:
        paths: those that nothing was done with.
    """
    kinds = collections.Counter(map(_kind, paths))
    return ", ".join(
        f"{count} {kind if count == 1 else _PLURALS.get(kind, kind)}"
        for kind, count in kinds.most_common()
    )


def _kind(path: str) -> str:
    if os.path.isdir(path):
        return _LINK if os.path.islink(path) else _LOCKED
    return kind_of_name(path) or _OTHER
