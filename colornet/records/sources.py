"""Finding photographs in folders and archives, as they lie there or by lists."""

import array
import os
from collections.abc import Iterator, Sequence

import numpy as np

from colornet.errors import UserError
from colornet.files import printable
from colornet.pictures.finding import find_files, say_left_out
from colornet.records import archives
from colornet.records.classes import classes_of
from colornet.records.format import NO_CLASS
from colornet.records.photographs import FILE, MISSING, Listing, PhotographList, joined

SHOWN = 10  # names in a message
PROBED = 1000  # listed names by which the folder that they start from is found


# --- Sources as they are --------------------------------------------------------------------


def from_sources(
    sources: Sequence[str],
    index_folder: str,
    known: list[str] | None = None,
    unlabeled: bool = False,
) -> PhotographList:
    """Every file of some folders and archives.

    The classes are the folders that hold photographs, see `classes.classes_of`; those of the same
    name in several sources are one. Photographs of a source itself have none.

    Args:
        sources: paths of folders, of .tar archives, or of folders in archives (x.tar/train).
        index_folder: where the indices of archives are kept.
        known: class names of the training photographs, for those of validation.
        unlabeled: leave photographs without a class that are of none of the `known`.

    Raises:
        UserError: a source is missing, holds no file, or holds classes that are not known.
    """
    parts = [_listed(source, index_folder, len(sources) == 1) for source in sources]
    classes = []
    found: set[str] = set()
    for part, source in zip(parts, sources):
        folders: dict[bytes, int] = {}
        numbers = array.array("i")
        for name in part.names:
            numbers.append(folders.setdefault(name.rpartition(b"/")[0], len(folders)))
        of_folder = classes_of([printable(folder) for folder in folders], printable(source))
        names = [of_folder[printable(folder)] for folder in folders]
        classes.append((np.frombuffer(numbers, np.int32), names))
        found.update(name for name in names if name is not None)
    class_names = sorted(found) if known is None else known
    _check_known(found - set(class_names), class_names, unlabeled)
    labels: dict[str | None, int] = {name: number for number, name in enumerate(class_names)}
    of_rows = [
        np.array([labels.get(name, NO_CLASS) for name in names], np.int32)[numbers]
        for numbers, names in classes
    ]
    return joined(parts, np.concatenate(of_rows), class_names)


def _check_known(unknown: set[str], class_names: list[str], unlabeled: bool) -> None:
    if unknown and not unlabeled and class_names:
        named = ", ".join(sorted(unknown)[:SHOWN])
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        raise UserError(
            f"--val-images: {len(unknown)} folders are no class of the training photographs: "
            f"{named}{more}; rename or remove them, or give --unlabeled to use what they hold "
            "without a class"
        )


def _listed(source: str, index_folder: str, alone: bool) -> Listing:
    """The Listing of a source; `alone`: whether it is the only one."""
    archive, inner = _archive_of(source)
    if not archive:
        return _listed_folder(source, index_folder)
    part = _listed_archive(source, archive, inner, index_folder)
    return part if inner else part._replace(names=_below_top(part.names, alone))


def _listed_archive(source: str, archive: str, inner: bytes, index_folder: str) -> Listing:
    names, starts, sizes = archives.index(archive, index_folder)[1:]
    if inner:
        if len(names) and not any(name.startswith(inner) for name in names):
            names = _below_top(names, True)
        inside = np.array([name.startswith(inner) for name in names], bool)
        names = [name[len(inner) :] for name in names if name.startswith(inner)]
        starts, sizes = starts[inside], sizes[inside]
    if not len(names):
        raise UserError(f"{printable(source)}: expected photographs, found no file")
    return Listing([archive], names, np.zeros(len(names), np.int32), starts, sizes)


def _archive_of(source: str) -> tuple[str, bytes]:
    """(archive, b"folder in it/"); the archive is "" for a source that is none."""
    path, inner = source, ""
    while path and not os.path.exists(path) and os.path.dirname(path) != path:
        path, name = os.path.split(path)
        inner = f"{name}/{inner}" if name else inner
    if os.path.isfile(path) and (path == source or archives.is_archive(path)):
        return path, os.fsencode(inner)
    return "", b""


def _below_top(names: list[bytes], alone: bool) -> list[bytes]:
    """Names below the one folder that an archive is of, as if that folder had been given.

    An archive of one folder of photographs among others is that of a class, whose name stays.
    """
    top = names[0].partition(b"/")[0] + b"/"
    if not (names[0].startswith(top) and names[len(names) - 1].startswith(top)):  # in order
        return names
    if not alone and not any(b"/" in name[len(top) :] for name in names):
        return names
    return [name[len(top) :] for name in names]


def _listed_folder(folder: str, index_folder: str) -> Listing:
    paths, numbers = [folder], array.array("i")
    starts, sizes = array.array("q"), array.array("q")
    hidden: list[str] = []

    def names() -> Iterator[bytes]:
        for path in find_files(folder, hidden):
            name = os.fsencode(os.path.relpath(path, folder))
            if not archives.is_archive(path):
                numbers.append(0)
                starts.append(FILE)
                sizes.append(0)
                yield name
                continue
            held = archives.index(path, index_folder)
            numbers.extend([len(paths)] * len(held.names))
            paths.append(path)
            starts.extend(held.starts.tolist())
            sizes.extend(held.sizes.tolist())
            top = os.path.basename(name[:-4]) + b"/"
            yield from (name[:-4] + b"/" + below.removeprefix(top) for below in held.names)

    found = list(names())
    say_left_out(folder, hidden)  # all else is used, or named in rejected.tsv
    if not len(found):
        raise UserError(f"{printable(folder)}: expected photographs, found no file")
    return Listing(
        paths,
        found,
        np.frombuffer(numbers, np.int32),
        np.frombuffer(starts, np.int64),
        np.frombuffer(sizes, np.int64),
    )


# --- By lists -------------------------------------------------------------------------------


def from_list(
    names: list[bytes],
    labels: np.ndarray,
    class_names: list[str],
    sources: Sequence[str],
    index_folder: str,
) -> PhotographList:
    """The photographs that a list names, in its order, whether they are there or not.

    Args:
        names, labels: of `lists.read_list`.
        class_names: in the order of their numbers.
        sources: as in `from_sources`.
        index_folder: where the indices of archives are kept.

    Raises:
        UserError: a source is missing, or holds no file.
    """
    if len(sources) == 1 and os.path.isdir(sources[0]) and (start := _start_of(sources[0], names)):
        count = len(names)  # nothing need be listed
        numbers, sizes = np.zeros(count, np.int32), np.zeros(count, np.int64)
        part = Listing([start], names, numbers, np.full(count, FILE, np.int64), sizes)
        return joined([part], labels, class_names)
    listed = set(names)
    held = joined([_below_start(source, listed, index_folder) for source in sources], labels, [])
    first = {name: row for row, name in reversed(list(enumerate(held.names)))}
    rows = np.array([first.get(name, -1) for name in names], np.int64)
    missing = rows < 0  # -1, whose values do not count
    part = Listing(
        held.paths,
        names,
        held.path_numbers[rows],
        np.where(missing, MISSING, held.starts[rows]),
        held.sizes[rows],
    )
    return joined([part], labels, class_names)


def _start_of(folder: str, names: list[bytes]) -> str:
    """The folder that listed names start from: the one given, or one that it holds; or ""."""
    probed = [os.fsdecode(names[i]) for i in range(min(len(names), PROBED))]
    below = folder
    while not any(os.path.exists(os.path.join(below, name)) for name in probed):
        with os.scandir(below) as entries:
            inside = [entry for entry in entries if not entry.name.startswith(".")]
        if len(inside) != 1 or not inside[0].is_dir():
            return ""
        below = inside[0].path
    return below


def _below_start(source: str, listed: set[bytes], index_folder: str) -> Listing:
    """Return what a source holds, by names that begin where the listed ones do."""
    archive, inner = _archive_of(source)
    if archive:
        part = _listed_archive(source, archive, inner, index_folder)
    else:
        part = _listed_folder(source, index_folder)
    ends = part.names[0], part.names[len(part.names) - 1]  # in order
    shared = os.path.commonprefix([name.split(b"/")[:-1] for name in ends])
    for depth in range(len(shared) + 1):
        start = b"".join(folder + b"/" for folder in shared[:depth])
        names = [name[len(start) :] for name in part.names]
        if not listed.isdisjoint(names):
            # Of a folder, which its files are opened by; an archive's photographs are not.
            first = part.paths[0] if archive else os.path.join(source, os.fsdecode(start))
            return part._replace(paths=[first, *part.paths[1:]], names=names)
    return part
