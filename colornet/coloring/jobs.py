"""Find the pictures and films to color, and name their outputs."""

import collections
import dataclasses
import glob
import os
import tempfile
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence

from colornet.errors import ImageError, UserError
from colornet.files import identity, printable
from colornet.films import kinds
from colornet.pictures import finding, formats

COLORED = ".colored"  # before the ending of outputs beside their inputs, which are no inputs


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture or film: where it is, and the files that it becomes."""

    source: str
    target: str
    comparison: str | None  # of a picture, gray and colored side by side
    is_film: bool = False

    def outputs(self) -> list[str]:
        return [path for path in (self.comparison, self.target) if path]

    def wanted(self, overwrite: bool) -> list[str]:
        """Return the outputs that are to be made; an empty file is none."""
        return [path for path in self.outputs()
                if overwrite or not (os.path.isfile(path) and os.path.getsize(path))]  # fmt: skip


def find_jobs(
    inputs: Sequence[str], output: str | None, kind: str | None = None, compare: bool | None = False
) -> list[Job]:
    """List the jobs in order; explicit files are always tried, folders are searched by endings.

    Args:
        inputs: files, folders, and patterns.
        output: a folder, or the name of a file for a single input; None: beside each input, as
            `photograph.colored.jpg`.
        kind: format of the output pictures, a key of `formats.ENDING_OF`; None: that of the input.
        compare: whether gray and colored pictures side by side are wanted too.

    Raises:
        UserError: an input does not exist, nothing was found, or the output does not fit.
    """
    found: dict[str, tuple[str, str]] = {}
    for text in inputs:
        paths = [text] if os.path.lexists(text) else sorted(glob.glob(text, recursive=True))
        if not paths:
            raise UserError(f"{printable(text)}: no such file or folder")
        for path in paths:
            if os.path.isdir(path) and output is None:
                raise UserError(f"{printable(path)}: a folder; expected -o OUT as well")
            for source in _search(path, output or "") if os.path.isdir(path) else [path]:
                relative = os.path.relpath(source, path) if source != path else ""
                found.setdefault(
                    os.path.abspath(source), (source, relative or os.path.basename(path))
                )
    if not found:
        raise UserError(
            "no pictures found; expected files, or folders with .jpg, .png, .mp4, … in them"
        )
    is_named = output is not None and _is_file_name(output, kind, len(found))
    jobs = []
    for source, relative in found.values():
        is_film = kinds.is_film(source)
        if output is None:
            stem, ending = os.path.splitext(_with_ending(source, is_film, kind))
            target = stem + COLORED + ending
        elif is_named:
            target = output
            _check_kind(output, is_film)
        else:
            target = _with_ending(os.path.join(output, relative), is_film, kind)
        comparison = os.path.splitext(target)[0] + ".compare.png"
        jobs.append(Job(source, target, comparison if compare and not is_film else None, is_film))
    return jobs


def _check_kind(output: str, is_film: bool) -> None:
    if is_film != kinds.is_film_name(output):
        expected = "film, such as .mp4 or .mkv" if is_film else "picture, such as .png"
        raise UserError(f"-o {printable(output)}: expected a folder, or the name of a {expected}")


def _search(folder: str, output: str) -> Iterator[str]:
    """Pictures and films below a folder, but for those of an output folder inside it.

    One line on standard output counts what else is there.
    """
    others: list[str] = []
    hidden: list[str] = []
    within, output = (os.path.join(os.path.realpath(path), "") for path in (folder, output))

    def is_output(path: str) -> bool:
        where = os.path.join(os.path.realpath(os.path.dirname(path)), "")
        return output != within and where.startswith(output)

    for path in finding.find_files(folder, hidden):
        if is_output(path) or os.path.splitext(path)[0].endswith(COLORED):
            continue
        unreadable = os.path.isdir(path) and not os.path.islink(path)
        if finding.is_picture_name(path) or kinds.is_film_name(path) or unreadable:
            yield path
        else:
            others.append(path)
    finding.say_left_out(folder, others + [path for path in hidden if not is_output(path)])


def _is_file_name(output: str, kind: str | None, count: int) -> bool:
    """Tell whether -o names a file, not a folder; raises UserError where that does not fit."""
    ending = os.path.splitext(output)[1].lower()
    if os.path.isdir(output):
        return False
    if ending in formats.FORMAT_OF or kinds.is_film_name(output):
        if count > 1:
            raise UserError(
                f"-o {printable(output)}: a file name, but there are {count} pictures or films; "
                "give a folder"
            )
        if ending in formats.FORMAT_OF and kind not in (None, formats.FORMAT_OF[ending]):
            raise UserError(
                f"-o {printable(output)}: its ending does not go with "
                f"--format {kind}; leave one of them out"
            )
        return True
    if finding.is_picture_name(output):
        raise UserError(
            f"-o {printable(output)}: expected a folder, or a file name with "
            f"{', '.join(formats.FORMAT_OF)}; got {ending}"
        )
    if os.path.lexists(output):
        raise UserError(f"-o {printable(output)}: expected a folder, but a file has that name")
    return False


def _with_ending(path: str, is_film: bool, kind: str | None) -> str:
    """Return an output's name, from that of its input in the output folder."""
    stem, ending = os.path.splitext(path)
    if not (finding.is_picture_name(path) or kinds.is_film_name(path)):
        stem = path  # what follows the last point of "1923.07.04 Harbour" is part of the name
    if is_film:
        return stem + kinds.output_ending(ending)
    own = formats.FORMAT_OF.get(ending.lower())
    return path if own and kind in (None, own) else stem + formats.ENDING_OF[kind or "PNG"]


def feasible(
    jobs: Sequence[Job], model: str, style_from: str | None
) -> tuple[list[Job], list[tuple[Job, ImageError]]]:
    """Separate jobs that can be done, and replace no input and no other's output, from the others.

    Args:
        jobs: of `find_jobs`.
        model, style_from: paths of the network and of the style's picture, which are inputs too.

    Returns:
        (jobs, [(job, ImageError)]).
    """
    of_model = [model, *glob.glob(os.path.join(glob.escape(model), "*"))]
    paths = [*(job.source for job in jobs), *of_model, *filter(None, [style_from])]
    inputs = {identity(path) for path in paths} - {None}
    taken: dict[str, set[str]] = collections.defaultdict(set)
    free, refused = [], []
    for job in jobs:
        try:
            if job.is_film and not kinds.can_be_read():
                raise ImageError("films need PyAV; pip install 'let-there-be-color[films]'")
            for path in job.outputs():
                _check_free(path, inputs, taken)
        except ImageError as error:
            refused.append((job, error))
        else:
            for path in job.outputs():
                taken[_plain(path)].add(path)
            free.append(job)
    return free, refused


def _check_free(
    path: str, inputs: Collection[object], taken: Mapping[str, Collection[str]]
) -> None:
    if identity(path) in inputs:
        raise ImageError(f"its output {printable(path)} would replace an input; choose another -o")
    alike = taken[_plain(path)]
    if path in alike or (alike and not _tells_apart(os.path.dirname(path))):
        raise ImageError(f"its output {printable(path)} is that of another input too")


def _plain(path: str) -> str:
    """What is the same for two names that some file systems take for one."""
    return unicodedata.normalize("NFC", path).casefold()


def _tells_apart(folder: str) -> bool:
    """Whether names that differ in case or in how accents are written are two files there."""
    while folder and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    try:
        with tempfile.NamedTemporaryFile(prefix=".partial-\u00e9", dir=folder or ".") as file:
            name = os.path.basename(file.name)
            variants = name.swapcase(), unicodedata.normalize("NFD", name)
            return not any(os.path.exists(os.path.join(folder, other)) for other in variants)
    except OSError:
        return True  # nothing can be written there: saving says why
