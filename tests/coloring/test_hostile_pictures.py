"""Hundreds of damaged, misnamed and absurd files through the script: colored, or one reason."""

import collections
import io
import os
import re
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

import model_transform
from colornet.errors import ImageError
from colornet.pictures import opening
from tiny import photograph

ROOT = os.path.dirname(os.path.abspath(model_transform.__file__))
COLOR = photograph(97, 71)
GRAY = COLOR.convert("L")
CUTS, FLIPS = 6, 8  # damaged copies of each kind


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def kinds():
    """{name: bytes} of whole pictures, all formats that people have."""
    alpha, deep = COLOR.copy(), Image.fromarray(np.asarray(GRAY).astype(np.uint16) * 257)
    alpha.putalpha(GRAY)
    exif = Image.Exif()
    exif.update({0x010F: "Maker", 0x0112: 6, 0x8769: {0x9003: "1920:01:02 03:04:05"}})
    exif = exif.tobytes()
    more = {"save_all": True, "append_images": [COLOR.resize((30, 20))]}
    return {
        "grey.jpg": encoded(GRAY, "JPEG", exif=exif),
        "colour.jpg": encoded(COLOR, "JPEG", progressive=True),
        "ink.jpg": encoded(COLOR.convert("CMYK"), "JPEG"),
        "bits.png": encoded(GRAY.convert("1"), "PNG"),
        "colour.png": encoded(COLOR, "PNG", exif=exif),
        "deep.png": encoded(deep, "PNG"),
        "palette.png": encoded(COLOR.quantize(64), "PNG", transparency=3),
        "alpha.png": encoded(alpha, "PNG"),
        "grey.tif": encoded(GRAY, "TIFF", exif=exif),
        "deep.tif": encoded(deep, "TIFF", compression="tiff_adobe_deflate"),
        "packed.tif": encoded(COLOR, "TIFF", compression="tiff_lzw"),
        "jpeg.tif": encoded(COLOR, "TIFF", compression="jpeg"),
        "fax.tif": encoded(GRAY.convert("1"), "TIFF", compression="group4"),
        "pages.tif": encoded(COLOR, "TIFF", **more),
        "colour.webp": encoded(COLOR, "WEBP", exif=exif),
        "alpha.webp": encoded(alpha, "WEBP", lossless=True),
        "colour.bmp": encoded(COLOR, "BMP"),
        "palette.bmp": encoded(COLOR.quantize(64), "BMP"),
        "palette.gif": encoded(COLOR.quantize(64), "GIF"),
        "colour.jp2": encoded(COLOR, "JPEG2000"),
        "colour.ppm": encoded(COLOR, "PPM"),
    }


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, body):
    """A PNG that declares any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def with_bytes(data, place, replacement):
    return data[:place] + replacement + data[place + len(replacement) :]


def absurd(whole):
    """{name: bytes} of headers that promise too much."""
    jpeg, size_at = whole["colour.jpg"], whole["colour.jpg"].index(b"\xff\xc2") + 5
    huge = struct.pack("<ii", 2**31 - 1, 2**31 - 1)
    return {
        "bomb.png": png(2**31 - 1, 2**31 - 1, zlib.compress(bytes(1000))),
        "wide.png": png(10**9, 1, zlib.compress(bytes(1000))),
        "flat.png": png(0, 7, zlib.compress(b"")),
        "short.png": png(14000, 14000, zlib.compress(bytes(10**6))),
        "bomb.jpg": with_bytes(jpeg, size_at, b"\xff\xff\xff\xff"),
        "flat.jpg": with_bytes(jpeg, size_at, b"\0\0\0\0"),
        "bomb.bmp": with_bytes(whole["colour.bmp"], 18, huge),
        "negative.bmp": with_bytes(whole["colour.bmp"], 18, struct.pack("<ii", -97, -(2**31))),
        "bomb.gif": with_bytes(whole["palette.gif"], 6, b"\xff\xff\xff\xff"),
        "bomb.ppm": b"P6 999999999 999999999 255\n" + bytes(100),
        "short.ppm": b"P6 13000 13000 255\n" + bytes(100),
        "text.png": b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 0, 0, 0, 0))
        + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8), 9))
        + chunk(b"IEND", b""),
    }


def generate(folder):
    """Make the files; returns the sizes of those that are whole, by name."""
    random, whole = np.random.default_rng(20160711), kinds()
    files = dict(whole)
    for name, data in whole.items():
        stem, ending = os.path.splitext(name)
        for number in range(CUTS):
            files[f"{stem}.cut{number}{ending}"] = data[: random.integers(1, len(data))]
        for number in range(FLIPS):
            flipped = bytearray(data)
            within = len(data) if number % 2 else min(300, len(data))  # half of them: the header
            for place in random.integers(0, within, random.integers(1, 30)):
                flipped[place] ^= int(random.integers(1, 256))
            files[f"{stem}.flip{number}{ending}"] = bytes(flipped)
    sound = dict.fromkeys(whole, COLOR.size)
    sound["grey.jpg"] = sound["colour.png"] = sound["grey.tif"] = COLOR.size[::-1]  # turned
    sound["colour.webp"] = COLOR.size[::-1]
    for name, of in (
        ("a.png", "colour.jpg"),
        ("b.jpg", "colour.bmp"),
        ("c.tif", "palette.gif"),
        ("d.bmp", "alpha.webp"),
        ("e.webp", "packed.tif"),
        ("f.gif", "deep.png"),
    ):
        files["misnamed." + name], sound["misnamed." + name] = whole[of], COLOR.size
    for width, height in ((1, 1), (1, 30000), (30000, 1), (2, 2), (1, 7), (8191, 3)):
        for kind, ending in (("PNG", "png"), ("JPEG", "jpg"), ("TIFF", "tif"), ("BMP", "bmp")):
            name = f"{width}x{height}.{ending}"
            files[name], sound[name] = encoded(GRAY.resize((width, height)), kind), (width, height)
    for ending in ("jpg", "png", "tif", "webp", "bmp", "gif", "ico", "psd", "jp2"):
        files[f"empty.{ending}"] = b""
        files[f"text.{ending}"] = b"This is text, and no picture.\n" * 50
        files[f"noise.{ending}"] = random.bytes(5000)
        files[f"zeros.{ending}"] = bytes(5000)
    files |= {f"absurd.{name}": data for name, data in absurd(whole).items()}
    os.mkdir(folder)
    for name, data in files.items():
        with open(os.path.join(folder, named(name)), "wb") as file:
            file.write(data)
    os.mkdir(os.path.join(folder, "folder.jpg"))
    os.mkfifo(os.path.join(folder, "pipe.jpg"))
    os.symlink("nowhere.jpg", os.path.join(folder, "dangling.jpg"))
    os.symlink("loop.jpg", os.path.join(folder, "loop.jpg"))
    os.symlink("folder.jpg", os.path.join(folder, "folder_link.jpg"))
    os.symlink("/dev/zero", os.path.join(folder, "device.jpg"))
    with open(os.path.join(folder, "secret.jpg"), "wb") as file:
        file.write(whole["colour.jpg"])
    os.chmod(os.path.join(folder, "secret.jpg"), 0)  # the superuser reads it all the same
    return {named(name): size for name, size in sound.items()}


def named(name):
    """A name that shares its output with no other: a.gif and a.png would both become a.png."""
    return name + os.path.splitext(name)[1]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("hostile") / "files")
    return folder, generate(folder)


def test_each_file_ends_in_color_or_with_one_reason(hostile, tiny_network, tmp_path, capfd):
    folder, sound = hostile
    output = str(tmp_path / "out")
    assert model_transform.main([folder, "-o", output, "--model", tiny_network]) == 1
    caught = capfd.readouterr()
    reasons = dict(line.split(": ", 1) for line in caught.err.splitlines())
    failed = {os.path.relpath(path, folder) for path in reasons}
    assert len(reasons) == len(caught.err.splitlines())  # one line each, and no other remark
    inputs = set(os.listdir(folder)) - {"folder.jpg"}
    made = {}
    for where, _, names in os.walk(output):
        for name in names:
            made[os.path.relpath(os.path.join(where, name), output)] = os.path.join(where, name)
    assert not [name for name in made if "partial" in name]
    assert len(inputs) >= 300 and failed <= inputs
    assert f"{len(made)} colored, {len(failed)} failed" in caught.out
    assert len(made) + len(failed) == len(inputs)
    for name in inputs - failed:
        stem, ending = os.path.splitext(name)
        target = made[name if name in made else stem + ".png"]
        pixels = opening.open_picture(target).pixels
        source = opening.open_picture(os.path.join(folder, name)).pixels
        assert pixels.shape[:2] == source.shape[:2]
        if name in sound:
            assert pixels.shape[1::-1] == sound[name]
    assert not set(sound) & failed
    assert {"dangling.jpg", "device.jpg", "folder_link.jpg", "loop.jpg", "pipe.jpg"} <= failed
    assert set(map(named, ("absurd.bomb.png", "empty.jpg", "text.png", "zeros.tif"))) <= failed
    assert not [reason for reason in reasons.values() if "Traceback" in reason or not reason]


def test_nothing_takes_long(hostile):
    folder, _ = hostile
    slowest = collections.Counter()
    for name in os.listdir(folder):
        started = time.perf_counter()
        try:
            opening.open_picture(os.path.join(folder, name))
        except ImageError as error:
            assert re.fullmatch(r"[^\n]{3,200}", str(error))
        slowest[name] = time.perf_counter() - started
    name, seconds = slowest.most_common(1)[0]
    assert seconds < 10, name


@pytest.mark.slow
def test_memory_stays_bounded(hostile, tiny_network, tmp_path):
    """A process of its own, of which the system tells the most memory it ever held."""
    folder, _ = hostile
    Image.new("L", (14100, 14100), 99).save(tmp_path / "zip_bomb.png")  # 199 million pixels, valid
    command = [
        sys.executable,
        os.path.join(ROOT, "model_transform.py"),
        folder,
        str(tmp_path / "zip_bomb.png"),
        "-o",
        str(tmp_path / "out"),
        "--model",
        tiny_network,
        "--format",
        "jpeg",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        remarks = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 1 and "Traceback" not in remarks
    assert (tmp_path / "out/zip_bomb.jpg").exists()
    assert usage.ru_maxrss / 1024 < 2500
