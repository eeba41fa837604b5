"""The bytes of a record: a tf.train.Example in the TFRecord format, written and read.

One example a photograph (raw bytes, nothing to decode while training):
    luminance    uint8 (picture_size, picture_size)
    chrominance  uint8 (picture_size/2, picture_size/2, 2), area-averaged
    label        int64, index into class_names; -1 without a class
    name         bytes, the photograph's path below its folder

Written here without TensorFlow, so that many processes start at once.
"""

import struct

import google_crc32c

NO_CLASS = -1


def example_bytes(luminance, chrominance, label, name):
    """A serialised tf.train.Example with the four features of a photograph."""
    features = (
        (b"chrominance", _field(1, _field(1, [chrominance.tobytes()]))),
        (b"label", _field(3, _field(1, [_varint(label)]))),
        (b"luminance", _field(1, _field(1, [luminance.tobytes()]))),
        (b"name", _field(1, _field(1, [name]))),
    )
    entries = [
        chunk
        for key, feature in features
        for chunk in _field(1, _field(1, [key]) + _field(2, feature))
    ]
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


def is_sound(data):
    """Whether the bytes of a shard are whole records with the right checksums."""
    while data:
        (length,) = struct.unpack("<Q", data[:8]) if len(data) > 16 else (len(data),)
        if length + 16 > len(data) or data[8:12] != _masked_crc(bytes(data[:8])):
            return False
        if data[12 + length : 16 + length] != _masked_crc(bytes(data[12 : 12 + length])):
            return False
        data = data[16 + length :]
    return True
