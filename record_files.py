"""What lies in a records folder: shards in the TFRecord format, and `dataset.json` beside them.

One example a photograph (raw bytes, nothing to decode while training):
    luminance    uint8 (picture_size, picture_size)
    chrominance  uint8 (picture_size/2, picture_size/2, 2), area-averaged
    label        int64, index into class_names; -1 without a class
    name         bytes, the photograph's path below its folder

Written here without TensorFlow, so that many processes start at once; paths with "://" go through
TensorFlow's file layer.
"""

import json
import os
import struct

import google_crc32c

from command_line import UserError
from image_files import write_whole

SCHEMA = 1
NO_CLASS = -1
DATASET = "dataset.json"
SPLITS = ("train", "val")


def example_bytes(luminance, chrominance, label, name):
    """A serialised tf.train.Example with the four features of a photograph."""
    features = (
        (b"chrominance", _field(1, _field(1, chrominance.tobytes()))),
        (b"label", _field(3, _field(1, _varint(label)))),
        (b"luminance", _field(1, _field(1, luminance.tobytes()))),
        (b"name", _field(1, _field(1, name))),
    )
    entries = (_field(1, _field(1, key) + _field(2, feature)) for key, feature in features)
    return _field(1, b"".join(entries))


def _field(number, payload):
    """A length-delimited protocol buffer field."""
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(value):
    value &= (1 << 64) - 1
    groups = bytearray()
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def record_bytes(example):
    """An example as it stands in a shard: its length and itself, each with a masked CRC-32C."""
    length = struct.pack("<Q", len(example))
    return length + _masked_crc(length) + example + _masked_crc(example)


def _masked_crc(data):
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def shard_name(split, number, count):
    return f"{split}-{number:05d}-of-{count:05d}.tfrecord"


# --- A file layer that also knows TensorFlow's remote paths ---------------------------------


def _gfile(path):
    if "://" not in path:
        return None
    from tensorflow.io import gfile

    return gfile


def exists(path):
    gfile = _gfile(path)
    return gfile.exists(path) if gfile else os.path.exists(path)


def file_size(path):
    gfile = _gfile(path)
    return gfile.stat(path).length if gfile else os.path.getsize(path)


def make_folder(path):
    gfile = _gfile(path)
    gfile.makedirs(path) if gfile else os.makedirs(path, exist_ok=True)


def read_bytes(path):
    gfile = _gfile(path)
    with gfile.GFile(path, "rb") if gfile else open(path, "rb") as file:
        return file.read()


def write_bytes(path, chunks):
    """Write chunks of bytes to `path`, whole or not at all; raises OSError."""

    def write(partial):
        with open(partial, "wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())

    gfile = _gfile(path)
    if not gfile:
        return write_whole(path, write)
    # Object stores show a file only once it is closed.
    with gfile.GFile(path, "wb") as file:
        file.write(b"".join(chunks))


def write_json(path, value):
    write_bytes(path, [(json.dumps(value, indent=1, sort_keys=True) + "\n").encode()])


# --- dataset.json ---------------------------------------------------------------------------


def read_dataset(folder):
    """The content of a records folder's dataset.json.

    Raises:
        UserError: missing, unfinished, of another schema, or a shard is missing or cut short.
    """
    folder = os.fspath(folder)
    path = os.path.join(folder, DATASET)
    if not exists(path):
        raise UserError(
            f"{path}: no such file; expected records made by input_create.py "
            "(if it was interrupted, run it again: it goes on where it stopped)"
        )
    try:
        dataset = json.loads(read_bytes(path))
        schema = dataset["schema"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: damaged; make the records again") from None
    if schema != SCHEMA:
        raise UserError(
            f"{path}: expected records of schema {SCHEMA}, got {schema!r}; "
            "make them again with this version's input_create.py"
        )
    for split in SPLITS:
        for shard in dataset[split]["shards"]:
            _check_shard(os.path.join(folder, shard["file"]), shard)
    return dataset


def _check_shard(path, shard):
    if not exists(path):
        raise UserError(f"{path}: shard is missing; run input_create.py again to make it anew")
    if file_size(path) != shard["bytes"]:
        raise UserError(
            f"{path}: shard is cut short or changed: expected {shard['bytes']} bytes, "
            f"got {file_size(path)}; delete it and run input_create.py again"
        )


def find_damage(folder, dataset, split):
    """Path of the first shard whose bytes do not match their checksums; None if all do."""
    for shard in dataset[split]["shards"]:
        path = os.path.join(folder, shard["file"])
        if not _sound(memoryview(read_bytes(path))):
            return path
    return None


def _sound(data):
    while data:
        (length,) = struct.unpack("<Q", data[:8]) if len(data) > 16 else (len(data),)
        if length + 16 > len(data) or data[8:12] != _masked_crc(bytes(data[:8])):
            return False
        if data[12 + length : 16 + length] != _masked_crc(bytes(data[12 : 12 + length])):
            return False
        data = data[16 + length :]
    return True
