"""Reading records: repeatable from any step, aligned crops, and damage that names its shard."""

import dataclasses
import gc
import hashlib
import json
import shutil
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import model_train
import read_input
from colornet.config import is_from_records, settings_of
from colornet.errors import UserError
from colornet.pictures.stretching import stretch
from colornet.records import batches as chains
from colornet.records import order, reading, storage
from colornet.records.dataset import SCHEMA, fingerprint, read_dataset
from colornet.records.format import Record, parse_records, record_bytes
from colornet.records.shards import shards_of
from presets import load_config

SIZE, CROP = 40, 32
PICTURES, BATCH = 50, 8  # an epoch ends within a batch
SETTINGS = [
    "--preset",
    "smoke",
    "--set",
    f"picture_size={SIZE}",
    "--set",
    f"crop_size={CROP}",
    "--set",
    f"batch_size={BATCH}",
    "--set",
    "width=0.0625",
    "--set",
    "shuffle_buffer=16",
]
CONFIG = load_config("smoke", SETTINGS[3::2])
SETTING_NAMES = {field.name for field in dataclasses.fields(CONFIG)}


def _planes():
    """A record whose chrominance tells where a pixel lies, and whose luminance follows from it."""
    y, x = np.mgrid[0 : SIZE // 2, 0 : SIZE // 2].astype(np.uint8)
    chrominance = np.stack([12 * y, 12 * x], axis=-1)
    luminance = np.repeat(np.repeat(6 * y + 6 * x, 2, axis=0), 2, axis=1)
    return luminance, chrominance


def _write_records(folder, train=PICTURES, val=5, shard_pictures=8):
    """Records whose labels number the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    dataset = {
        "schema": SCHEMA,
        "settings": {"picture_size": SIZE},
        "class_names": [f"{i:03d}" for i in range(max(train, val))],
    }
    for split, pictures in (("train", train), ("val", val)):
        classes = {name: 1 for name in dataset["class_names"][:pictures]}
        dataset[split] = {"pictures": pictures, "classes": classes, "shards": []}
        lengths = [min(shard_pictures, pictures - i) for i in range(0, pictures, shard_pictures)]
        for shard in shards_of(str(folder), split, lengths):
            records = [
                record_bytes(Record(*_planes(), label, b"name%d" % label))
                for label in shard.positions
            ]
            storage.write_bytes(shard.path, records)
            digest = hashlib.blake2b(b"".join(records), digest_size=16).hexdigest()
            storage.write_json(
                shard.summary_path, {"record_bytes": list(map(len, records)), "digest": digest}
            )
            dataset[split]["shards"].append(
                {
                    "file": shard.name,
                    "pictures": len(records),
                    "bytes": sum(map(len, records)),
                    "digest": digest,
                }
            )
    (folder / "dataset.json").write_text(json.dumps(dataset))
    return dataset


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """(folder, dataset) of whole records."""
    folder = tmp_path_factory.mktemp("records")
    return str(folder), _write_records(folder)


def arrays(batch):
    """(luminance, chrominance, label) of a batch."""
    return tuple(batch[name].numpy() for name in ("luminance", "chrominance", "label"))


def _batches(records, count, **options):
    folder, dataset = records
    chain = chains.training_batches(CONFIG, folder, dataset, **options)
    return [arrays(batch) for batch in chain.take(count)]


def _assert_equal(batches, expected):
    assert len(batches) == len(expected)
    for batch, other in zip(batches, expected):
        for part, wanted in zip(batch, other):
            np.testing.assert_array_equal(part, wanted)


@pytest.fixture(scope="module")
def whole(records):
    """Sixteen batches, two and a half epochs, of an uninterrupted reader."""
    return _batches(records, 16)


def test_shapes_and_ranges(whole):
    luminance, chrominance, label = whole[0]
    assert luminance.shape == (BATCH, CROP, CROP, 1) and luminance.dtype == np.float32
    assert chrominance.shape == (BATCH, CROP // 2, CROP // 2, 2) and chrominance.dtype == np.float32
    assert label.shape == (BATCH,) and label.dtype == np.int64
    assert luminance.min() >= 0 and 0.5 < luminance.max() <= 1


def test_every_epoch_holds_every_picture_once_in_another_order(whole):
    labels = np.concatenate([label for _, _, label in whole])
    first, second = labels[:PICTURES], labels[PICTURES : 2 * PICTURES]
    assert sorted(first) == sorted(second) == list(range(PICTURES))
    assert (first != second).mean() > 0.8
    assert (first != range(PICTURES)).mean() > 0.8


@pytest.mark.parametrize("step", [1, 6, 7, 13])
def test_started_at_a_step_gives_what_an_uninterrupted_reader_gives(records, whole, step):
    _assert_equal(_batches(records, 16 - step, start_step=step), whole[step:])


def test_another_seed_gives_another_order_and_other_crops(records, whole):
    folder, dataset = records
    other = load_config("smoke", SETTINGS[3::2] + ["seed=1"])
    batch = next(iter(chains.training_batches(other, folder, dataset)))
    assert not np.array_equal(batch["label"], whole[0][2])
    assert not np.array_equal(batch["luminance"], whole[0][0])


def test_pipelines_and_parts_are_slices_of_the_whole_batch(records, whole):
    for pipeline in range(2):
        half = slice(4 * pipeline, 4 * pipeline + 4)
        expected = [tuple(part[half] for part in batch) for batch in whole[5:9]]
        _assert_equal(_batches(records, 4, start_step=5, pipeline=pipeline, pipelines=2), expected)
    quarters = _batches(records, 8, start_step=5, pipeline=1, pipelines=2, parts=2)
    assert [len(batch[2]) for batch in quarters] == [2] * 8
    joined = [
        tuple(np.concatenate(parts) for parts in zip(*quarters[i : i + 2])) for i in range(0, 8, 2)
    ]
    _assert_equal(joined, expected)


@pytest.fixture
def read_counts(monkeypatch):
    """How many records each call read from the shards."""
    counts, read = [], reading.SplitReader.read

    def counting(self, first, count):
        counts.append(count)
        return read(self, first, count)

    monkeypatch.setattr(reading.SplitReader, "read", counting)
    return counts


def _reader(records, buffer=16, host=0, hosts=1):
    split = reading.SplitReader(*records, "train")
    return reading.TrainingReader(split, 0, BATCH, buffer, host, hosts)


@pytest.mark.parametrize("step", [5, 123_456_789])
def test_beginning_anywhere_reads_no_more_than_the_buffer(records, read_counts, step):
    reader = _reader(records, buffer=32)
    reader.batch(step)
    reader.pool.shutdown()
    assert BATCH <= sum(read_counts) <= 32


def test_hosts_read_their_own_pictures_alone(records, read_counts):
    totals = []
    for hosts in (1, 2, 4):
        readers = [_reader(records, host=host, hosts=hosts) for host in range(hosts)]
        batches = [[reader.batch(step) for step in range(25)] for reader in readers]
        for reader in readers:
            reader.pool.shutdown()
        positions = np.stack([[part[0] for part in of_host] for of_host in batches], axis=1)
        assert positions.reshape(-1).tolist() == list(range(25 * BATCH))
        totals.append(sum(read_counts))
        read_counts.clear()
    assert max(totals) <= 25 * BATCH + 32 and totals[2] <= totals[0] + 32


def test_a_long_epoch_is_mixed_well_and_whole():
    """Every record comes once, and a batch's records lie all over the set."""
    pictures, batch = 10_007, 16
    orders = []
    for number in (0, 1):
        epoch = order.Epoch(3, number, pictures, batch, 8)
        chunks, seen = {}, []
        for position in range(pictures):
            chunk, row = epoch.place(position)
            if chunk not in chunks:
                numbers, rows = epoch.records(chunk)
                chunks[chunk] = [numbers[i] % pictures for i in rows]
            seen.append(chunks[chunk][row])
        assert sorted(seen) == list(range(pictures))
        spread = np.ptp(np.reshape(seen[: pictures // batch * batch], (-1, batch)), axis=1)
        assert np.median(spread) > 0.8 * pictures
        orders.append(seen)
    shares = np.abs(np.subtract(*orders)) < 100  # near the same place in both epochs
    assert shares.mean() < 0.05


def test_the_fingerprint_sees_every_shard(records):
    dataset = records[1]
    for split in ("train", "val"):
        changed = json.loads(json.dumps(dataset))
        changed[split]["shards"][-1]["digest"] = "other"
        assert fingerprint(changed) != fingerprint(dataset)
    assert fingerprint(json.loads(json.dumps(dataset))) == fingerprint(dataset)


def test_the_script_shows_a_batch(records, tmp_path, capsys):
    command = ["--records", records[0], "--output", str(tmp_path / "batch.png"), *SETTINGS[:2]]
    changes = ["--set", f"crop_size={CROP}", "--set", f"batch_size={BATCH}", "--set", "aging=0.5"]
    assert read_input.main(command + changes) == 0
    sheet = np.asarray(Image.open(tmp_path / "batch.png").convert("RGB")).astype(int)
    assert sheet.shape[1] >= 8 * CROP and sheet.shape[0] >= 2 * CROP
    chroma = np.ptp(sheet[20 : 20 + CROP], axis=2).mean(axis=0)
    assert chroma[6:CROP].max() < 8 < chroma[CROP + 10 : 2 * CROP].mean()  # grey, then colours
    assert read_input.main(["--records", records[0], "--output", "/nowhere/a.png"] + changes) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert read_input.main(command + changes) == 0  # its own sheet is replaced
    Image.new("RGB", (9, 9)).save(tmp_path / "batch.png")
    before = (tmp_path / "batch.png").read_bytes()
    assert read_input.main(command + changes) == 2
    assert "--output" in capsys.readouterr().err
    assert (tmp_path / "batch.png").read_bytes() == before


def test_nothing_sleeps_that_the_end_of_reading_waits_for(records):
    """As the thread that tunes a chain does, now and then, for up to a minute: no test can wait."""
    assert not chains.training_batches(CONFIG, *records).options().autotune.enabled


def test_the_script_takes_the_settings_that_batches_use(records):
    """A new one belongs into SETTABLE, too."""
    used = set()

    class Watched(type(CONFIG)):
        def __getattribute__(self, name):
            used.add(name)
            return super().__getattribute__(name)

    config = Watched(**dataclasses.asdict(CONFIG))
    used.clear()  # making it checks them all
    chains.training_batches(config, *records)
    assert used & {n for n in SETTING_NAMES if not is_from_records(n)} == set(
        settings_of("read_input")
    )


def test_crops_and_flips_keep_both_planes_aligned(records):
    corners, flips = set(), []
    for luminance, chrominance, _ in _batches(records, 50):
        where = np.rint(chrominance * 255) / 12  # the y and x that each pixel came from
        np.testing.assert_allclose(
            np.rint(luminance[:, ::2, ::2, 0] * 255), 6 * where.sum(axis=-1), atol=0.01
        )
        np.testing.assert_array_equal(luminance[:, ::2, ::2], luminance[:, 1::2, 1::2])
        for y, x in where.transpose(0, 3, 1, 2):
            flips.append(x[0, 0] > x[0, 1])
            corners.add((y.min(), x.min()))
            assert np.array_equal(y, y.min() + np.mgrid[0:16, 0:16][0])
            step = -1 if flips[-1] else 1
            assert np.array_equal(x, x.min() + np.mgrid[0:16, 0:16][1][:, ::step])
    assert 0.4 < np.mean(flips) < 0.6
    assert corners == {(y, x) for y in range(5) for x in range(5)}


def test_zoomed_crops_of_every_height_and_width_stay_aligned(records):
    folder, dataset = records
    config = load_config("smoke", SETTINGS[3::2] + ["zoom=1.3"])
    shapes = set()
    for batch in chains.training_batches(config, folder, dataset).take(60):
        luminance, chrominance, _ = arrays(batch)
        assert luminance.shape == (BATCH, CROP, CROP, 1)
        where = chrominance * 255 / 12  # the y and x that each pixel came from
        halved = luminance.reshape(BATCH, CROP // 2, 2, CROP // 2, 2).mean(axis=(2, 4))
        inner = np.s_[:, 1:-1, 1:-1]  # scaling repeats the outermost pixels
        np.testing.assert_allclose(halved[inner] * 255, 6 * where.sum(axis=-1)[inner], atol=1.5)
        height = np.diff(where[..., 0], axis=1)[:, 2:-2].mean(axis=(1, 2)) * CROP
        width = np.abs(np.diff(where[..., 1], axis=2)[:, :, 2:-2].mean(axis=(1, 2))) * CROP
        shapes.update(zip(np.rint(height), np.rint(width)))
    sides = range(24, SIZE + 1, 2)
    assert shapes == {(height, width) for height in sides for width in sides}


def test_a_share_of_the_crops_is_aged_and_no_target(records, whole):
    folder, dataset = records
    config = load_config("smoke", SETTINGS[3::2] + ["aging=0.65"])

    def batches(**options):
        chain = chains.training_batches(config, folder, dataset, **options)
        return [arrays(batch) for batch in chain.take(8)]

    aged = batches()
    differs = []
    for (luminance, *target), (fresh, *wanted) in zip(aged, whole):
        _assert_equal([target], [wanted])
        assert luminance.min() >= 0 and luminance.max() <= 1
        differs.extend((luminance != fresh).any(axis=(1, 2, 3)))
    assert 0.5 < np.mean(differs) < 0.8
    _assert_equal(batches(start_step=3)[:5], aged[3:])


def test_stretched_crops_are_those_of_training_and_of_validation(records):
    folder, dataset = records
    config = dataclasses.replace(CONFIG, stretching=True)
    for batches in (
        lambda config: chains.training_batches(config, folder, dataset).take(2),
        lambda config: chains.validation_batches(config, folder, dataset, 2),
    ):
        pairs = zip(map(arrays, batches(config)), map(arrays, batches(CONFIG)))
        for (seen, *target), (plain, *wanted) in pairs:
            np.testing.assert_array_equal(seen, stretch(plain))
            assert np.abs(seen - plain).max() > 0.01
            for one, other in zip(target, wanted):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("change", ["zoom=1", "zoom=1.3", "aging=0.5", "stretching=true"])
def test_shapes_are_known_before_the_first_batch(records, change):
    folder, dataset = records
    config = load_config("smoke", SETTINGS[3::2] + [change])
    spec = chains.training_batches(config, folder, dataset).element_spec
    assert {name: tuple(each.shape) for name, each in spec.items()} == {
        "luminance": (BATCH, CROP, CROP, 1),
        "chrominance": (BATCH, CROP // 2, CROP // 2, 2),
        "label": (BATCH,),
    }


def test_validation_gives_center_crops_in_order(records):
    folder, dataset = records
    batches = [arrays(batch) for batch in chains.validation_batches(CONFIG, folder, dataset, 2)]
    assert [list(label) for _, _, label in batches] == [[0, 1], [2, 3], [4]]
    luminance, chrominance = _planes()
    np.testing.assert_allclose(batches[0][0][1, ..., 0] * 255, luminance[4:36, 4:36], atol=1e-3)
    np.testing.assert_allclose(batches[0][1][1] * 255, chrominance[2:18, 2:18], atol=1e-3)
    few = load_config("smoke", SETTINGS[3::2] + ["validation_pictures=3"])
    batches = chains.validation_batches(few, folder, dataset, 2)
    assert sum(len(batch["label"]) for batch in batches) == 3


def test_fewer_pictures_than_a_batch_are_read_again_and_again(tmp_path):
    dataset = _write_records(tmp_path, train=3)
    labels = np.concatenate([batch[2] for batch in _batches((str(tmp_path), dataset), 3)])
    assert np.bincount(labels).tolist() == [8, 8, 8]


# --- Damage ---------------------------------------------------------------------------------


def _train(folder, capsys):
    """Train on records that are not sound; returns the line that says so."""
    code = model_train.main(
        [
            "--records",
            str(folder),
            "--run-dir",
            str(folder / "run"),
            *SETTINGS[:2],
            *SETTINGS[4:],  # the records decide picture_size
            "--set",
            "steps=40",
            "--set",
            "use_classification=false",
        ]
    )
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert code == 2 and len(lines) == 1
    return lines[0]


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_flipped_bit_ends_training_and_names_the_shard(tmp_path, capsys, split):
    _write_records(tmp_path)
    shard = sorted(tmp_path.glob(f"{split}-*.tfrecord"))[-1]
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 4
    shard.write_bytes(data)
    error = _train(tmp_path, capsys)
    assert str(shard) in error and "its checksums do not match" in error
    assert "delete it and run input_create.py again" in error


def test_a_truncated_or_missing_shard_ends_training_and_is_named(tmp_path, capsys):
    _write_records(tmp_path)
    shard = tmp_path / "train-00003-of-00007.tfrecord"
    data = shard.read_bytes()
    shard.write_bytes(data[:-100])
    error = _train(tmp_path, capsys)
    assert f"{shard}: shard is cut short or changed: expected {len(data)}" in error
    shard.unlink()
    assert f"{shard}: shard is missing" in _train(tmp_path, capsys)


def test_a_foreign_or_damaged_dataset_json_is_named(tmp_path, capsys):
    dataset = _write_records(tmp_path)
    path = tmp_path / "dataset.json"
    for text, reason in (
        (json.dumps({**dataset, "schema": 99}), "expected records of schema 2, got 99"),
        (json.dumps({"schema": SCHEMA}), "damaged"),
        ("{", "damaged"),
        ("[]", "damaged"),
    ):
        path.write_text(text)
        error = _train(tmp_path, capsys)
        assert str(path) in error and reason in error
    path.unlink()
    assert f"{path}: no such file" in _train(tmp_path, capsys)


@pytest.mark.parametrize(
    "place, value",
    [
        (["settings"], None),
        (["settings", "picture_size"], 100_000_000),
        (["mean_color"], ["x", 1]),
        (["mean_color"], 3),
        (["class_names"], ["000"]),
        (["class_names"], "abc"),
        (["train", "pictures"], "9"),
        (["train", "pictures"], 100_000),
        (["val", "pictures"], -3),
        (["val", "classes"], {"000": 4}),
        (["train", "shards"], []),
        (["train", "shards", 0, "digest"], None),
        (["train", "shards", 0, "file"], "../train-00000-of-00007.tfrecord"),
        (["train", "shards", 0, "pictures"], 7),
        (["train", "shards", 0, "bytes"], 1.5),
    ],
)
def test_what_input_create_would_not_write_is_damage(records, tmp_path, place, value):
    folder = shutil.copytree(records[0], tmp_path / "records")
    dataset = json.loads((folder / "dataset.json").read_text())
    part = dataset
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    (folder / "dataset.json").write_text(json.dumps(dataset))
    with pytest.raises(UserError, match=r"dataset.json: damaged \(.*\); run input_create.py again"):
        read_dataset(folder)


def test_what_the_plan_says_otherwise_is_damage(records, tmp_path):
    """Classes that changed places are in no count."""
    folder = shutil.copytree(records[0], tmp_path / "records")
    names = records[1]["class_names"]
    (folder / "plan.json").write_text(json.dumps({"class_names": names}))
    assert read_dataset(folder)["class_names"] == names
    (folder / "plan.json").write_text(json.dumps({"class_names": names[::-1]}))
    with pytest.raises(UserError, match="damaged .class_names, unlike those of plan.json"):
        read_dataset(folder)


def test_shards_of_other_records_are_noticed(records, tmp_path):
    """Of the same sizes; with or without what lies beside them."""
    folder, other = (shutil.copytree(records[0], tmp_path / name) for name in ("ours", "theirs"))
    for shard in sorted(other.glob("*.tfrecord")):
        found = parse_records(shard.read_bytes(), SIZE)
        data = b"".join(record_bytes(record._replace(label=3)) for record in found)
        summary = json.loads(shard.with_suffix(".json").read_text())
        summary["digest"] = hashlib.blake2b(data, digest_size=16).hexdigest()
        shard.with_suffix(".json").write_text(json.dumps(summary))
        shutil.copy(shard.with_suffix(".json"), folder)
        shard.write_bytes(data)
    with pytest.raises(UserError, match="train-00000-of-00007.json: damaged shard"):
        reading.SplitReader(str(folder), records[1], "train").read(0, 1)
    for shard in other.glob("*.tfrecord"):
        shutil.copy(shard, folder)
    with pytest.raises(UserError, match=f"{folder}.*: damaged shard, or one of other records"):
        read_dataset(folder)


def test_every_kind_of_damage_is_found_in_its_shard(tmp_path):
    dataset = _write_records(tmp_path)
    shard = tmp_path / "train-00002-of-00007.tfrecord"
    data = shard.read_bytes()

    def reason():
        reader = reading.SplitReader(str(tmp_path), dataset, "train")
        with pytest.raises(reading.DamagedShard) as found:
            reader.read(8, 24)
        assert str(found.value).startswith(f"{shard}: damaged shard (")
        return str(found.value)

    for position in (0, 9, 12, 5000, len(data) - 1):  # length, its checksum, data, checksum
        shard.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        assert "checksums do not match" in reason()
    for length in (5, len(data) - 1):
        shard.write_bytes(data[:length])
        assert "cut short" in reason()
    shard.unlink()
    assert "no such file or directory" in reason()
    assert len(reading.SplitReader(str(tmp_path), dataset, "train").read(0, 16)) == 16
    summary = tmp_path / "train-00000-of-00007.json"
    summary.unlink()
    with pytest.raises(reading.DamagedShard, match=f"{summary}: .*missing"):
        reading.SplitReader(str(tmp_path), dataset, "train").read(0, 1)


def test_what_is_done_with_batches_is_not_taken_for_damage():
    def batches():
        yield 1
        raise tf.errors.NotFoundError(None, None, "no algorithm worked")

    given = chains.Batches(batches())
    assert next(given) == 1
    with pytest.raises(tf.errors.NotFoundError):
        next(given)


@pytest.mark.parametrize("fault", ["in the loop", "in reading"])
def test_reading_ends_with_its_context_though_an_error_keeps_the_frames(fault):
    read = []

    def count(number):
        if number == 1 and fault == "in reading":
            raise reading.DamagedShard("shard", "torn")
        read.append(number)
        return -number if over else number

    over = []
    chain = tf.data.Dataset.range(tf.int64.max)
    chain = chain.map(lambda number: tf.numpy_function(count, [number], tf.int64))
    endless = chain.skip(2).filter(lambda number: number < 0)  # reads on until let go, or `over`
    chain = chain.take(2).concatenate(endless).prefetch(4)
    gc.disable()
    try:
        with pytest.raises(UserError) as kept:
            with chains.Batches(chain) as batches:
                assert next(batches).numpy() == 0
                next(batches)
                raise UserError("the step failed")
        seen = len(read)
        time.sleep(0.2)
        assert len(read) == seen and kept.value.__traceback__
    finally:
        over.append(True)
        gc.enable()


def test_pictures_smaller_than_the_crop_are_refused(records):
    folder, dataset = records
    config = load_config("smoke", ["picture_size=64", "crop_size=64"])
    with pytest.raises(UserError, match="at least crop_size=64 px, got 40"):
        chains.training_batches(config, folder, dataset)
