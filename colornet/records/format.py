"""What lies in a records folder: shards in the TFRecord format, and `dataset.json` beside them.

One example a photograph (raw bytes, nothing to decode while training):
    luminance    uint8 (picture_size, picture_size)
    chrominance  uint8 (picture_size/2, picture_size/2, 2), area-averaged
    label        int64, index into class_names; -1 without a class
    name         bytes, the photograph's path below its folder

Written here without TensorFlow, so that many processes start at once; paths with "://" go through
TensorFlow's file layer.
"""

import contextlib
import errno
import functools
import json
import os
import secrets
import struct
import types

import google_crc32c

from colornet.errors import UserError

SCHEMA = 1
NO_CLASS = -1
DATASET = "dataset.json"
SPLITS = ("train", "val")


def example_bytes(luminance, chrominance, label, name):
    """A serialised tf.train.Example with the four features of a photograph."""
    features = (
        (b"chrominance", _field(1, _field(1, [chrominance.tobytes()]))),
        (b"label", _field(3, _field(1, [_varint(label)]))),
        (b"luminance", _field(1, _field(1, [luminance.tobytes()]))),
        (b"name", _field(1, _field(1, [name]))),
    )
    entries = [chunk for key, feature in features
               for chunk in _field(1, _field(1, [key]) + _field(2, feature))]
    return b"".join(_field(1, entries))


def _field(number, chunks):
    """A length-delimited protocol buffer field, in chunks so that pictures are copied once."""
    return [_varint(number << 3 | 2) + _varint(sum(map(len, chunks))), *chunks]


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


def summary_path(shard_path):
    """Of the summary beside a finished shard."""
    return shard_path.removesuffix("tfrecord") + "json"


# --- A file layer that also knows TensorFlow's remote paths ---------------------------------


def is_remote(path):
    return "://" in path


_LOCAL = types.SimpleNamespace(
    open=open, exists=os.path.exists, size=os.path.getsize, names=os.listdir, remove=os.remove,
    replace=os.replace, make_folder=functools.partial(os.makedirs, exist_ok=True),
)


@contextlib.contextmanager
def _layer(path):
    """File functions for a path; TensorFlow's errors become OSError too."""
    if not is_remote(path):
        yield _LOCAL
        return
    import tensorflow as tf

    gfile = tf.io.gfile
    try:
        yield types.SimpleNamespace(
            open=gfile.GFile, exists=gfile.exists, size=lambda path: gfile.stat(path).length,
            names=gfile.listdir, remove=gfile.remove, make_folder=gfile.makedirs,
            replace=functools.partial(gfile.rename, overwrite=True),
        )
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, error.message, path) from None
    except tf.errors.OpError as error:
        raise OSError(errno.EIO, error.message, path) from None


def exists(path):
    with _layer(path) as layer:
        return layer.exists(path)


def names(folder):
    """Names of what lies in a folder."""
    with _layer(folder) as layer:
        return [name.rstrip("/") for name in layer.names(folder)]


def make_folder(path):
    with _layer(path) as layer:
        layer.make_folder(path)


def read_bytes(path):
    with _layer(path) as layer, layer.open(path, "rb") as file:
        return file.read()


def write_bytes(path, chunks):
    """Write chunks of bytes to `path`, whole or not at all.

    Raises:
        OSError: what writing, or the making of a chunk, raised; nothing is left behind.
    """
    folder, name = os.path.split(path)
    partial = os.path.join(folder, f".{name}.{secrets.token_hex(4)}")
    with _layer(path) as layer:
        try:
            with layer.open(partial, "wb") as file:
                file.write(b"")  # TensorFlow makes no file before something is written
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                if layer is _LOCAL:
                    os.fsync(file.fileno())
            layer.replace(partial, path)
        except BaseException:
            if layer.exists(partial):
                layer.remove(partial)
            raise


def remove_partials(folder, finals):
    """Delete what killed processes left of files that no other process is writing.

    Args:
        finals: set of the files' final names.
    """
    for name in names(folder):
        if name.startswith(".") and name[1:].rpartition(".")[0] in finals:
            with _layer(folder) as layer:
                layer.remove(os.path.join(folder, name))


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
    try:
        dataset = json.loads(read_bytes(path))
        schema = dataset["schema"]
        if schema == SCHEMA:
            for split in SPLITS:
                for shard in dataset[split]["shards"]:
                    _check_shard(os.path.join(folder, shard["file"]), shard["bytes"])
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file; expected records made by input_create.py "
            "(if it was interrupted, run it again: it goes on where it stopped)"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: damaged; run input_create.py again to write it anew") from None
    if schema != SCHEMA:
        raise UserError(
            f"{path}: expected records of schema {SCHEMA}, got {schema!r}; "
            "make them again with this version's input_create.py"
        )
    return dataset


def _check_shard(path, expected):
    try:
        with _layer(path) as layer:
            size = layer.size(path)
    except FileNotFoundError:
        raise UserError(
            f"{path}: shard is missing; run input_create.py again to make it anew"
        ) from None
    if size != expected:
        raise UserError(
            f"{path}: shard is cut short or changed: expected {expected} bytes, got {size}; "
            "delete it and run input_create.py again"
        )


def find_damage(folder, dataset, split):
    """What is wrong with the records: (path of a shard, reason), or None.

    Args:
        split: the one to look at first.
    """
    for name in sorted(SPLITS, key=lambda name: name != split):
        for shard in dataset[name]["shards"]:
            path = os.path.join(folder, shard["file"])
            try:
                data = read_bytes(path)
            except OSError as error:
                return path, error.strerror.lower()
            if not _sound(memoryview(data)):
                return path, "its checksums do not match"
    return None


def _sound(data):
    """Whether the bytes of a shard are whole records with the right checksums."""
    while data:
        (length,) = struct.unpack("<Q", data[:8]) if len(data) > 16 else (len(data),)
        if length + 16 > len(data) or data[8:12] != _masked_crc(bytes(data[:8])):
            return False
        if data[12 + length : 16 + length] != _masked_crc(bytes(data[12 : 12 + length])):
            return False
        data = data[16 + length :]
    return True
