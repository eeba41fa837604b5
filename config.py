"""Settings of every script, in one frozen dataclass. Standard library only.

    python model_train.py --preset compact --set steps=5000 --set batch_size=16

A preset is a small difference from the paper's values, which are the defaults
below. "Section" means that of Iizuka et al., SIGGRAPH 2016.
"""

import dataclasses
import difflib
import json
import pathlib
import typing

from colornet.errors import UserError
from colornet.files import write_whole

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
OPTIMIZERS = ("adadelta", "adam", "muon")
SCHEDULES = ("constant", "cosine")


@dataclasses.dataclass(frozen=True)
class Config:
    # --- Records: photographs as stored (section 4, training) ---------------------------
    picture_size: int = 256  # pixels; photographs are squeezed to this square
    min_side: int = 32  # pixels; a photograph with a shorter side is left out
    min_chroma: float = 1.0  # Lab units; less mean chroma is a greyscale photograph
    min_chroma_deviation: float = 3.0  # Lab units; less spread is "little colour variance"
    shard_pictures: int = 1024  # photographs a shard, before any are left out

    # --- Network (section 3, table 1) ---------------------------------------------------
    crop_size: int = 224  # pixels; training crop, and what the global path is fed
    width: float = 1.0  # multiplies every layer's outputs, but for the chrominance and classes
    use_global_features: bool = True  # False: the paper's baseline
    use_classification: bool = True  # False: colour loss alone
    num_classes: int = 205  # scene classes; training takes it from the records
    class_names: tuple[str, ...] = ()  # training takes them from the records
    mean_color: tuple[float, ...] = ()  # mean a*, b* of the training pictures; from the records
    records: str = ""  # fingerprint of the records; training takes it from them

    # --- Training (section 4) -----------------------------------------------------------
    seed: int = 0  # weights, order, crops and flips
    initial_weights: str = ""  # run folder or weights file to start from; "": random weights
    zoom: float = 1.0  # a crop's sides are this much longer or shorter at most; scaled to crop_size
    aging: float = 0.0  # share of crops whose luminance is aged to that of old photographs
    steps: int = 200_000  # updates
    batch_size: int = 128  # pictures an update, over all devices together
    gradient_accumulation: int = 1  # parts that a device's batch is computed in, to save memory
    classification_weight: float = 1 / 300  # alpha, of the cross entropy against the MSE
    optimizer: str = "adadelta"  # adadelta | adam | muon
    learning_rate: float = 1.0  # Adadelta's own; Adam wants about 0.001, Muon 0.01
    schedule: str = "constant"  # constant | cosine (decays to zero at the last step)
    warmup_steps: int = 0  # updates over which the learning rate rises from zero
    shuffle_buffer: int = 4096  # pictures held in memory to shuffle

    # --- Running ------------------------------------------------------------------------
    precision: str = "auto"  # auto (measured) | float32 | mixed_bfloat16 | mixed_float16
    devices: str = "auto"  # auto | cpu | cpu:N (N logical processors)
    deterministic: bool = True  # operations that give the same bits every time
    log_every: int = 100  # steps
    validate_every: int = 2000  # steps
    checkpoint_every: int = 1000  # steps
    validation_pictures: int = 2000  # at most, of the records' own; 0: all
    panel_pictures: int = 8  # pictures in each validation panel

    # --- Colouring (section 5) ----------------------------------------------------------
    working_size: int = 256  # pixels, most of a side that the network sees; 0: the whole picture
    chroma: float = 1.0  # multiplies the predicted chrominance

    def __post_init__(self):
        _validate(self)

    @property
    def crop_sides(self):
        """(shortest, longest) side of a training crop, in pixels of the stored picture; even."""
        shortest = 2 * round(self.crop_size / self.zoom / 2)
        longest = 2 * round(self.crop_size * self.zoom / 2)
        return shortest, min(self.picture_size, longest)


PRESETS = {
    # The paper's network and training.
    "paper": {},
    # The small network whose weights ship: half as wide, on small pictures.
    "compact": dict(
        picture_size=144,
        crop_size=128,
        width=0.5,
        zoom=1.3,
        batch_size=32,
        steps=11_000,
        optimizer="muon",
        learning_rate=1e-2,
        schedule="cosine",
        warmup_steps=300,
        working_size=144,
    ),
    # Seconds on a CPU: shows that everything works.
    "smoke": dict(
        picture_size=72,
        crop_size=64,
        width=0.25,
        batch_size=8,
        steps=300,
        optimizer="adam",
        learning_rate=2e-3,
        schedule="cosine",
        warmup_steps=20,
        precision="float32",
        shard_pictures=16,
        log_every=20,
        validate_every=100,
        checkpoint_every=100,
        working_size=96,
        min_side=16,
    ),
}

# What a run may change when it goes on: how far, how often and where, never what is computed.
RESUMABLE = frozenset(
    (
        "steps",
        "log_every",
        "validate_every",
        "checkpoint_every",
        "panel_pictures",
        "devices",
        "working_size",
        "chroma",
        "mean_color",
    )
)


def _validate(config):
    """Raise UserError for values that cannot work together."""
    for name in (
        "picture_size",
        "crop_size",
        "batch_size",
        "steps",
        "num_classes",
        "log_every",
        "shard_pictures",
        "validate_every",
        "checkpoint_every",
        "min_side",
        "shuffle_buffer",
        "gradient_accumulation",
    ):
        _require(getattr(config, name) >= 1, config, name, "1 or more")
    for name in (
        "warmup_steps",
        "validation_pictures",
        "panel_pictures",
        "working_size",
        "min_chroma",
        "min_chroma_deviation",
        "classification_weight",
        "chroma",
        "seed",
    ):
        _require(getattr(config, name) >= 0, config, name, "0 or more")
    _require(config.learning_rate > 0, config, "learning_rate", "more than 0")
    _require(0 < config.width <= 4, config, "width", "more than 0, at most 4")
    _require(config.crop_size % 8 == 0, config, "crop_size", "a multiple of 8")
    _require(config.picture_size % 2 == 0, config, "picture_size", "an even number")
    _require(
        config.picture_size >= config.crop_size,
        config,
        "crop_size",
        f"at most picture_size ({config.picture_size})",
    )
    _require(1 <= config.zoom <= 2, config, "zoom", "1 to 2")
    _require(0 <= config.aging <= 1, config, "aging", "0 to 1")
    _require(len(config.mean_color) in (0, 2), config, "mean_color", "two numbers, or none")
    for name, allowed in (
        ("precision", PRECISIONS),
        ("optimizer", OPTIMIZERS),
        ("schedule", SCHEDULES),
    ):
        _require(getattr(config, name) in allowed, config, name, "one of " + ", ".join(allowed))
    kind, _, count = config.devices.partition(":")
    _require(
        config.devices in ("auto", "cpu")
        or (kind == "cpu" and count.isdecimal() and int(count) > 0),
        config,
        "devices",
        "auto, cpu or cpu:N",
    )
    if config.use_classification and not config.use_global_features:
        raise UserError(
            "setting use_global_features=false: the classifier hangs off the global features; "
            "add --set use_classification=false"
        )


def _require(holds, config, name, allowed):
    if not holds:
        raise UserError(f"setting {name}: expected {allowed}, got {getattr(config, name)!r}")


def load_config(preset=None, assignments=()):
    """The settings of a preset, changed by `key=value` texts.

    Args:
        preset: a key of PRESETS; None: "paper".
        assignments: texts such as "steps=5000".

    Raises:
        UserError: unknown preset or key, or a value of the wrong type or range.
    """
    preset = preset or "paper"
    if preset not in PRESETS:
        raise UserError(f"preset: expected one of {', '.join(PRESETS)}, got {preset!r}")
    return changed(Config(**PRESETS[preset]), assignments)


def changed(config, assignments):
    """`config` with `key=value` texts applied; raises UserError as `load_config` does."""
    values = {}
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        if not separator:
            raise UserError(f"--set: expected key=value, got {assignment!r}")
        values[key] = _parse(key, text)
    return dataclasses.replace(config, **values)


def _parse(key, text):
    fields = {field.name: field for field in dataclasses.fields(Config)}
    if key not in fields:
        near = difflib.get_close_matches(key, fields, n=1, cutoff=0)
        raise UserError(
            f"setting {key!r}: no such setting; nearest is {near[0]!r} "
            f"(allowed: {', '.join(sorted(fields))})"
        )
    kind = type(fields[key].default)
    try:
        if kind is bool:
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if kind is tuple:
            element = _element_kind(fields[key])
            return tuple(map(element, text.split(","))) if text else ()
        if kind is int:
            return int(text.replace("_", ""))
        if kind is float:
            above, _, below = text.partition("/")
            return float(above) / float(below or 1)
        return text
    except (ValueError, KeyError, ZeroDivisionError):
        expected = {
            bool: "true or false",
            int: "a whole number",
            float: "a number",
            tuple: "numbers with commas between",
        }[kind]
        raise UserError(f"setting {key}: expected {expected}, got {text!r}") from None


def _element_kind(field):
    """float for tuple[float, ...]."""
    return typing.get_args(field.type)[0]


def save_config(config, path):
    """Write the settings as JSON, whole or not at all."""
    text = json.dumps(dataclasses.asdict(config), indent=2) + "\n"
    write_whole(path, lambda partial: pathlib.Path(partial).write_text(text))


def read_config(path):
    """The settings in a `config.json`; raises UserError if it is missing or does not fit."""
    try:
        values = json.loads(pathlib.Path(path).read_text())
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file; expected the settings of a trained network"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: expected settings as JSON: {error}") from None
    fields = {field.name: field for field in dataclasses.fields(Config)}
    unknown = set(values) - set(fields) if isinstance(values, dict) else {"a list or a number"}
    if unknown:
        raise UserError(f"{path}: unknown settings {', '.join(sorted(unknown))}")
    for key, value in values.items():
        kind = type(getattr(Config, key))
        if not isinstance(
            value, (list if kind is tuple else (int, float) if kind is float else kind)
        ):
            raise UserError(f"{path}: {key}: expected {kind.__name__}, got {value!r}")
        if kind is tuple:
            try:
                values[key] = tuple(map(_element_kind(fields[key]), value))
            except (TypeError, ValueError):
                raise UserError(f"{path}: {key}: expected numbers, got {value!r}") from None
    return Config(**values)


def differences(config, other):
    """Names of the settings in which two configs differ, with both values."""
    pairs = zip(dataclasses.asdict(config).items(), dataclasses.asdict(other).values())
    return {name: (value, was) for (name, value), was in pairs if value != was}
