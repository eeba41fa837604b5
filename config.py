"""Settings of every script, in one frozen dataclass: the file to edit. Standard library only.

    python model_train.py --preset compact --set steps=5000 --set batch_size=16

Without --preset the scripts take the defaults below, which are yours to change: the presets name
every value themselves and stay what they are. "Section" means that of Iizuka et al., SIGGRAPH 2016.
docs/experiments.md shows a preset of one's own and what a new setting touches.
"""

import dataclasses
import os
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from colornet import settings
from colornet.errors import UserError

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
OPTIMIZERS = ("adadelta", "adam", "muon")
SCHEDULES = ("constant", "cosine")


@dataclasses.dataclass(frozen=True)
class Config:
    # --- Records: photographs as stored (sections 3.4, 4) -------------------------------
    picture_size: int = 256  # pixels; photographs are squeezed to this square
    min_side: int = 32  # pixels; a photograph with a shorter side is left out
    min_chroma: float = 1.0  # Lab units; less mean chroma is a greyscale photograph
    min_chroma_deviation: float = 3.0  # Lab units; less spread is "little colour variance"
    min_toning_deviation: float = 2.25  # Lab units beside lightness; less is a toned photograph
    shard_pictures: int = 1024  # photographs a shard, before any are left out

    # --- Network (section 3, table 1) ---------------------------------------------------
    crop_size: int = 224  # pixels; training crop, and what the global path is fed
    width: float = 1.0  # multiplies every layer's outputs, but for the chrominance and classes
    use_global_features: bool = True  # False: the paper's baseline
    use_classification: bool = True  # False: colour loss alone
    num_classes: int = 205  # scene classes; training takes it from the records
    normalization_momentum: float = 0.9  # of batch normalization's averages; Torch calls it 0.1
    normalization_epsilon: float = 1e-5  # added to its variances

    # --- Training (sections 3.3, 3.4, 4) ------------------------------------------------
    seed: int = 0  # weights, order, crops and flips
    initial_weights: str = ""  # run folder or weights file to start from; "": random weights
    zoom: float = 1.0  # a crop's sides are this much longer or shorter at most; scaled to crop_size
    aging: float = 0.0  # share of crops whose luminance is aged to that of old photographs
    stretching: bool = False  # the network sees luminance stretched to black and white, always
    steps: int = 200_000  # updates
    batch_size: int = 128  # pictures an update, over all devices together
    gradient_accumulation: int = 1  # parts that a device's batch is computed in, to save memory
    classification_weight: float = 1 / 300  # alpha, of the cross entropy against the MSE
    optimizer: str = "adadelta"  # adadelta | adam | muon
    learning_rate: float = 1.0  # Adadelta's own; Adam wants about 0.001, Muon 0.01
    schedule: str = "constant"  # constant | cosine (decays to zero at the last step)
    warmup_steps: int = 0  # updates over which the learning rate rises from zero
    adadelta_rho: float = 0.9  # share of the old that its averages keep; this and epsilon: Torch's
    adadelta_epsilon: float = 1e-6  # added under its roots; sets the length of the first updates
    adam_beta1: float = 0.9  # of Adam, and of Muon where it does as Adam does
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-7
    muon_momentum: float = 0.95
    muon_weight_decay: float = 0.05  # share of a kernel that an update takes off, times its rate
    shuffle_buffer: int = 4096  # pictures held in memory to shuffle

    # --- Running ------------------------------------------------------------------------
    precision: str = "float32"  # float32 | mixed_bfloat16 | mixed_float16 | auto (measured)
    deterministic: bool = True  # operations that give the same bits every time; not with auto
    devices: str = "auto"  # auto | cpu | cpu:N (N logical processors)
    log_every: int = 100  # steps
    validate_every: int = 2000  # steps
    checkpoint_every: int = 1000  # steps
    validation_pictures: int = 2000  # at most, of the records' own; 0: all
    validation_batch: int = 32  # pictures that validation computes at once
    panel_pictures: int = 8  # pictures in each validation panel

    # --- Colouring (sections 3.4, 4) ----------------------------------------------------
    working_size: int = 256  # pixels, most of a side that the network sees; 0: the whole picture
    chroma: float = 1.0  # multiplies the predicted chrominance
    smoothing: bool = True  # even out chrominance within the edges of the luminance

    # --- Filled in by the scripts, not to be set ----------------------------------------
    class_names: tuple[str, ...] = ()  # of the records
    mean_color: tuple[float, ...] = ()  # mean a*, b* of the records' training pictures
    records_fingerprint: str = ""  # of the records
    preset: str = ""  # which preset the settings began as; "": the defaults above

    def __post_init__(self) -> None:
        _validate(self)

    @property
    def crop_sides(self) -> tuple[int, int]:
        """(shortest, longest) side of a training crop, in pixels of the stored picture; even."""
        shortest = 2 * round(self.crop_size / self.zoom / 2)
        longest = 2 * round(self.crop_size * self.zoom / 2)
        return shortest, min(self.picture_size, longest)


# The paper's network and training. It names every value, so that it stays the paper's whatever the
# defaults above are; the other presets say how they differ from it.
PAPER: dict[str, Any] = dict(
    picture_size=256,
    min_side=32,
    min_chroma=1.0,
    min_chroma_deviation=3.0,
    min_toning_deviation=2.25,
    shard_pictures=1024,
    crop_size=224,
    width=1.0,
    use_global_features=True,
    use_classification=True,
    num_classes=205,
    normalization_momentum=0.9,
    normalization_epsilon=1e-5,
    seed=0,
    initial_weights="",
    zoom=1.0,
    aging=0.0,
    stretching=False,
    steps=200_000,
    batch_size=128,
    gradient_accumulation=1,
    classification_weight=1 / 300,
    optimizer="adadelta",
    learning_rate=1.0,
    schedule="constant",
    warmup_steps=0,
    adadelta_rho=0.9,
    adadelta_epsilon=1e-6,
    adam_beta1=0.9,
    adam_beta2=0.999,
    adam_epsilon=1e-7,
    muon_momentum=0.95,
    muon_weight_decay=0.05,
    shuffle_buffer=4096,
    precision="float32",
    deterministic=True,
    devices="auto",
    log_every=100,
    validate_every=2000,
    checkpoint_every=1000,
    validation_pictures=2000,
    validation_batch=32,
    panel_pictures=8,
    working_size=256,
    chroma=1.0,
    smoothing=False,
)

PRESETS: dict[str, dict[str, Any]] = {
    "paper": PAPER,
    # The small network whose weights ship: half as wide, on small pictures.
    "compact": dict(
        PAPER,
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
        smoothing=True,
    ),
    # Seconds on a CPU: shows that everything works.
    "smoke": dict(
        PAPER,
        picture_size=72,
        min_side=16,
        shard_pictures=16,
        crop_size=64,
        width=0.25,
        batch_size=8,
        steps=300,
        optimizer="adam",
        learning_rate=2e-3,
        schedule="cosine",
        warmup_steps=20,
        log_every=20,
        validate_every=100,
        checkpoint_every=100,
        working_size=96,
        smoothing=True,
    ),
}

# --- Which setting is whose; a new one goes into what fits ------------------------------

FILLED_IN = ("class_names", "mean_color", "records_fingerprint", "preset")
RECORD_SETTINGS = (
    "picture_size", "min_side", "min_chroma", "min_chroma_deviation", "min_toning_deviation",
    "shard_pictures", "seed",
)  # fmt: skip
NETWORK_SETTINGS = (
    "crop_size", "width", "use_global_features", "use_classification", "num_classes",
    "normalization_momentum", "normalization_epsilon",
)  # fmt: skip
BATCH_SETTINGS = (
    "seed", "crop_size", "zoom", "aging", "stretching", "batch_size", "shuffle_buffer",
)  # fmt: skip
_EVERY = tuple(field.name for field in dataclasses.fields(Config) if field.name not in FILLED_IN)
# What training takes from the records.
FROM_RECORDS = (*(name for name in RECORD_SETTINGS if name != "seed"), "num_classes")
# What each script lets --set change: what it uses and does not take from elsewhere.
SETTABLE = {
    "input_create": RECORD_SETTINGS,
    "read_input": BATCH_SETTINGS,
    "build_model": NETWORK_SETTINGS,
    "model_train": tuple(name for name in _EVERY if name not in FROM_RECORDS),
}
# What a run may change when it goes on: how far, how often and where, never what is computed.
RESUMABLE = frozenset((
    "steps", "log_every", "validate_every", "checkpoint_every", "validation_batch",
    "panel_pictures", "devices", "working_size", "chroma", "smoothing", "preset",
    *FROM_RECORDS,  # class_names and records_fingerprint guard them
))  # fmt: skip
# Settings that came later: what the code before did, which is what runs without them get.
BEFORE: dict[str, Any] = dict(
    zoom=1.0,
    aging=0.0,
    stretching=False,
    initial_weights="",
    mean_color=(),
    preset="",
    min_toning_deviation=0.0,
    validation_batch=32,
    normalization_momentum=0.9,
    normalization_epsilon=1e-5,
    adadelta_rho=0.95,  # Keras's, as was epsilon
    adadelta_epsilon=1e-7,
    adam_beta1=0.9,
    adam_beta2=0.999,
    adam_epsilon=1e-7,
    muon_momentum=0.95,
    muon_weight_decay=0.05,
    smoothing=True,
)
RENAMED = {"records": "records_fingerprint", "ageing": "aging"}  # old name: new name
SCHEMA = 2  # of config.json

MOST = (1 << 31) - 1  # of a count: an int32; positions, steps times batch_size, fit an int64
TINY, HUGE = 1e-37, 1e37  # within float32


def _range(least: float, most: float) -> tuple[str, Callable[[Any], object]]:
    return f"{least} to {most}", lambda x: least <= x <= most


def _one_of(values: Collection[str]) -> tuple[str, Callable[[Any], object]]:
    return f"one of {', '.join(values)}", values.__contains__


# Names of settings, what is expected of them, and whether a value is that.
_RULES: list[settings.Rule] = [
    ("steps log_every validate_every checkpoint_every", *_range(1, MOST)),
    ("shard_pictures shuffle_buffer", *_range(1, MOST)),
    ("batch_size gradient_accumulation validation_batch min_side", *_range(1, 1 << 16)),
    ("warmup_steps validation_pictures panel_pictures seed", *_range(0, MOST)),
    ("min_chroma min_chroma_deviation min_toning_deviation", *_range(0, HUGE)),
    ("classification_weight muon_weight_decay", *_range(0, HUGE)),
    ("learning_rate normalization_epsilon adadelta_epsilon adam_epsilon", *_range(TINY, HUGE)),
    (
        "normalization_momentum adadelta_rho adam_beta1 adam_beta2 muon_momentum",
        "0 or more, less than 1",
        lambda x: 0 <= x < 1,
    ),
    ("num_classes", *_range(1, 1_000_000)),
    ("width", "more than 0, at most 4", lambda x: 0 < x <= 4),
    ("chroma", *_range(0, 100)),
    ("working_size", "0, or 8 to 65536", lambda x: x == 0 or 8 <= x <= 1 << 16),
    ("crop_size", "a multiple of 8, at most 1024", lambda x: x % 8 == 0 and 8 <= x <= 1024),
    ("picture_size", "an even number, at most 8192", lambda x: x % 2 == 0 and 2 <= x <= 8192),
    ("zoom", *_range(1, 2)),
    ("aging", *_range(0, 1)),
    ("mean_color", "two numbers, or none", lambda x: len(x) in (0, 2)),
    ("precision", *_one_of(PRECISIONS)),
    ("optimizer", *_one_of(OPTIMIZERS)),
    ("schedule", *_one_of(SCHEDULES)),
    (
        "devices",
        "auto, cpu, or cpu:N, N at most 999",
        re.compile(r"auto|cpu(:[1-9]\d{,2})?").fullmatch,
    ),
]


def _validate(config: Config) -> None:
    """Raise UserError for values that cannot work, alone or together."""
    settings.check(config, _RULES)
    if config.class_names and len(config.class_names) != config.num_classes:
        raise UserError(
            f"setting class_names: expected num_classes={config.num_classes} names, got "
            f"{len(config.class_names)}"
        )
    if config.use_classification and not config.use_global_features:
        raise UserError(
            "setting use_global_features=false: the classifier hangs off the global features; "
            "add --set use_classification=false"
        )


def load_config(
    preset: str | None = None, assignments: Iterable[str] = (), script: str | None = None
) -> Config:
    """The settings of a preset, changed by `key=value` texts.

    Args:
        preset: a key of PRESETS; None: the defaults of `Config`.
        assignments: texts such as "steps=5000".
        script: a key of SETTABLE, whose settings alone may be changed; None: any.

    Raises:
        UserError: unknown preset or key, one that is not the script's, or a value of the wrong
            type or range.
    """
    if preset is None:
        return changed(Config(), assignments, script)
    if preset not in PRESETS:
        raise UserError(f"preset: expected one of {', '.join(PRESETS)}, got {preset!r}")
    for name in PRESETS[preset]:
        settings.check_name(Config, name)
    return changed(Config(**PRESETS[preset], preset=preset), assignments, script)


def changed(config: Config, assignments: Iterable[str], script: str | None = None) -> Config:
    """`config` with `key=value` texts applied; raises UserError as `load_config` does."""
    values = {}
    for assignment in assignments:
        key, value = settings.parse(Config, assignment)
        if script and key not in SETTABLE[script]:
            raise UserError(_not_its_own(key, script))
        values[key] = value
    return dataclasses.replace(config, **values)


def _not_its_own(key: str, script: str) -> str:
    if key in FILLED_IN:
        return f"setting {key}: filled in by the scripts, not to be set"
    others = " and ".join(f"{other}.py" for other, own in SETTABLE.items() if key in own)
    why = "does not use it"
    if script == "model_train":
        why = "takes it from the records"
    return f"setting {key}: {script}.py {why}; {others} can set it"


def file_settings(preset: str) -> Config | None:
    """The settings of a preset, or the defaults (""), as this file has them now; else None."""
    if preset and preset not in PRESETS:
        return None
    return load_config(preset or None)


def save_config(config: Config, path: str | os.PathLike[str]) -> None:
    """Write config.json, whole or not at all: schema, versions of code and libraries, settings."""
    settings.save(config, path, SCHEMA)


def read_config(path: str | os.PathLike[str]) -> Config:
    """The settings in a `config.json`, also of older code.

    Settings that the code of then lacked get what it did; those that are no more are named on
    standard error and left out.

    Raises:
        UserError: the file is missing, damaged or of newer code, or does not fit.
    """
    return settings.read(Config, path, SCHEMA, BEFORE, RENAMED)
