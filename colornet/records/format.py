"""The bytes of a record: a tf.train.Example in the TFRecord format, written and read.

One example a photograph (raw bytes, nothing to decode while training):
    luminance    uint8 (picture_size, picture_size)
    chrominance  uint8 (picture_size/2, picture_size/2, 2), area-averaged
    label        int64, index into class_names; -1 without a class
    name         bytes, the photograph's path below its folder

Without TensorFlow, so that many processes start at once.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import google_crc32c
import numpy as np

NO_CLASS = -1
FRAME = 16  # bytes that a shard adds to each example: length, its checksum, the example's checksum


class Record(NamedTuple):
    """One photograph as it is stored; fields as above."""

    luminance: np.ndarray
    chrominance: np.ndarray
    label: int
    name: bytes


class DamagedRecord(ValueError):
    """Bytes that are no whole record."""


def record_bytes(record: Record) -> bytes:
    """A record as it stands in a shard: length and example, each with a masked CRC-32C."""
    example = b"".join(_example(record))
    length = struct.pack("<Q", len(example))
    return length + _masked_crc(length) + example + _masked_crc(example)


def parse_records(data: bytes, size: int) -> Iterator[Record]:
    """The records of some bytes of a shard, whose pictures are size x size; arrays are views.

    Raises:
        DamagedRecord: a record is cut short, or does not match its checksums or its size.
    """
    view, start = memoryview(data), 0
    while start < len(data):
        if start + FRAME > len(data):
            raise DamagedRecord("it is cut short")
        header, checksum = data[start : start + 8], data[start + 8 : start + 12]
        end = start + 12 + struct.unpack("<Q", header)[0]
        if checksum != _masked_crc(header):
            raise DamagedRecord("its checksums do not match")
        if end + 4 > len(data):
            raise DamagedRecord("it is cut short")
        example = view[start + 12 : end]
        if data[end : end + 4] != _masked_crc(example):
            raise DamagedRecord("its checksums do not match")
        yield _parse_example(example, size)
        start = end + 4


def _masked_crc(data: bytes | memoryview) -> bytes:
    crc = google_crc32c.value(bytes(data) if isinstance(data, memoryview) else data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


# --- tf.train.Example: {1: {1: [{1: name, 2: {1: {1: bytes}} or {3: {1: varints}}}, ...]}} -----


def _example(record: Record) -> list[bytes]:
    features = (
        (b"chrominance", _field(1, _field(1, [record.chrominance.tobytes()]))),
        (b"label", _field(3, _field(1, [_varint(record.label)]))),
        (b"luminance", _field(1, _field(1, [record.luminance.tobytes()]))),
        (b"name", _field(1, _field(1, [record.name]))),
    )
    entries = [
        chunk
        for key, feature in features
        for chunk in _field(1, _field(1, [key]) + _field(2, feature))
    ]
    return _field(1, entries)


def _parse_example(example: memoryview, size: int) -> Record:
    features = {}
    for entry in _values(next(_values(example))):
        key, feature = _values(entry)
        features[bytes(key)] = next(_values(next(_values(feature))))
    try:
        label, _ = _read_varint(features[b"label"], 0)
        return Record(
            np.frombuffer(features[b"luminance"], np.uint8).reshape(size, size),
            np.frombuffer(features[b"chrominance"], np.uint8).reshape(size // 2, size // 2, 2),
            label - (label >> 63 << 64),
            bytes(features[b"name"]),
        )
    except (KeyError, ValueError):
        raise DamagedRecord(f"it holds no picture of {size} px") from None


def _field(number: int, chunks: list[bytes]) -> list[bytes]:
    """A length-delimited protocol buffer field, in chunks so that pictures are copied once."""
    return [_varint(number << 3 | 2) + _varint(sum(map(len, chunks))), *chunks]


def _values(view: memoryview) -> Iterator[memoryview]:
    """Yield the content of each length-delimited field of a message."""
    start = 0
    while start < len(view):
        length, start = _read_varint(view, start + 1)  # after the field's number, one byte
        yield view[start : start + length]
        start += length


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    groups = bytearray()
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def _read_varint(view: memoryview, start: int) -> tuple[int, int]:
    """(value, where it ends)."""
    value = shift = 0
    while True:
        byte = view[start]
        value |= (byte & 127) << shift
        start, shift = start + 1, shift + 7
        if byte < 128:
            return value, start
