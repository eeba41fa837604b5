"""An exported network: one file that LiteRT reads, with the settings that it needs inside.

The model stands at the front and a zip archive behind it, as TensorFlow has it for files that go
with a model: `unzip -p best.tflite config.json` prints the settings.
"""

import dataclasses
import json
import os
import tempfile
import zipfile
import zlib

import google_crc32c

from colornet.config import Config, read_config
from colornet.errors import UserError
from colornet.files import whole_file
from colornet.network.vocabulary import CONFIG

ENDING = ".tflite"
SETTINGS, DESCRIPTION = CONFIG, "export.json"
SCHEMA = 1
LONGEST = 1 << 20  # bytes of a description
UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, RecursionError, RuntimeError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Export:
    """What an exported file says of itself.

    Attributes:
        kind: of its numbers: "int8", "float16" or "float32".
        weights: `fingerprint` of the weights file that it was made of.
        config: settings of the network.
    """

    kind: str
    weights: str
    config: Config


def path_beside(weights: str | os.PathLike[str]) -> str:
    """Where the export of a weights file is looked for: best.weights.h5 has best.tflite."""
    return os.fspath(weights).removesuffix(".h5").removesuffix(".weights") + ENDING


def write_export(path: str, model: bytes, kind: str, weights: str, settings: str) -> None:
    """Write a LiteRT model with what belongs to it, whole or not at all.

    Args:
        model: bytes.
        kind: as of `Export`.
        weights, settings: paths of the weights file that it was made of, and of its config.json.

    Raises:
        OSError: a file cannot be read or written.
    """
    description = {
        "schema": SCHEMA,
        "kind": kind,
        "weights": fingerprint(weights),
        "model_bytes": len(model),
        "model_crc32c": google_crc32c.value(model),
    }

    with whole_file(path) as file:
        file.write(model)
        with zipfile.ZipFile(file, "a") as archive:
            archive.write(settings, SETTINGS)
            archive.writestr(DESCRIPTION, json.dumps(description))


def read_export(path: str | os.PathLike[str]) -> Export:
    """The Export of a file.

    Raises:
        UserError: the file is missing, damaged, or none that `write_export` made.
    """
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            if any(archive.getinfo(name).file_size > LONGEST for name in (SETTINGS, DESCRIPTION)):
                raise ValueError("its description is too long")
            description = json.loads(archive.read(DESCRIPTION))
            if description["schema"] != SCHEMA:
                raise ValueError(f"schema {description['schema']}, this code knows {SCHEMA}")
            file.seek(0)
            model = file.read(description["model_bytes"])
            if google_crc32c.value(model) != description["model_crc32c"]:
                raise ValueError("it is damaged")
            with tempfile.TemporaryDirectory() as folder:
                config = read_config(archive.extract(SETTINGS, folder))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (*UNREADABLE, UserError) as error:
        reason = " ".join(str(error).split())[:150]
        raise UserError(
            f"{path}: expected a network exported by model_export.py, cannot read it: {reason}"
        ) from None
    return Export(str(description["kind"]), str(description["weights"]), config)


def fingerprint(path: str) -> str:
    """Text that tells the bytes of a file from others; raises OSError."""
    checksum = google_crc32c.Checksum()
    with open(path, "rb") as file:
        for _ in checksum.consume(file, 1 << 20):
            pass
        return f"{file.tell()}-{checksum.hexdigest().decode()}"
