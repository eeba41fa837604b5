"""Making records: the same bytes always, whatever interrupts it and whatever comes."""

import multiprocessing
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import color

from colornet.files import printable
from colornet.locks import locked
from colornet.pictures import finding, opening
from colornet.records import storage
from colornet.records import workers as processes
from colornet.records.format import Record, parse_records, record_bytes
from colornet.records.photographs import Entry
from colornet.records.planes import SINGLE_HUE, convert
from messy import colorful, encoded, swapped_profile, write_messy_folder
from presets import load_config
from tiny_records import (
    ROOT,
    SIZE,
    assert_same,
    command,
    content_of,
    create,
    dataset_of,
    examples_of,
    label_of,
    make_photographs,
    rejected_of,
)


def test_photographs_younger_than_their_shards_are_named(tmp_path, capsys):
    images = make_photographs(tmp_path / "images", 8)
    assert create(images, tmp_path / "records") == 0

    def shards():
        return {path.name: path.read_bytes() for path in (tmp_path / "records").glob("*-of-*")}

    before = shards()
    capsys.readouterr()
    assert create(images, tmp_path / "records") == 0
    assert capsys.readouterr().err == ""
    Image.fromarray(colorful(48, 56, seed=99)).save(images / "lake" / "002.png")
    assert create(images, tmp_path / "records") == 0
    error = capsys.readouterr().err
    assert "1 photographs, such as lake/002.png of " in error and error.count("\n") == 1
    assert shards() == before
    for name in before:
        if name.partition(".")[0] in error:
            (tmp_path / "records" / name).unlink()
    assert create(images, tmp_path / "records") == 0
    assert capsys.readouterr().err == "" and shards() != before


# --- The same bytes -------------------------------------------------------------------------


def test_worker_counts_give_equal_bytes(tmp_path):
    images = make_photographs(tmp_path / "images", 40)
    for workers in (1, 2, 4):
        assert create(images, tmp_path / str(workers), "--workers", workers) == 0
    assert len(list((tmp_path / "1").glob("*.tfrecord"))) == 14  # from six photographs each
    assert_same(tmp_path / "2", tmp_path / "1")
    assert_same(tmp_path / "4", tmp_path / "1")


@pytest.mark.parametrize("kills", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_kill_9_at_random_moments(tmp_path, kills):
    images = make_photographs(tmp_path / "images", 4, side=500)
    for number in range(15):  # cheap photographs that take a while to read
        for path in sorted(images.glob("*/00[0-3].png")):
            os.link(path, path.with_name(f"{path.stem}-{number}.png"))
    made = command(images, tmp_path / "whole")
    seconds = _run_until_killed(made, None)
    chance = random.Random(1)
    finished = killed = 0
    while killed < kills:
        records = tmp_path / f"records{finished}"
        _run_until_killed(command(images, records), chance.uniform(0, 0.8 * seconds))
        killed += 1
        for shard in records.glob("*-of-*.tfrecord"):  # whole already, if it has its name
            assert shard.read_bytes() == (tmp_path / "whole" / shard.name).read_bytes()
        if chance.random() < 0.3 or killed == kills:  # else the next one goes on from here
            _run_until_killed(command(images, records), None)
            assert_same(records, tmp_path / "whole")
            finished += 1


def _run_until_killed(command, after):
    """Run a script and kill it alone some seconds after its shards are begun (None: never).

    Returns when its worker processes, which hold its output open, have ended too.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "shards" in process.stdout.readline()
    started = time.monotonic()
    if after is not None:
        time.sleep(after)
        process.kill()
    _, errors = process.communicate(timeout=60)
    assert errors == "" and process.returncode in (0, -signal.SIGKILL)
    return time.monotonic() - started


def test_interrupt_ends_in_one_line_and_is_made_good(tmp_path):
    images = make_photographs(tmp_path / "images", 40, side=250)
    process = subprocess.Popen(
        command(images, tmp_path / "records"),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while not list(tmp_path.glob("records/*.tfrecord")):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers get it too
    _, errors = process.communicate(timeout=20)
    assert errors == "interrupted; what was finished is kept\n"
    assert process.returncode == 130
    assert not list((tmp_path / "records").glob(".*"))
    assert create(images, tmp_path / "records") == 0
    assert create(images, tmp_path / "whole") == 0
    assert_same(tmp_path / "records", tmp_path / "whole")


@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker in /proc")
def test_a_killed_worker_ends_in_one_line(tmp_path):
    images = make_photographs(tmp_path / "images", 60, side=400)
    process = subprocess.Popen(
        command(images, tmp_path / "records"),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.readline()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not (workers := children.read_text().split()):
        time.sleep(0.01)
    os.kill(int(workers[0]), signal.SIGKILL)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert errors.startswith("error: a worker process was killed") and errors.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_a_worker_killed_with_the_lock_of_the_count_stops_nobody():
    context = multiprocessing.get_context("fork")
    done = context.Value("q", 3)
    worker = context.Process(target=lambda: done.get_lock().acquire() and os._exit(0))
    worker.start()
    worker.join(20)
    with processes._Progress(5, done) as shown:
        thread = threading.Thread(target=shown.show, daemon=True)
        thread.start()
        thread.join(5)
        assert not thread.is_alive()


def test_parts_equal_the_whole(tmp_path, capsys):
    images = make_photographs(tmp_path / "images", 40)
    assert create(images, tmp_path / "whole") == 0
    assert create(images, tmp_path / "parts", "--part", "2/2") == 0
    assert not (tmp_path / "parts" / "dataset.json").exists()
    assert "8 shards of other parts are missing" in capsys.readouterr().out
    assert create(images, tmp_path / "parts", "--part", "1/2") == 0
    assert_same(tmp_path / "parts", tmp_path / "whole")


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b"])
def test_impossible_parts_are_refused(tmp_path, text, capsys):
    with pytest.raises(SystemExit, match="2"):
        create(tmp_path, tmp_path / "records", "--part", text)
    assert "expected K/N" in capsys.readouterr().err


def test_one_process_a_part(tmp_path, capsys):
    images = make_photographs(tmp_path / "images", 8)
    assert create(images, tmp_path / "records", "--part", "1/2") == 0
    with locked(tmp_path / "records" / ".part-2-of-2.lock", "held"):
        assert create(images, tmp_path / "records", "--part", "2/2") == 2
        error = capsys.readouterr().err
        assert f"part 2/2: in use by process {os.getpid()} on " in error and error.count("\n") == 1
        assert create(images, tmp_path / "records", "--part", "1/2") == 0
    assert create(images, tmp_path / "records", "--part", "2/2") == 0
    assert (tmp_path / "records" / "dataset.json").exists()


def test_a_deleted_shard_is_made_anew(tmp_path):
    images = make_photographs(tmp_path / "images")
    assert create(images, tmp_path / "records") == 0
    shutil.copytree(tmp_path / "records", tmp_path / "whole")
    (tmp_path / "records" / "train-00001-of-00004.tfrecord").unlink()
    for half in ("train-00001-of-00004.tfrecord", "train-00001-of-00004.json", "dataset.json"):
        partial = f".partial-{socket.gethostname()[:32]}-{2**22 + 1}-7f{half}"
        (tmp_path / "records" / partial).write_text("left by a killed process")
    assert create(images, tmp_path / "records") == 0
    assert_same(tmp_path / "records", tmp_path / "whole")


def test_a_full_disk_ends_in_one_line_and_is_made_good(tmp_path):
    images = make_photographs(tmp_path / "images", 40)
    small, saved = tmp_path / "small", tmp_path / "saved"
    small.mkdir()
    # A file system of 60 KiB that is gone with its process.
    script = (
        'mount -t tmpfs -o size=60k tmpfs "$1" || exit 77; small=$1; saved=$2; shift 2; '
        '"$@"; code=$?; cp -r "$small" "$saved"; exit $code'
    )
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    try:
        result = subprocess.run(
            [*unshare, "sh", "-c", script, "sh", small, saved, *command(images, small)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if result.returncode in (1, 77) and not saved.exists():
        pytest.skip(f"cannot mount a small disk here: {result.stderr}")
    assert result.returncode == 2, result.stderr
    assert "No space left on device; finished shards are kept" in result.stderr
    assert result.stderr.count("\n") == 1
    assert create(images, tmp_path / "whole") == 0
    whole, kept = content_of(tmp_path / "whole"), content_of(saved)
    assert any(name.endswith(".tfrecord") for name in kept)
    assert all(whole[name] == data for name, data in kept.items())
    assert create(images, saved) == 0
    assert_same(saved, tmp_path / "whole")


# --- What is refused ------------------------------------------------------------------------


def test_other_settings_on_a_begun_folder_are_refused(tmp_path, capsys):
    images = make_photographs(tmp_path / "images")
    assert create(images, tmp_path / "records", "--part", "1/2") == 0
    before = content_of(tmp_path / "records")
    assert create(images, tmp_path / "records", "--set", "min_chroma=2") == 2
    error = capsys.readouterr().err
    assert "min_chroma (1.0, now 2.0)" in error and error.count("\n") == 1
    Image.fromarray(colorful(seed=99)).save(images / "lake" / "new.png")
    assert create(images, tmp_path / "records", "--part", "1/2") == 2
    error = capsys.readouterr().err
    assert "different: train" in error and error.count("\n") == 1
    (images / "lake" / "new.png").unlink()
    (images / "lake").rename(images / "pond")
    assert create(images, tmp_path / "records", "--part", "1/2") == 2
    assert "class_names" in capsys.readouterr().err
    assert content_of(tmp_path / "records") == before


def test_a_damaged_plan_and_a_blocked_folder_are_refused(tmp_path, capsys):
    images = make_photographs(tmp_path / "images", 4)
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "plan.json").write_text("{")
    assert create(images, tmp_path / "records") == 2
    assert "plan.json: damaged" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    for records in (tmp_path / "file", tmp_path / "file" / "records"):
        assert create(images, records) == 2
        error = capsys.readouterr().err
        assert f"--records: expected a folder, but {tmp_path / 'file'} is a file" in error
    assert create(images, images / "records") == 2
    assert "outside" in capsys.readouterr().err


def test_no_usable_photograph_is_an_error(tmp_path, capsys):
    (tmp_path / "images").mkdir()
    assert create(tmp_path / "images", tmp_path / "records") == 2
    assert "found no file" in capsys.readouterr().err
    assert create(tmp_path / "nowhere", tmp_path / "records") == 2
    assert "expected a folder" in capsys.readouterr().err
    (tmp_path / "images" / "a.jpg").write_text("text")
    (tmp_path / "images" / "b.jpg").write_text("text")
    assert create(tmp_path / "images", tmp_path / "records") == 2
    assert "no photograph could be used" in capsys.readouterr().err
    assert set(rejected_of(tmp_path / "records").values()) == {"not a picture"}


# --- Messy input ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def messy(tmp_path_factory):
    """(expected, records folder) of the messy folder."""
    folder = tmp_path_factory.mktemp("messy")
    expected = write_messy_folder(folder / "images")
    result = subprocess.run(
        command(folder / "images", folder / "records"), capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    (folder / "out.txt").write_text(result.stdout)
    return expected, folder / "records"


def test_every_messy_file_is_used_or_named_with_its_reason(messy):
    expected, records = messy
    used, rejected = examples_of(records), rejected_of(records)
    assert set(used) == {
        os.fsencode(name) for name, outcome in expected.items() if not outcome.record
    }
    reasons = {
        printable(name): outcome.record for name, outcome in expected.items() if outcome.record
    }
    assert rejected.keys() == reasons.keys()
    for name, reason in reasons.items():
        assert rejected[name].startswith(reason), name


def test_the_counts_add_up(messy):
    expected, records = messy
    dataset = dataset_of(records)
    splits = [dataset["train"], dataset["val"]]
    left_out = dataset["left_out"]
    assert sum(split["pictures"] for split in splits) + sum(left_out["reasons"].values()) == len(
        expected
    )
    assert sum(sum(counts.values()) for counts in left_out["classes"].values()) == sum(
        left_out["reasons"].values()
    )
    for split in splits:
        assert split["pictures"] == sum(shard["pictures"] for shard in split["shards"])
        assert split["pictures"] == sum(split["classes"].values())
        for shard in split["shards"]:
            assert (records / shard["file"]).stat().st_size == shard["bytes"]
    printed = (records.parent / "out.txt").read_text()
    for reason, count in left_out["reasons"].items():
        assert f"{count:8d}  {reason}\n" in printed


def test_a_color_profile_is_honored(tmp_path):
    pixels = colorful(SIZE, SIZE)
    (tmp_path / "plain.png").write_bytes(encoded(pixels, "PNG"))
    (tmp_path / "profile.png").write_bytes(encoded(pixels, "PNG", icc_profile=swapped_profile()))
    plain = opening.open_square(tmp_path / "plain.png", SIZE)
    honored = opening.open_square(tmp_path / "profile.png", SIZE).astype(int)
    assert np.array_equal(plain, pixels)
    assert np.abs(honored - pixels[..., [1, 0, 2]]).max() <= 2


def test_pictures_are_upright_and_on_white(tmp_path):
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30] = (250, 20, 20)
    exif = Image.Exif()
    exif[0x0112] = 6  # the file's left is the picture's top
    (tmp_path / "a.jpg").write_bytes(encoded(pixels, "JPEG", exif=exif, quality=95))
    upright = opening.open_square(tmp_path / "a.jpg", SIZE).astype(int)
    assert upright[:15, :, 0].min() > 200 and upright[25:, :, 0].max() < 50
    clear = np.dstack([pixels, np.zeros((40, 60), np.uint8)])
    (tmp_path / "b.png").write_bytes(encoded(clear, "PNG"))
    assert opening.open_square(tmp_path / "b.png", SIZE).min() == 255


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="becomes another user")
def test_what_may_not_be_read_is_left_out_with_its_reason():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        photograph, locked = Path(folder, "a.png"), Path(folder, "locked")
        photograph.write_bytes(encoded(colorful(), "PNG"))
        locked.mkdir()
        for path in (photograph, locked):
            path.chmod(0)
        os.seteuid(65534)
        try:
            assert list(finding.find_files(folder)) == [str(photograph), str(locked)]
            for path, reason in ((photograph, "permission denied"), (locked, "a folder")):
                planes, found, _ = convert(Entry(str(path), b"", -1), load_config("smoke"))
                assert planes is None and found.startswith(reason)
        finally:
            os.seteuid(0)


def test_the_color_filter_counts_by_reason_and_class_and_shows_samples(tmp_path):
    images = make_photographs(tmp_path / "images", 12)
    gray = np.repeat(colorful()[..., :1], 3, axis=2)
    tinted = (gray * [1.0, 0.95, 0.85]).astype(np.uint8)  # sepia
    Image.fromarray(gray).save(images / "lake" / "grey.png")
    Image.fromarray(gray).save(images / "wood" / "grey.png")
    Image.fromarray(tinted).save(images / "wood" / "sepia.png")
    assert create(images, tmp_path / "records", "--set", "min_chroma_deviation=10") == 0
    dataset = dataset_of(tmp_path / "records")
    assert dataset["left_out"] == {
        "reasons": {"grayscale": 2, "little color variance": 1},
        "classes": {"lake": {"grayscale": 1}, "wood": {"grayscale": 1, "little color variance": 1}},
    }
    assert dataset["settings"]["min_chroma_deviation"] == 10
    sheet = np.asarray(Image.open(tmp_path / "records" / "samples.png").convert("RGB"))
    assert sheet.shape[1] > 8 * 128 and sheet.shape[0] > 3 * 128  # twelve kept, three left out
    assert (
        create(
            images,
            tmp_path / "all",
            *("--set", "min_chroma=0"),
            *("--set", "min_chroma_deviation=0"),
            *("--set", "min_toning_deviation=0"),
        )
        == 0
    )
    assert dataset_of(tmp_path / "all")["left_out"] == {"reasons": {}, "classes": {}}


def test_toned_photographs_are_left_out_for_it(tmp_path):
    images = make_photographs(tmp_path / "images", 8)
    levels = colorful(seed=5)[..., :1] / 255.0
    for name, dark, light in (
        ("sepia", (60, 25, 0), (255, 235, 190)),
        ("cyanotype", (0, 25, 70), (225, 245, 255)),
    ):
        toned = (np.array(dark) + levels * (np.array(light) - dark)).astype(np.uint8)
        Image.fromarray(toned).save(images / "lake" / f"{name}.jpg", quality=90)
    assert create(images, tmp_path / "records") == 0
    assert rejected_of(tmp_path / "records") == {
        "lake/cyanotype.jpg": SINGLE_HUE,
        "lake/sepia.jpg": SINGLE_HUE,
    }


# --- What stands in the records -------------------------------------------------------------


def test_examples_parse_and_hold_scikit_images_lab(tmp_path):
    import tensorflow as tf

    images = tmp_path / "images" / "lake"
    images.mkdir(parents=True)
    pixels = colorful(SIZE, SIZE)  # stored as it is, not resized
    for name in ("a", "b"):
        Image.fromarray(pixels).save(images / f"{name}.png")
    assert create(tmp_path / "images", tmp_path / "records") == 0
    record = next(
        iter(tf.data.TFRecordDataset(str(tmp_path / "records" / "train-00000-of-00001.tfrecord")))
    )
    example = tf.io.parse_single_example(
        record,
        {
            "luminance": tf.io.FixedLenFeature([], tf.string),
            "chrominance": tf.io.FixedLenFeature([], tf.string),
            "label": tf.io.FixedLenFeature([], tf.int64),
            "name": tf.io.FixedLenFeature([], tf.string),
        },
    )
    assert example["label"] == 0 and example["name"].numpy() in (b"lake/a.png", b"lake/b.png")
    luminance = np.frombuffer(example["luminance"].numpy(), np.uint8).reshape(SIZE, SIZE)
    chrominance = np.frombuffer(example["chrominance"].numpy(), np.uint8)
    lab = color.rgb2lab(pixels)
    averaged = lab[..., 1:].reshape(SIZE // 2, 2, SIZE // 2, 2, 2).mean(axis=(1, 3))
    steps = np.abs(luminance * 100.0 / 255 - lab[..., 0]).max()
    assert steps <= 0.52 * 100 / 255  # rounding, and tables of 16 bits
    steps = np.abs(chrominance.reshape(averaged.shape) * 200.0 / 255 - 100 - averaged).max()
    assert steps <= 0.58 * 200 / 255


def test_labels_and_lengths_of_any_size_survive(tmp_path):
    import tensorflow as tf

    planes = np.zeros((10, 10), np.uint8), np.arange(50, dtype=np.uint8).reshape(5, 5, 2)
    for label in (-1, 0, 127, 128, 10**6):
        data = record_bytes(Record(*planes, label, b"n" * 300))
        (record,) = parse_records(data, 10)
        assert record.label == label and record.name == b"n" * 300
        assert np.array_equal(record.luminance, planes[0])
        assert np.array_equal(record.chrominance, planes[1])
        example = tf.train.Example.FromString(data[12:-4])
        assert label_of(example) == label
        feature = example.features.feature
        assert feature["chrominance"].bytes_list.value[0] == planes[1].tobytes()
        assert feature["name"].bytes_list.value[0] == b"n" * 300


# --- Processes, whole files, and scale ------------------------------------------------------


def test_workers_are_spawned_where_tensorflow_is_loaded_and_write_the_same(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    started = []
    monkeypatch.setattr(
        processes,
        "_run_workers",
        lambda *args, run=processes._run_workers: (started.append(args[3]), run(*args)),
    )
    images = make_photographs(tmp_path / "images")
    assert create(images, tmp_path / "spawned", "--workers", "1") == 0
    with monkeypatch.context() as hidden:
        hidden.delitem(sys.modules, "tensorflow")
        assert processes._context().get_start_method() == "fork"
    assert [context.get_start_method() for context in started] == ["spawn"]
    # Another process, which has not loaded TensorFlow, forks.
    run = [*command(images, tmp_path / "forked"), "--workers", "1"]
    subprocess.run(run, check=True, capture_output=True)
    assert_same(tmp_path / "spawned", tmp_path / "forked")


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    def chunks():
        yield b"half"
        raise OSError(5, "as a disk that breaks")

    storage.write_bytes(f"{tmp_path}/empty", [])
    with pytest.raises(OSError):
        storage.write_bytes(f"{tmp_path}/file", chunks())
    assert os.listdir(tmp_path) == ["empty"]
    with pytest.raises(FileNotFoundError):
        storage.read_bytes(f"{tmp_path}/file")


@pytest.mark.slow
def test_a_list_of_a_million_stays_under_600_mb(tmp_path):
    """A whole run in which no photograph exists, so that reading them takes no time."""
    with open(tmp_path / "list.txt", "w") as file:
        for i in range(1_000_000):
            file.write(f"/a/airfield_of_some_length/{i:08d}.jpg {i % 2}\n")
    (tmp_path / "categories.txt").write_text("/a/airfield 0\n/a/zoo 1\n")
    # Not getrusage: that counts what this process held when it forked, too.
    script = (
        "import re, sys, input_create\n"
        "code = input_create.main(sys.argv[1:])\n"
        "print(code, *re.findall(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read()))\n"
    )
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            script,
            "--images",
            tmp_path,
            "--records",
            tmp_path / "records",
            "--list",
            tmp_path / "list.txt",
            "--categories",
            tmp_path / "categories.txt",
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    code, kilobytes = map(int, result.stdout.splitlines()[-1].split())
    assert "no photograph could be used" in result.stderr and code == 2
    assert dataset_of(tmp_path / "records")["left_out"]["reasons"] == {
        "no such file or directory": 1_000_000
    }
    assert kilobytes / 1024 < 600
    print(f"peak memory {kilobytes / 1024:.0f} MB")
