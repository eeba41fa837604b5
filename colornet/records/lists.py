"""Lists of photographs as datasets bring them: a name and the number of its class a line."""

import array
import re
from collections.abc import Iterator

import numpy as np

from colornet.errors import UserError
from colornet.files import printable
from colornet.records.classes import classes_of

_LINE = re.compile(r"(.*\S)[\s,;]+(\d+)")  # Places365 and ImageNet: a space; CSV: a comma


def read_list(path: str) -> tuple[list[bytes], np.ndarray]:
    """(names, class numbers) of lines such as `/a/airfield/00000001.jpg 0` or `a/abbey/x.jpg,0`.

    Raises:
        UserError: the file cannot be read, or a line is not as expected.
    """
    numbers = array.array("i")

    def names() -> Iterator[bytes]:
        for line, text in _lines(path):
            match = _LINE.fullmatch(text)
            if not match or int(match[2]) >= 1 << 31:
                raise UserError(
                    f"{printable(path)}, line {line}: expected a photograph and the number of its "
                    f"class, such as 'a/airfield/00000001.jpg 0'; got {text!r}"
                )
            numbers.append(int(match[2]))
            yield match[1].lstrip("/").encode("utf-8", "surrogateescape")

    return list(names()), np.frombuffer(numbers, np.int32)


def read_categories(path: str) -> list[str]:
    """Class names in the order of their numbers: lines `/a/airfield 0`, or names alone.

    Raises:
        UserError: the file cannot be read, or the numbers are not 0 to their count, each once.
    """
    lines = [text for _, text in _lines(path)]
    matches = [match for text in lines if (match := _LINE.fullmatch(text))]
    if len(matches) == len(lines):
        numbered = {int(match[2]): match[1] for match in matches}
        if sorted(numbered) != list(range(len(lines))):
            raise UserError(f"{printable(path)}: expected classes 0 to {len(lines) - 1}, each once")
        lines = [numbered[number] for number in range(len(lines))]
    folders = [name.strip("/") for name in lines]
    return [name or "" for name in classes_of(folders, path).values()]


def categories_of(names: list[bytes], numbers: np.ndarray, path: str) -> list[str]:
    """Class names of a list without categories: the folders in which the photographs lie.

    Raises:
        UserError: a number stands for several folders, or for none.
    """
    folders: dict[int, set[bytes]] = {}
    for name, number in zip(names, numbers.tolist()):
        folders.setdefault(number, set()).add(name.rpartition(b"/")[0])
    single = all(len(found) == 1 and found != {b""} for found in folders.values())
    if not single or sorted(folders) != list(range(len(folders))):
        raise UserError(
            f"{printable(path)}: its class numbers are not one for each folder, from 0 on; "
            "give --categories, the list of class names"
        )
    texts = [printable(folders[number].pop()) for number in range(len(folders))]
    return [name or "" for name in classes_of(texts, path).values()]


def check_numbers(
    names: list[bytes], numbers: np.ndarray, class_names: list[str], path: str
) -> None:
    """Raise UserError if a list names a class that there is not."""
    for row in np.flatnonzero(numbers >= len(class_names))[:1]:
        raise UserError(
            f"{printable(path)}: {printable(names[row])} is of class {numbers[row]}; "
            f"expected 0 to {len(class_names) - 1}, the classes that are named"
        )


def _lines(path: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, text) of the lines that are not blank; raises UserError without any."""
    found = False
    try:
        # The mark that some editors put at the beginning is no part of the first line.
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
            for line, text in enumerate(file, 1):
                if text := text.strip():
                    found = True
                    yield line, text
    except OSError as error:
        raise UserError(f"{printable(path)}: {error.strerror}") from None
    if not found:
        raise UserError(f"{printable(path)}: the list is empty; expected a name a line")
