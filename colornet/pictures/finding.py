"""Finding pictures in folders."""

import collections
import os
from collections.abc import Iterable, Iterator

from colornet.errors import UserError
from colornet.files import printable
from colornet.pictures.formats import is_picture_name, kind_of_name

__all__ = ["find_files", "is_picture_name", "left_out", "say_left_out"]
_LINK, _LOCKED, _OTHER = "linked folder", "folder that cannot be read", "other file"
_HIDDEN, _HIDDEN_FOLDER = "hidden file", "hidden folder"
_PLURALS = {
    _LINK: "linked folders",
    _LOCKED: "folders that cannot be read",
    _OTHER: "other files",
    _HIDDEN: "hidden files",
    _HIDDEN_FOLDER: "hidden folders",
}
# What systems and this program put beside photographs, which nobody would miss.
_NOISE = frozenset("thumbs.db ehthumbs.db desktop.ini .ds_store .localized .directory".split())
_NOISE_STARTS = ("._", ".partial-")


def find_files(folder: str, hidden: list[str] | None = None) -> Iterator[str]:
    """Every file below a folder, depth first in the order of names; hidden ones are left out.

    Args:
        folder: where to search.
        hidden: list to which hidden files and folders are added.

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
    yield from _files_of(entries, [] if hidden is None else hidden)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: os.fsencode(entry.name))


def _files_of(entries: Iterable[os.DirEntry[str]], hidden: list[str]) -> Iterator[str]:
    for entry in entries:
        if entry.name.startswith("."):
            hidden.append(entry.path)
            continue
        try:
            below = _entries(entry.path) if entry.is_dir(follow_symlinks=False) else None
        except OSError:
            below = None  # the reason is found when it is opened
        if below is None:
            yield entry.path
        else:
            yield from _files_of(below, hidden)


def left_out(paths: Iterable[str]) -> str:
    """What some of the files that `find_files` found are, for one line; "" for none.

    Args:
        paths: those that nothing was done with. What systems put there by themselves, such as
            .DS_Store, ._a.jpg or Thumbs.db, does not count.
    """
    kinds = collections.Counter(_kind(path) for path in paths if not _is_noise(path))
    return ", ".join(
        f"{count} {kind if count == 1 else _PLURALS.get(kind, kind)}"
        for kind, count in kinds.most_common()
    )


def say_left_out(folder: str, paths: Iterable[str]) -> None:
    """Print one line of what `left_out` says of a folder's files, if anything."""
    if text := left_out(paths):
        print(f"{printable(folder)}: left out {text}")


def _is_noise(path: str) -> bool:
    name = os.path.basename(path).lower()
    return name in _NOISE or name.startswith(_NOISE_STARTS)


def _kind(path: str) -> str:
    if os.path.basename(path).startswith("."):
        return _HIDDEN_FOLDER if os.path.isdir(path) else _HIDDEN
    if os.path.isdir(path):
        return _LINK if os.path.islink(path) else _LOCKED
    return kind_of_name(path) or _OTHER
