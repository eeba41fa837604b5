"""Names of scene classes, from the folders that hold their photographs."""

import os

from colornet.errors import UserError

_TRAINING = {"train", "training"}
_VALIDATION = {"val", "valid", "validation", "test", "testing"}


def classes_of(folders: list[str], source: str) -> dict[str, str | None]:
    """{folder: class}, of the folders in a source that hold photographs; paths with "/".

    A class is named by its folder's path below the source, so that bath/indoor and bath/outdoor
    are two. Folders that only sort classes by their first letter, as in Places' a/abbey, are left
    off, and so is what lies above them. Photographs of the source itself ("") have no class.

    Raises:
        UserError: the source holds folders for training and for validation.
    """
    paths = {folder: folder.split("/") for folder in folders if folder}
    if not paths:
        return dict.fromkeys(folders)
    above = len(os.path.commonprefix([path[:-1] for path in paths.values()]))
    _refuse_splits(paths, above, source)
    skipped = 0
    for depth in range(above + 1):
        if all(_by_letter(path, depth) for path in paths.values()):
            skipped = depth + 1
            break
    return {folder: "/".join(paths[folder][skipped:]) if folder else None for folder in folders}


def _by_letter(path: list[str], depth: int) -> bool:
    """Whether a folder at some depth is one letter, with which the next one begins."""
    return (
        len(path) > depth + 1
        and len(path[depth]) == 1
        and path[depth + 1].lower().startswith(path[depth].lower())
    )


def _refuse_splits(paths: dict[str, list[str]], above: int, source: str) -> None:
    """Raise UserError if what lies below the folders above all is for training and validation."""
    names = sorted({path[above] for path in paths.values()})
    by_use = [[n for n in names if n.lower() in known] for known in (_TRAINING, _VALIDATION)]
    if all(by_use):
        base = "/".join([source, *next(iter(paths.values()))[:above]])
        train, val = (f"{base}/{found[0]}" for found in by_use)
        raise UserError(
            f"{source}: holds folders for training and for validation, which are no classes; "
            f"give them as --images {train} --val-images {val}"
        )
