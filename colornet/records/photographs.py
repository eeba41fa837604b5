"""Lists of photographs to make records of: class folders, flat folders and Places365's lists."""

import array
import dataclasses
import hashlib
import os
import sys

import numpy as np

from colornet.errors import UserError
from colornet.files import printable
from colornet.pictures.finding import find_files
from colornet.records.format import NO_CLASS


@dataclasses.dataclass
class PhotographList:
    """Photographs in a fixed order; compact, for millions of them.

    Attributes:
        folders: the folders that hold them.
        names: each one's path below its folder, as bytes.
        folder_numbers: index into `folders`.
        labels: index into class_names, or NO_CLASS.
        class_names: sorted.
    """

    folders: list
    names: list
    folder_numbers: array.array
    labels: array.array
    class_names: list

    def __len__(self):
        return len(self.names)

    def entry(self, index):
        """(path, name, label) of one photograph."""
        name = self.names[index]
        folder = self.folders[self.folder_numbers[index]]
        return os.path.join(folder, os.fsdecode(name)), name, self.labels[index]

    def select(self, indices):
        """The photographs at some indices, in that order."""
        return dataclasses.replace(
            self,
            names=[self.names[i] for i in indices],
            folder_numbers=array.array("H", (self.folder_numbers[i] for i in indices)),
            labels=array.array("i", (self.labels[i] for i in indices)),
        )

    def shuffled(self, seed):
        """The same in an order that depends on the seed alone."""
        return self.select(np.random.default_rng(seed).permutation(len(self)))

    def fingerprint(self):
        """A hash of names and labels in their order; where the folders lie does not count."""
        digest = hashlib.sha256("\0".join(self.class_names).encode())
        for name, label in zip(self.names, self.labels):
            digest.update(b"%d\0%b\0" % (label, name))
        return digest.hexdigest()


def from_folders(folders, class_names=None):
    """Every file of some folders.

    A folder with sub-folders holds one class a sub-folder, and files beside those have no class;
    a folder without sub-folders has none. Classes of the same name are merged.

    Args:
        folders: paths.
        class_names: names that get the first labels, as those of the training photographs.

    Raises:
        UserError: a folder is missing or holds no file.
    """
    names, folder_numbers, classes = [], array.array("H"), []
    for number, folder in enumerate(folders):
        before = len(names)
        for path in find_files(folder):
            name = os.path.relpath(path, folder)
            class_name, separator, _ = name.partition(os.sep)
            classes.append(sys.intern(printable(class_name)) if separator else None)
            names.append(os.fsencode(name))
            folder_numbers.append(number)
        if len(names) == before:
            raise UserError(f"{printable(folder)}: expected photographs, found no file")
    known = list(class_names or ())
    known += sorted({name for name in classes if name is not None} - set(known))
    numbers = {None: NO_CLASS, **{name: number for number, name in enumerate(known)}}
    labels = array.array("i", (numbers[name] for name in classes))
    return PhotographList(list(folders), names, folder_numbers, labels, known)


def from_list(list_file, categories_file, folder):
    """Places365's own lists: lines `/a/airfield/00000001.jpg 0` and `/a/airfield 0`.

    Raises:
        UserError: the folder or a file is missing, or a line is not as expected.
    """
    if not os.path.isdir(folder):
        raise UserError(f"{printable(folder)}: expected the folder that holds the photographs")
    categories = dict(
        (number, name) for _, name, number in _lines(categories_file, "/a/airfield 0")
    )
    if sorted(categories) != list(range(len(categories))):
        raise UserError(
            f"{categories_file}: expected classes 0 to {len(categories) - 1}, each once"
        )
    class_names = [
        categories[number].lstrip("/").split("/", 1)[-1] for number in sorted(categories)
    ]
    names, labels = [], array.array("i")
    for line, name, number in _lines(list_file, "/a/airfield/00000001.jpg 0"):
        if number not in categories:
            raise UserError(f"{list_file}, line {line}: class {number} is not in {categories_file}")
        names.append(os.fsencode(name.lstrip("/")))
        labels.append(number)
    folder_numbers = array.array("H", bytes(2 * len(names)))
    return PhotographList([folder], names, folder_numbers, labels, class_names)


def _lines(path, example):
    """Yield (line number, text, number) of a file of `text number` lines."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            for line, text in enumerate(file, 1):
                name, _, number = text.strip().rpartition(" ")
                if not name or not number.isdecimal():
                    raise UserError(f"{path}, line {line}: expected as {example!r}, got {text!r}")
                yield line, name, int(number)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
