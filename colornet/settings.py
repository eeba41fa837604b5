"""Values of a frozen dataclass as the shell's texts and as JSON, for `config.py`."""

import dataclasses
import difflib
import json
import math
import os
import pathlib
import sys
import typing
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from colornet.errors import UserError
from colornet.files import whole_file
from colornet.versions import versions

Values = TypeVar("Values")  # a dataclass
# Names of settings with spaces between, what is expected of them, and whether a value is that.
Rule = tuple[str, str, Callable[[Any], object]]

_EXPECTED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "values with commas between",
}


def parse(kind: type, assignment: str) -> tuple[str, Any]:
    """(name, value) of a text such as "steps=5000".

    Args:
        kind: a dataclass of bool, int, float, str and tuple fields.

    Raises:
        UserError: no such field, or a value of another type.
    """
    key, separator, text = assignment.partition("=")
    if not separator:
        raise UserError(f"--set: expected key=value, got {assignment!r}")
    fields = _fields(kind)
    check_name(kind, key)
    try:
        return key, _parse_value(fields[key], text)
    except (ValueError, KeyError, ZeroDivisionError):
        expected = _EXPECTED[_kind(fields[key])]
        raise UserError(f"setting {key}: expected {expected}, got {text!r}") from None


def check_name(kind: type, name: str) -> None:
    """Raise UserError if a dataclass has no field of that name."""
    names = list(_fields(kind))
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0)
        raise UserError(
            f"setting {name!r}: no such setting; nearest is {near[0]!r} "
            f"(allowed: {', '.join(sorted(names))})"
        )


def _fields(kind: Any) -> dict[str, dataclasses.Field]:
    """{name: field} of a dataclass."""
    return {field.name: field for field in dataclasses.fields(kind)}


def check(values: Any, rules: Iterable[Rule]) -> None:
    """Raise UserError if a dataclass's value is not of its type, not finite or against a rule."""
    for field in dataclasses.fields(values):
        value = getattr(values, field.name)
        _check_type(field, value)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, float) and not math.isfinite(number):
                raise UserError(f"setting {field.name}: expected a finite number, got {value!r}")
    for names, expected, holds in rules:
        for name in names.split():
            value = getattr(values, name)
            if not holds(value):
                raise UserError(f"setting {name}: expected {expected}, got {value!r}")


def _check_type(field: dataclasses.Field, value: object) -> None:
    """Raise UserError if a value is not of its field's type; whole numbers are numbers, too."""
    kind = _kind(field)
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or (kind is not bool and isinstance(value, bool)):
        raise UserError(f"setting {field.name}: expected {_EXPECTED[kind]}, got {value!r}")


def _kind(field: dataclasses.Field) -> Any:
    """tuple for tuple[float, ...]."""
    return typing.get_origin(field.type) or field.type


def _parse_value(field: dataclasses.Field, text: str) -> Any:
    kind = _kind(field)
    if kind is bool:
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    if kind is tuple:
        return tuple(map(_element_kind(field), text.split(","))) if text else ()
    if kind is int:
        return int(text.replace("_", ""))
    if kind is float:
        above, _, below = text.partition("/")
        return float(above) / float(below or 1)
    return text


def _element_kind(field: dataclasses.Field) -> Any:
    """float for tuple[float, ...]."""
    return typing.get_args(field.type)[0]


def differences(values: Any, other: Any) -> dict[str, tuple[Any, Any]]:
    """Names of the fields in which two of a dataclass differ, with both values."""
    pairs = zip(dataclasses.asdict(values).items(), dataclasses.asdict(other).values())
    return {name: (value, was) for (name, value), was in pairs if value != was}


def save(values: Any, path: str | os.PathLike[str], schema: int) -> None:
    """Write a dataclass as JSON, whole or not at all; raises OSError."""
    content = {"schema": schema, **versions(), "settings": dataclasses.asdict(values)}
    text = json.dumps(content, indent=2) + "\n"
    with whole_file(path) as file:
        file.write(text.encode())


def read(
    kind: type[Values],
    path: str | os.PathLike[str],
    schema: int,
    before: dict[str, Any],
    renamed: dict[str, str],
) -> Values:
    """What `save` wrote, in this schema or an older one.

    Args:
        kind: the dataclass.
        schema: the newest that is understood; files without one hold the settings alone.
        before: {name: value} of fields that older files may lack.
        renamed: {old name: name}.

    Raises:
        UserError: the file is missing, damaged or newer, or a value does not fit.
    """
    found = _load(path, schema)
    found = {renamed.get(name, name): value for name, value in found.items()}
    fields = _fields(kind)
    gone = sorted(set(found) - set(fields))
    if gone:
        print(f"{path}: no longer settings, left out: {', '.join(gone)}", file=sys.stderr)
    missing = sorted(set(fields) - set(found) - set(before))
    if missing:
        raise UserError(f"{path}: expected the settings {', '.join(missing)}, found none")
    try:
        values = {
            name: _from_json(fields[name], value) for name, value in found.items() if name in fields
        }
        return kind(**before | values)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _load(path: str | os.PathLike[str], schema: int) -> dict[str, Any]:
    """{name: value} of the settings in a file."""
    try:
        content = json.loads(pathlib.Path(path).read_text())
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file; expected the settings of a trained network"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: expected settings as JSON: {error}") from None
    if isinstance(content, dict) and "schema" in content:
        if content["schema"] != schema:
            raise UserError(
                f"{path}: expected schema {schema} or older, got {content['schema']!r} of version "
                f"{content.get('version')}; use that version"
            )
        content = content.get("settings")
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected settings as JSON, with a name for each")
    return content


def _from_json(field: dataclasses.Field, value: Any) -> Any:
    """A value from JSON, which has lists for tuples."""
    if _kind(field) is not tuple or not isinstance(value, list):
        return value
    try:
        return tuple(map(_element_kind(field), value))
    except (TypeError, ValueError):
        raise UserError(f"setting {field.name}: expected numbers, got {value!r}") from None
