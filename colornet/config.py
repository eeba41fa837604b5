"""Settings: each one declared in one place, read from presets, the command line, and config.json.

The defaults are the paper's. "Section" means that of Iizuka et al., SIGGRAPH 2016.
"""

import dataclasses
import difflib
import json
import math
import os
import pathlib
import re
import sys
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from colornet.errors import UserError
from colornet.files import whole_file
from colornet.versions import versions

# Presets by name: the settings in which each differs from the defaults. The first is the default.
Presets = Mapping[str, Mapping[str, Any]]
# What a value must be: a text for messages, and a test.
Allowed = tuple[str, Callable[[Any], object]]

SCHEMA = 2  # of config.json
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"  # TensorFlow reads it when it is imported
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
OPTIMIZERS = ("adadelta", "adam", "muon")
SCHEDULES = ("constant", "cosine")
MOST = (1 << 31) - 1  # of a count: an int32; positions, steps times batch_size, fit an int64
TINY, HUGE = 1e-37, 1e37  # within float32
REQUIRED: Any = object()  # in place of `absent`: every config.json has the setting

# The scripts whose --set takes a setting. model_train.py reads the others from the records.
RECORDS = ("input_create",)
BATCHES = ("read_input", "model_train")
NETWORK = ("build_model", "model_train")
TRAINING = ("model_train",)
SCRIPTS = ("input_create", "read_input", "build_model", "model_train")


def between(least: float, most: float) -> Allowed:
    return f"{least} to {most}", lambda x: least <= x <= most


def one_of(values: Collection[str]) -> Allowed:
    return f"one of {', '.join(values)}", values.__contains__


ANY: Allowed = ("any value", lambda x: True)
COUNT = between(1, MOST)
BATCH = between(1, 1 << 16)
NATURAL = between(0, MOST)
POSITIVE = between(TINY, HUGE)
NOT_NEGATIVE = between(0, HUGE)
SHARE: Allowed = ("0 or more, less than 1", lambda x: 0 <= x < 1)


def setting(
    default: Any,
    unit: str,
    allowed: Allowed,
    scripts: tuple[str, ...] = TRAINING,
    *,
    resumable: bool = False,
    exported: bool = False,
    absent: Any = REQUIRED,
) -> Any:
    """Declare a setting of `Config`.

    Args:
        default: the paper's value.
        unit: its unit and meaning.
        allowed: the values that it may have.
        scripts: whose `--set` takes it; empty: the scripts fill it in.
        resumable: whether a resumed run may change it: how far, how often, and where it computes,
            never what is computed.
        exported: whether an exported network contains it, so that it cannot change afterwards.
        absent: its value in a config.json that was written before the setting existed.
    """
    metadata = dict(
        unit=unit,
        allowed=allowed,
        scripts=scripts,
        resumable=resumable,
        exported=exported,
        absent=absent,
    )
    return dataclasses.field(default=default, metadata=metadata)


# fmt: off
@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of every script."""

    # --- Records: photographs as stored (sections 3.4, 4) -------------------------------
    picture_size: int = setting(256, "pixels; photographs are squeezed to this square",
        ("an even number, at most 8192", lambda x: x % 2 == 0 and 2 <= x <= 8192), RECORDS)
    min_side: int = setting(32, "pixels; photographs with a shorter side are left out",
        BATCH, RECORDS)
    min_chroma: float = setting(1.0, "Lab units; less mean chroma is a grayscale photograph",
        NOT_NEGATIVE, RECORDS)
    min_chroma_deviation: float = setting(3.0, "Lab units; less spread is 'little color variance'",
        NOT_NEGATIVE, RECORDS)
    min_toning_deviation: float = setting(2.25, "Lab units off one hue; less is a toned photograph",
        NOT_NEGATIVE, RECORDS, absent=0.0)
    shard_pictures: int = setting(1024, "photographs per shard, before any are left out",
        COUNT, RECORDS)

    # --- Network (section 3, table 1) ---------------------------------------------------
    crop_size: int = setting(224, "pixels; training crop, and input size of the global path",
        ("a multiple of 8, at most 1024", lambda x: x % 8 == 0 and 8 <= x <= 1024),
        ("read_input", *NETWORK), exported=True)
    width: float = setting(1.0, "factor of all layers' outputs, but for chrominance and classes",
        ("more than 0, at most 4", lambda x: 0 < x <= 4), NETWORK, exported=True)
    use_global_features: bool = setting(True, "false: the paper's baseline", ANY, NETWORK,
        exported=True)
    use_classification: bool = setting(True, "false: color loss alone", ANY, NETWORK,
        exported=True)
    num_classes: int = setting(205, "scene classes; training takes it from the records",
        between(1, 1_000_000), ("build_model",), exported=True)
    normalization_momentum: float = setting(0.9, "share that batch normalization's averages keep",
        SHARE, NETWORK, absent=0.9)
    normalization_epsilon: float = setting(1e-5, "added to batch normalization's variances",
        POSITIVE, NETWORK, exported=True, absent=1e-5)

    # --- Training (sections 3.3, 3.4, 4) ------------------------------------------------
    seed: int = setting(0, "of weights, validation share, order, crops, and flips",
        NATURAL, ("input_create", *BATCHES))
    initial_weights: str = setting("", "run folder or weights file to start from; empty: random",
        ANY, absent="")
    zoom: float = setting(1.0, "largest factor by which a crop's sides differ from crop_size",
        between(1, 2), BATCHES, absent=1.0)
    aging: float = setting(0.0, "share of crops whose luminance is aged to an old photograph's",
        between(0, 1), BATCHES, absent=0.0)
    stretching: bool = setting(False, "the network sees luminance stretched to black and white",
        ANY, BATCHES, exported=True, absent=False)
    steps: int = setting(200_000, "training steps", COUNT, resumable=True)
    batch_size: int = setting(128, "pictures per step, over all devices together", BATCH, BATCHES)
    gradient_accumulation: int = setting(1, "parts that a device computes a batch in; saves memory",
        BATCH)
    classification_weight: float = setting(1 / 300, "alpha: weight of the cross entropy",
        NOT_NEGATIVE)
    optimizer: str = setting("adadelta", "adadelta | adam | muon", one_of(OPTIMIZERS))
    learning_rate: float = setting(1.0, "Adadelta's; Adam needs about 0.001, Muon 0.01", POSITIVE)
    schedule: str = setting("constant", "constant | cosine (decays to zero at the last step)",
        one_of(SCHEDULES))
    warmup_steps: int = setting(0, "steps over which the learning rate rises from zero", NATURAL)
    adadelta_rho: float = setting(0.9, "decay of its averages, as in Torch", SHARE, absent=0.95)
    adadelta_epsilon: float = setting(1e-6, "added under its roots, as in Torch", POSITIVE,
        absent=1e-7)
    adam_beta1: float = setting(0.9, "Adam's, and Muon's for layers that Adam updates", SHARE,
        absent=0.9)
    adam_beta2: float = setting(0.999, "likewise", SHARE, absent=0.999)
    adam_epsilon: float = setting(1e-7, "likewise", POSITIVE, absent=1e-7)
    muon_momentum: float = setting(0.95, "decay of Muon's momentum", SHARE, absent=0.95)
    muon_weight_decay: float = setting(0.05, "share of a kernel per step, times the learning rate",
        NOT_NEGATIVE, absent=0.05)
    shuffle_buffer: int = setting(4096, "pictures held in memory to shuffle", COUNT, BATCHES)

    # --- Running ------------------------------------------------------------------------
    precision: str = setting("float32", "float32 | mixed_bfloat16 | mixed_float16",
        one_of(PRECISIONS))
    deterministic: bool = setting(True, "use operations that always give the same bits", ANY)
    devices: str = setting("auto", "auto | cpu | cpu:N (N logical CPU devices)",
        ("auto, cpu, or cpu:N, N at most 999",
         re.compile(r"auto|cpu(:[1-9]\d{,2})?").fullmatch), resumable=True)
    log_every: int = setting(100, "steps", COUNT, resumable=True)
    validate_every: int = setting(2000, "steps", COUNT, resumable=True)
    checkpoint_every: int = setting(1000, "steps", COUNT, resumable=True)
    validation_pictures: int = setting(2000, "validation pictures at most; 0: all", NATURAL)
    validation_batch: int = setting(32, "pictures per validation batch", BATCH, resumable=True,
        absent=32)
    panel_pictures: int = setting(8, "pictures in each validation panel", NATURAL, resumable=True)

    # --- Coloring (sections 3.4, 4) -----------------------------------------------------
    working_size: int = setting(256, "pixels of a side that the network sees; 0: the whole picture",
        ("0, or 8 to 65536", lambda x: x == 0 or 8 <= x <= 1 << 16), resumable=True)
    chroma: float = setting(1.0, "factor of the predicted chrominance", between(0, 100),
        resumable=True)
    smoothing: bool = setting(False, "smooth chrominance within the edges of the luminance", ANY,
        resumable=True, absent=True)
    mount: bool = setting(False, "leave the mount of a scanned print without color", ANY,
        resumable=True, absent=True)

    # --- Filled in by the scripts -------------------------------------------------------
    class_names: tuple[str, ...] = setting((), "of the records", ANY, ())
    mean_color: tuple[float, ...] = setting((), "mean a*, b* of the training pictures",
        ("two numbers, or none", lambda x: len(x) in (0, 2)), (), absent=())
    records_fingerprint: str = setting("", "of the records", ANY, ())
    onednn: str = setting("", "TensorFlow's TF_ENABLE_ONEDNN_OPTS", ANY, (), absent="")
    preset: str = setting("", "the preset that the settings started from", ANY, (),
        resumable=True, absent="")
    # fmt: on

    def __post_init__(self) -> None:
        for field in FIELDS.values():
            _check_value(field, getattr(self, field.name))
        if self.class_names and len(self.class_names) != self.num_classes:
            raise UserError(
                f"setting class_names: expected num_classes={self.num_classes} names, got "
                f"{len(self.class_names)}"
            )
        if self.use_classification and not self.use_global_features:
            raise UserError(
                "setting use_global_features=false: the classification network needs the global "
                "features; add --set use_classification=false"
            )

    @property
    def crop_sides(self) -> tuple[int, int]:
        """(shortest, longest) side of a training crop, in pixels of the stored picture; even."""
        shortest = 2 * round(self.crop_size / self.zoom / 2)
        longest = 2 * round(self.crop_size * self.zoom / 2)
        return shortest, min(self.picture_size, longest)


FIELDS = {field.name: field for field in dataclasses.fields(Config)}


def settings_of(script: str) -> tuple[str, ...]:
    """Names of the settings that a script's `--set` takes."""
    return tuple(name for name, field in FIELDS.items() if script in field.metadata["scripts"])


def is_from_records(name: str) -> bool:
    """Whether training takes a setting from the records."""
    scripts = FIELDS[name].metadata["scripts"]
    return bool(scripts) and "model_train" not in scripts


def is_resumable(name: str) -> bool:
    """Whether a resumed run may change a setting; the fingerprint guards those of the records."""
    return FIELDS[name].metadata["resumable"] or is_from_records(name)


def load_config(
    presets: Presets,
    name: str | None = None,
    assignments: Iterable[str] = (),
    script: str | None = None,
) -> Config:
    """Return the settings of a preset, changed by `key=value` texts.

    Args:
        presets: by name.
        name: of a preset; None: the first one.
        assignments: texts such as "steps=5000".
        script: whose settings alone may be changed; None: any.

    Raises:
        UserError: unknown preset or key, a key that the script does not take, or a value of the
            wrong type or range.
    """
    name = next(iter(presets)) if name is None else name
    if name not in presets:
        raise UserError(f"preset: expected one of {', '.join(presets)}, got {name!r}")
    for key in presets[name]:
        _check_name(key)
    return changed(Config(**presets[name], preset=name), assignments, script)


def changed(config: Config, assignments: Iterable[str], script: str | None = None) -> Config:
    """Return `config` with `key=value` texts applied; raises UserError as `load_config` does."""
    values = {}
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        if not separator:
            raise UserError(f"--set: expected key=value, got {assignment!r}")
        _check_name(key)
        if script and key not in settings_of(script):
            raise UserError(_wrong_script(key, script))
        values[key] = _parse(FIELDS[key], text)
    return dataclasses.replace(config, **values)


def _check_name(name: str) -> None:
    if name not in FIELDS:
        nearest = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0)[0]
        raise UserError(
            f"setting {name!r}: no such setting; nearest is {nearest!r} "
            f"(allowed: {', '.join(sorted(FIELDS))})"
        )


def _wrong_script(name: str, script: str) -> str:
    scripts = FIELDS[name].metadata["scripts"]
    if not scripts:
        return f"setting {name}: the scripts fill it in; it cannot be set"
    why = "takes it from the records" if script == "model_train" else "does not use it"
    others = " and ".join(f"{other}.py" for other in scripts)
    return f"setting {name}: {script}.py {why}; {others} can set it"


_EXPECTED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "values with commas between",
}


def _kind(field: dataclasses.Field) -> Any:
    """Return a field's type; tuple for tuple[float, ...]."""
    return typing.get_origin(field.type) or field.type


def _parse(field: dataclasses.Field, text: str) -> Any:
    """Return the value of a setting that a text stands for; raises UserError."""
    kind = _kind(field)
    try:
        if kind is bool:
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if kind is tuple:
            return tuple(map(typing.get_args(field.type)[0], text.split(","))) if text else ()
        if kind is int:
            return int(text.replace("_", ""))
        if kind is float:
            above, _, below = text.partition("/")
            return float(above) / float(below or 1)
    except (ValueError, KeyError, ZeroDivisionError):
        raise UserError(f"setting {field.name}: expected {_EXPECTED[kind]}, got {text!r}") from None
    return text


def _check_value(field: dataclasses.Field, value: Any) -> None:
    """Raise UserError for a value of the wrong type or range; whole numbers are numbers, too."""
    kind, (expected, holds) = _kind(field), field.metadata["allowed"]
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or (kind is not bool and isinstance(value, bool)):
        raise UserError(f"setting {field.name}: expected {_EXPECTED[kind]}, got {value!r}")
    for number in value if kind is tuple else (value,):
        if isinstance(number, float) and not math.isfinite(number):
            raise UserError(f"setting {field.name}: expected a finite number, got {value!r}")
    if not holds(value):
        raise UserError(f"setting {field.name}: expected {expected}, got {value!r}")


def differences(config: Config, other: Config) -> dict[str, tuple[Any, Any]]:
    """Return {name: (value, other value)} of the settings in which two configs differ."""
    pairs = {name: (getattr(config, name), getattr(other, name)) for name in FIELDS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def save_config(config: Config, path: str | os.PathLike[str]) -> None:
    """Write config.json atomically: schema, versions of code and libraries, settings.

    Raises:
        OSError: the file cannot be written.
    """
    content = {"schema": SCHEMA, **versions(), "settings": dataclasses.asdict(config)}
    with whole_file(path) as file:
        file.write((json.dumps(content, indent=2) + "\n").encode())


def read_config(path: str | os.PathLike[str]) -> Config:
    """Read the settings in a config.json.

    Settings that it lacks get their `absent` value. Settings that no longer exist are ignored, with
    a line on standard error.

    Raises:
        UserError: the file is missing, damaged, or of another schema, or a value does not fit.
    """
    found = _load(path)
    gone = sorted(set(found) - set(FIELDS))
    if gone:
        print(f"{path}: ignored, as they no longer exist: {', '.join(gone)}", file=sys.stderr)
    absent = {name: field.metadata["absent"] for name, field in FIELDS.items()}
    values = {name: found.get(name, absent[name]) for name in FIELDS}
    missing = sorted(name for name, value in values.items() if value is REQUIRED)
    if missing:
        raise UserError(f"{path}: expected the settings {', '.join(missing)}, found none")
    try:
        return Config(**{name: _from_json(FIELDS[name], value) for name, value in values.items()})
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return {name: value} of the settings in a config.json; raises UserError."""
    try:
        content = json.loads(pathlib.Path(path).read_text())
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file; expected the settings of a trained network"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: expected settings as JSON: {error}") from None
    schema = content.get("schema", "none") if isinstance(content, dict) else "none"
    if schema != SCHEMA:
        version = content.get("version", "0.1 or 0.2") if isinstance(content, dict) else "0.1"
        raise UserError(
            f"{path}: expected schema {SCHEMA}, got {schema}; version {version} reads it"
        )
    if not isinstance(content.get("settings"), dict):
        raise UserError(f"{path}: expected settings as JSON, with a name for each")
    return content["settings"]


def _from_json(field: dataclasses.Field, value: Any) -> Any:
    """Return a setting's value from JSON, which has lists for tuples; raises UserError."""
    if _kind(field) is not tuple or not isinstance(value, list):
        return value
    try:
        return tuple(map(typing.get_args(field.type)[0], value))
    except (TypeError, ValueError):
        raise UserError(f"setting {field.name}: expected numbers, got {value!r}") from None
