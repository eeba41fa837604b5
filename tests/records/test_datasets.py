"""The datasets of the field, as they come: folders, archives and lists of each one's layout."""

import gzip
import io
import os
import subprocess
import tarfile

import numpy as np
import pytest

import input_create
import model_evaluate
import model_train
from colornet.errors import ImageError
from colornet.evaluation.evaluator import Photograph
from colornet.records import archives, shard_writing, sources
from colornet.records.classes import classes_of
from messy import colorful, encoded
from tiny_records import (
    SIZE,
    content_of,
    create,
    dataset_of,
    examples_of,
    label_of,
    make_photographs,
    rejected_of,
)

PLACES = ("a/abbey", "a/apartment_building/outdoor", "a/apartment_building/indoor", "z/zoo")
PLACES_CLASSES = ["abbey", "apartment_building/indoor", "apartment_building/outdoor", "zoo"]
IMAGENET = ("n01440764", "n01443537")
PLACES205_ROOT = "data/vision/torralba/deeplearning/images256"


def pack(path, folder, name=None):
    """A .tar of a folder in the order of the file system, as tar makes it; returns its path."""
    with tarfile.open(path, "w") as tar:
        for root, _, files in os.walk(folder):
            for file in reversed(files):
                below = os.path.relpath(os.path.join(root, file), folder)
                top = folder.name if name is None else name
                tar.add(os.path.join(root, file), os.path.join(top, below))
    return path


def shards_of(folder):
    return {name: data for name, data in content_of(folder).items() if name.endswith(".tfrecord")}


def labels_of(folder):
    return {name.decode(): label_of(example) for name, example in examples_of(folder).items()}


# --- Archives -------------------------------------------------------------------------------


@pytest.mark.parametrize("top", [None, ".", ""])
def test_a_folder_and_its_archive_give_the_same_bytes(tmp_path, top):
    images = make_photographs(tmp_path / "images", 8, (*PLACES, "a/a.b", "a"))
    (images / ".hidden.png").write_bytes(b"")
    (images / "text.txt").write_text("no picture")
    archive = pack(tmp_path / "images.tar", images, top)
    assert create(images, tmp_path / "from_folder") == 0
    assert create(archive, tmp_path / "from_tar") == 0
    assert shards_of(tmp_path / "from_tar") == shards_of(tmp_path / "from_folder")
    one, other = (dataset_of(tmp_path / name) for name in ("from_tar", "from_folder"))
    assert one == other and rejected_of(tmp_path / "from_tar") == {"text.txt": "not a picture"}


def test_an_archives_index_is_made_once(tmp_path, monkeypatch):
    archive = pack(tmp_path / "images.tar", make_photographs(tmp_path / "images", 4))
    first = archives.index(str(archive), str(tmp_path / "records"))
    monkeypatch.setattr(archives, "_contents", None)
    again = archives.index(str(archive), str(tmp_path / "records"))
    assert list(first.names) == list(again.names) and len(first.names) == 4
    assert (first.starts == again.starts).all() and (first.sizes == again.sizes).all()
    os.utime(archive, (1, 1))
    with pytest.raises(TypeError):  # another archive, whose index is to be made
        archives.index(str(archive), str(tmp_path / "records"))


def test_an_archive_of_archives_is_read_as_folders(tmp_path):
    images = make_photographs(tmp_path / "images", 8, IMAGENET)
    inner = tmp_path / "inner"
    inner.mkdir()
    for number, name in enumerate(IMAGENET):  # flat, as ImageNet's; and with its folder
        pack(inner / f"{name}.tar", images / name, ["", None][number])
    outer = pack(tmp_path / "outer.tar", inner, "")
    for source in (images, outer, inner):
        assert create(source, tmp_path / f"of_{source.name}") == 0
        assert shards_of(tmp_path / f"of_{source.name}") == shards_of(tmp_path / "of_images")
        assert dataset_of(tmp_path / f"of_{source.name}")["class_names"] == list(IMAGENET)


def test_shards_of_a_dataset_and_a_folder_in_an_archive(tmp_path):
    images = make_photographs(tmp_path / "images", 8, ("train/lake", "train/wood", "val/lake"))
    packed = pack(tmp_path / "all.tar", images)
    for name in ("lake", "wood"):
        pack(tmp_path / f"{name}.tar", images / "train" / name)
    shards = ["--images", str(tmp_path / "lake.tar"), str(tmp_path / "wood.tar")]
    assert create(images, tmp_path / "shards", *shards, "--val-images", f"{packed}/val") == 0
    assert dataset_of(tmp_path / "shards")["class_names"] == ["lake", "wood"]
    assert dataset_of(tmp_path / "shards")["val"]["classes"] == {"lake": 2}
    assert create(f"{packed}/images/train", tmp_path / "inside") == 0
    assert dataset_of(tmp_path / "inside")["class_names"] == ["lake", "wood"]


def test_archives_that_cannot_be_read_are_refused_with_the_mend(tmp_path, capsys):
    archive = pack(tmp_path / "images.tar", make_photographs(tmp_path / "images", 4, side=60))
    data = archive.read_bytes()
    packed = tmp_path / "my images.tar.gz"
    packed.write_bytes(gzip.compress(data))
    disguised = tmp_path / "b.tar"
    disguised.write_bytes(gzip.compress(data))
    cut = tmp_path / "cut.tar"
    damaged = tmp_path / "damaged.tar"
    with tarfile.open(archive) as tar:
        second = tar.getmembers()[1].offset
    cut.write_bytes(data[: second + 700])
    unfinished = tmp_path / "unfinished.tar"
    unfinished.write_bytes(data[:second])
    damaged.write_bytes(data[:second] + b"?" * 512 + data[second + 512 :])
    photograph = next((tmp_path / "images" / "lake").iterdir())
    for source, says in (
        (packed, f"run: gzip -dc '{packed}' > '{tmp_path}/my images.tar'"),
        (disguised, f"run: gzip -dc {disguised} > {tmp_path}/b-plain.tar"),
        (cut, "expected a whole .tar archive"),
        (damaged, "expected a whole .tar archive: damaged or cut short"),
        (unfinished, "expected a whole .tar archive: damaged or cut short"),
        (photograph, "expected a whole .tar archive"),
        (f"{archive}/nowhere", "found no file"),
        (tmp_path / "nowhere.tar", "expected a folder"),
    ):
        assert create(source, tmp_path / "records") == 2
        error = capsys.readouterr().err
        assert says in error and str(source) in error and error.count("\n") == 1


def test_links_and_what_changed_in_an_archive_are_named(tmp_path):
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as tar:
        for number in range(4):
            data = encoded(colorful(seed=number), "PNG")
            member = tarfile.TarInfo(f"top/{number}.png")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("top/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "../0.png"
        tar.addfile(link)
    assert create(archive, tmp_path / "records") == 0
    assert rejected_of(tmp_path / "records") == {
        "link.png": "a link in an archive, which is not followed; unpack the archive"
    }
    found = sources.from_sources([str(archive)], str(tmp_path / "records"))
    with open(archive, "r+b") as file:
        file.truncate(600)
    with pytest.raises(ImageError, match="cut short"):
        found.entry(0).content()


def test_links_in_an_archive_are_named(tmp_path):
    images = make_photographs(tmp_path / "images", 6)
    os.link(images / "lake" / "000.png", images / "lake" / "hard.png")
    (images / "wood" / "soft.png").symlink_to("../lake/002.png")
    archive = pack(tmp_path / "images.tar", images)
    assert create(archive, tmp_path / "records") == 0
    rejected = rejected_of(tmp_path / "records")
    assert len(rejected) == 2 and "wood/soft.png" in rejected
    assert all("a link in an archive" in reason for reason in rejected.values())


def test_hidden_and_sparse_files_of_an_archive_are_told(tmp_path, capsys):
    images = make_photographs(tmp_path / "images", 4)
    (images / ".trash.png").touch()
    with open(images / "lake" / "thin.bmp", "wb") as file:
        file.write(b"BM" + b"?" * 4094)
        file.truncate(1 << 20)
    subprocess.run(["tar", "-S", "-cf", tmp_path / "a.tar", "-C", tmp_path, "images"], check=True)
    assert create(tmp_path / "a.tar", tmp_path / "records", "--val-fraction", 0.5) == 0
    assert "a.tar: left out 1 hidden file" in capsys.readouterr().out
    assert "sparse file" in rejected_of(tmp_path / "records")["lake/thin.bmp"]


def test_an_archive_after_an_archive_and_a_packed_one_inside_are_refused(tmp_path, capsys):
    archive = pack(tmp_path / "a.tar", make_photographs(tmp_path / "images", 2))
    two = tmp_path / "two.tar"
    two.write_bytes(2 * archive.read_bytes())
    (tmp_path / "inner.tar").write_bytes(gzip.compress(archive.read_bytes()))
    with tarfile.open(tmp_path / "outer.tar", "w") as tar:
        tar.add(tmp_path / "inner.tar", "inner.tar")
    assert create(two, tmp_path / "records") == 2
    assert "join archives by tar -A" in capsys.readouterr().err
    assert create(tmp_path / "outer.tar", tmp_path / "records") == 2
    assert "unpack both and give the folder" in capsys.readouterr().err


# --- Classes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "folders, classes",
    [
        (["lake", "wood"], ["lake", "wood"]),
        (["", "lake"], [None, "lake"]),
        ([""], [None]),
        (["a/abbey", "a/apartment_building/outdoor", "z/zoo"],
         ["abbey", "apartment_building/outdoor", "zoo"]),
        ([f"{PLACES205_ROOT}/a/abbey", f"{PLACES205_ROOT}/z/zoo"], ["abbey", "zoo"]),
        (["a/abbey"], ["abbey"]),
        (["bath/indoor", "bath/outdoor"], ["bath/indoor", "bath/outdoor"]),
        (["a/abbey", "a/zoo"], ["a/abbey", "a/zoo"]),  # no letter of theirs
        (["indoor/a/attic", "outdoor/a/alley"], ["indoor/a/attic", "outdoor/a/alley"]),
        (["train/x", "trees/x"], ["train/x", "trees/x"]),
    ],
)  # fmt: skip
def test_classes_are_the_folders_that_hold_photographs(folders, classes):
    assert list(classes_of(folders, "images").values()) == classes


def test_a_parent_of_training_and_validation_is_noticed(tmp_path, capsys):
    for layout in ("", "ILSVRC/Data/CLS-LOC"):
        images = tmp_path / f"images{len(layout)}"
        make_photographs(images, 4, [os.path.join(layout, use, "lake") for use in ("train", "val")])
        assert create(images, tmp_path / "records") == 2
        base = os.path.join(images, layout) if layout else images
        assert f"--images {base}/train --val-images {base}/val" in capsys.readouterr().err


def test_validation_folders_that_are_no_class_of_training(tmp_path, capsys):
    images = make_photographs(tmp_path / "images", 6)
    val = make_photographs(tmp_path / "val", 6, ("wood", "sea", "moon"))
    options = ["--val-images", val]
    assert create(images, tmp_path / "records", *options) == 2
    error = capsys.readouterr().err
    assert "2 folders are no class of the training photographs: moon, sea;" in error
    assert "--unlabeled" in error and not (tmp_path / "records").exists()
    assert create(images, tmp_path / "records", *options, "--unlabeled") == 0
    assert dataset_of(tmp_path / "records")["class_names"] == ["lake", "wood"]
    assert dataset_of(tmp_path / "records")["val"]["classes"] == {"": 4, "wood": 2}


def test_classes_of_several_sources_are_merged(tmp_path):
    make_photographs(tmp_path / "one", 6, ("lake", "wood"))
    make_photographs(tmp_path / "two", 6, ("hill", "wood"))
    make_photographs(tmp_path / "flat", 1, ("",))
    val = make_photographs(tmp_path / "val", 2, ("hill", "wood"))
    sources = ["--images", *(str(tmp_path / name) for name in ("one", "two", "flat"))]
    assert create(tmp_path / "one", tmp_path / "records", *sources, "--val-images", val) == 0
    dataset = dataset_of(tmp_path / "records")
    assert dataset["class_names"] == ["hill", "lake", "wood"]
    assert dataset["train"]["classes"] == {"": 1, "hill": 3, "lake": 3, "wood": 6}
    for name, label in labels_of(tmp_path / "records").items():
        class_name = name.rpartition("/")[0]
        assert label == (dataset["class_names"].index(class_name) if class_name else -1)


# --- The share for validation ---------------------------------------------------------------


@pytest.mark.parametrize("share, kept, expected", [(0.1, 20, 2), (0.05, 2, 1), (0.05, 400, 20)])
def test_the_share_for_validation_counts_what_is_kept(share, kept, expected):
    chosen = [shard_writing.to_validation(share, number) for number in range(kept)]
    assert sum(chosen) == expected and not chosen[0]


def test_photographs_left_out_do_not_count_for_validation(tmp_path, capsys):
    images = make_photographs(tmp_path / "images", 10)
    for number in range(40):
        (images / "lake" / f"{number}.txt").write_text("no picture")
    assert create(images, tmp_path / "records", "--val-fraction", 0.2) == 0
    dataset = dataset_of(tmp_path / "records")
    assert dataset["train"]["pictures"] + dataset["val"]["pictures"] == 10
    assert 1 <= dataset["val"]["pictures"] <= 4  # each shard rounds
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_text("no picture")
    assert create(images, tmp_path / "other", "--val-images", tmp_path / "bad") == 2
    assert "no photograph for validation could be used; see" in capsys.readouterr().err


def test_hidden_photographs_are_told(tmp_path, capsys):
    images = make_photographs(tmp_path / "images", 4)
    make_photographs(images / ".trash", 4)
    (images / ".DS_Store").touch()
    assert create(images, tmp_path / "records", "--val-fraction", 0.5) == 0
    assert f"{images}: left out 1 hidden folder" in capsys.readouterr().out.splitlines()
    assert not rejected_of(tmp_path / "records")


def test_a_photograph_alone_is_too_few_and_no_file_says_more(tmp_path, capsys):
    images = make_photographs(tmp_path / "images", 1, ("",))
    assert create(images, tmp_path / "records", "--val-fraction", 0.2) == 2
    assert "for validation could be used; expected more of them" in capsys.readouterr().err


# --- Lists ----------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path):
    """Places365's layout: folders by letter, and validation without folders."""
    make_photographs(tmp_path / "data_256", 8, PLACES[:2])
    make_photographs(tmp_path / "val_256", 3, ("",))
    (tmp_path / "categories.txt").write_text(
        "/a/abbey 0\n/a/apartment_building/outdoor 1\n/z/zoo 2\n"
    )
    (tmp_path / "train.txt").write_text(
        "/a/abbey/000.png 0\n/a/apartment_building/outdoor/001.png 1\n/a/abbey/002.png 0\n"
        "/a/abbey/gone.png 0\n"
    )
    (tmp_path / "val.txt").write_bytes(b"\xef\xbb\xbf000.png 1\n001.png 0\n\ngone.png 0\n")
    return tmp_path


@pytest.mark.parametrize("packed", [False, True])
def test_places365s_lists(places, packed):
    images, val = places / "data_256", places / "val_256"
    if packed:
        images, val = pack(places / "train.tar", images), pack(places / "val.tar", val)
    assert create(
        images, places / "records", "--val-images", val, "--list", places / "train.txt",
        "--val-list", places / "val.txt", "--categories", places / "categories.txt",
    ) == 0  # fmt: skip
    dataset = dataset_of(places / "records")
    assert dataset["class_names"] == ["abbey", "apartment_building/outdoor", "zoo"]
    assert labels_of(places / "records") == {
        "a/abbey/000.png": 0, "a/apartment_building/outdoor/001.png": 1, "a/abbey/002.png": 0,
        "000.png": 1, "001.png": 0,
    }  # fmt: skip
    reason = "no such file or directory"
    assert rejected_of(places / "records") == {"a/abbey/gone.png": reason, "gone.png": reason}


def test_listed_photographs_are_found_wherever_folders_are_taken(places):
    """In archives whose photographs come late in the list, a folder of archives, inside one."""
    absent = [f"/z/zoo/{number:04d}.png" for number in range(sources.PROBED)]
    listed = "".join(f"{name} 2\n" for name in absent) + (places / "train.txt").read_text()
    (places / "train.txt").write_text(listed)
    images = places / "data_256"
    shards = places / "shards"
    shards.mkdir()
    for letter in ("abbey", "apartment_building"):
        pack(shards / f"{letter}.tar", images / "a" / letter, f"data_256/a/{letter}")
    both = pack(places / "both.tar", places, "")
    folder = places / "folder" / "a"
    folder.mkdir(parents=True)
    for letter in ("abbey", "apartment_building"):
        pack(folder / f"{letter}.tar", images / "a" / letter)
    expected = {
        "a/abbey/000.png": 0, "a/abbey/002.png": 0, "a/apartment_building/outdoor/001.png": 1,
        "a/abbey/004.png": 0,
    }  # fmt: skip
    lists = ["--list", places / "train.txt", "--categories", places / "categories.txt"]
    (places / "val.txt").write_text("a/abbey/004.png 0\n")
    lists += ["--val-list", places / "val.txt"]
    for number, given in enumerate(
        [sorted(shards.iterdir()), [f"{both}/data_256"], [folder.parent]]
    ):
        records = places / f"records{number}"
        assert create(given[0], records, "--images", *given, *lists) == 0
        assert labels_of(records) == expected
        assert len(rejected_of(records)) == 1001 and "a/abbey/gone.png" in rejected_of(records)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("separator", [",", " "])
def test_places205s_lists(tmp_path, packed, separator):
    images = tmp_path / "places205"
    make_photographs(images / PLACES205_ROOT, 8, PLACES)
    lines = [f"{PLACES[i % 4]}/{i:03d}.png{separator}{i % 4}" for i in range(8)]
    (tmp_path / "train_places205.csv").write_text("\n".join(lines[:6]))
    (tmp_path / "val_places205.csv").write_text("\n".join(lines[6:]))
    source = pack(tmp_path / "imagesPlaces205_resize.tar", images, "") if packed else images
    assert create(
        source, tmp_path / "records", "--list", tmp_path / "train_places205.csv",
        "--val-list", tmp_path / "val_places205.csv",
    ) == 0  # fmt: skip
    dataset = dataset_of(tmp_path / "records")
    assert dataset["train"]["pictures"] == 6 and dataset["val"]["pictures"] == 2
    assert sorted(dataset["class_names"]) == PLACES_CLASSES
    assert labels_of(tmp_path / "records") == {line[:-2]: int(line[-1]) for line in lines}


def test_a_photograph_is_taken_once(places, capsys):
    """Twice it would count twice, with two classes perhaps; in validation it would flatter."""
    images, train = places / "data_256", (places / "train.txt").read_text()
    tar = pack(places / "train.tar", images)
    (places / "twice.txt").write_text(train + "/a/abbey/002.png 1\n")
    (places / "other.txt").write_text("/a/abbey/004.png 0\n/a/abbey/002.png 0\n")
    (places / "link").symlink_to(images)
    lists = ["--categories", places / "categories.txt", "--list", places]
    for given, says in (
        (
            [images, "--images", images, images],
            "that come twice: 8, such as a/abbey/000.png; expected each once",
        ),
        (
            [images, "--images", images, places / "link" / "a"],
            "that come twice: 8, such as abbey/000.png",
        ),
        ([tar, "--images", tar, f"{tar}/a"], "that come twice: 8, such as abbey/000.png"),
        ([images, "--val-images", places / "link"], "for validation: 8, such as a/abbey/000.png; "),
        ([images, "--val-images", images / "a" / "abbey"], "for validation: 4, such as 000.png"),
        ([tar, "--val-images", f"{tar}/a/abbey"], "for validation: 4, such as 000.png"),
        ([images, *lists[:3], places / "twice.txt"], "that come twice: 1, such as a/abbey/002.png"),
        (
            [images, *lists[:3], places / "train.txt", "--val-list", places / "other.txt"],
            "for training and for validation: 1, such as a/abbey/002.png",
        ),
    ):
        assert create(given[0], places / "records", *given[1:]) == 2
        error = capsys.readouterr().err
        assert says in error and error.count("\n") == 1
    assert not list((places / "records").glob("*.tfrecord"))


def test_lines_that_do_not_fit_are_named(places, capsys):
    lists = ["--list", places / "train.txt", "--categories", places / "categories.txt"]
    for text, says in (
        ("/a/abbey/000.png 7\n", "a/abbey/000.png is of class 7; expected 0 to 2"),
        ("/a/abbey/000.png 0\n\n/a/abbey/000.png\n", "train.txt, line 3: expected a photograph"),
        ("image,label\n", "train.txt, line 1: expected a photograph"),
        ("\n\n", "train.txt: the list is empty"),
    ):
        (places / "train.txt").write_text(text)
        assert create(places / "data_256", places / "records", *lists) == 2
        error = capsys.readouterr().err
        assert says in error and error.count("\n") == 1
    (places / "train.txt").write_text("/a/abbey/000.png 0\n000.png 0\n")
    assert create(places / "data_256", places / "records", *lists[:2]) == 2
    assert "give --categories" in capsys.readouterr().err
    (places / "categories.txt").write_text("/a/abbey 0\n/z/zoo 2\n")
    assert create(places / "data_256", places / "records", *lists) == 2
    assert "expected classes 0 to 1, each once" in capsys.readouterr().err
    assert create(places / "nowhere", places / "records", *lists[:2]) == 2
    assert create(places / "data_256", places / "records", "--val-list", places / "val.txt") == 2
    assert "expected --list as well" in capsys.readouterr().err


def test_imagenets_lists(tmp_path):
    images = make_photographs(tmp_path / "train", 6, IMAGENET)
    make_photographs(tmp_path / "val", 2, ("",))
    (tmp_path / "synsets.txt").write_text("n01440764\nn01443537\n")
    (tmp_path / "train.txt").write_text(
        "".join(f"{IMAGENET[i % 2]}/{i:03d}.png {i % 2}\n" for i in range(6))
    )
    (tmp_path / "val.txt").write_text("000.png 1\n001.png 0\n")
    assert create(
        images, tmp_path / "records", "--val-images", tmp_path / "val", "--list",
        tmp_path / "train.txt", "--val-list", tmp_path / "val.txt", "--categories",
        tmp_path / "synsets.txt",
    ) == 0  # fmt: skip
    dataset = dataset_of(tmp_path / "records")
    assert dataset["class_names"] == list(IMAGENET)
    assert dataset["val"]["classes"] == {name: 1 for name in IMAGENET}


# --- All the way ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "root, classes, names",
    [
        (PLACES205_ROOT, PLACES, PLACES_CLASSES),
        ("data_256", PLACES, PLACES_CLASSES),
        ("", IMAGENET, list(IMAGENET)),
    ],
    ids=["places205", "places365", "imagenet"],
)
def test_each_layout_trains_and_is_measured_with_its_classes(tmp_path, root, classes, names):
    """An archive of each: records, some steps of training, evaluation with classes."""
    images = make_photographs(tmp_path / "images" / root, 12, classes)
    archive = pack(tmp_path / "images.tar", tmp_path / "images", "")
    assert create(archive, tmp_path / "records", "--val-fraction", 0.25) == 0
    assert dataset_of(tmp_path / "records")["class_names"] == names
    changes = ["crop_size=32", "width=0.0625", "batch_size=4", "steps=3", "validate_every=3"]
    run = ["--records", str(tmp_path / "records"), "--run-dir", str(tmp_path / "run")]
    run += ["--preset", "smoke", *(word for change in changes for word in ("--set", change))]
    assert model_train.main(run) == 0
    report = tmp_path / "report.json"
    assert model_evaluate.main(
        [str(images), "--model", str(tmp_path / "run"), "--report", str(report)]
    ) == 0  # fmt: skip
    assert '"with_scene": 12' in report.read_text()


def test_a_photographs_folders_name_its_class():
    photograph = Photograph("x/a/apartment_building/outdoor/1.jpg")
    assert photograph.scene_of(PLACES_CLASSES) == "apartment_building/outdoor"
    assert photograph.scene_of(["outdoor"]) == "outdoor"
    assert photograph.scene_of(["abbey"]) is None


def test_ten_lines_of_plain_tensorflow_read_the_records(tmp_path, monkeypatch):
    """The program in docs/records.md."""
    page = open(os.path.join(os.path.dirname(input_create.__file__), "docs", "records.md")).read()
    program = page.partition("```python\n")[2].partition("```")[0]
    assert 5 <= len(program.splitlines()) <= 12
    create(make_photographs(tmp_path / "images", 8), tmp_path / "records")
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(program, found)
    luminance, chrominance, label, name = next(iter(found["pictures"]))
    example = examples_of(tmp_path / "records")[name.numpy()]
    assert label == label_of(example)
    stored = example.features.feature["luminance"].bytes_list.value[0]
    assert np.array_equal(luminance.numpy().ravel(), np.frombuffer(stored, np.uint8))
    assert luminance.shape == (SIZE, SIZE) and chrominance.shape == (SIZE // 2, SIZE // 2, 2)
    assert (
        sum(1 for _ in found["pictures"]) == dataset_of(tmp_path / "records")["train"]["pictures"]
    )
