"""Files appear whole or not at all."""

import concurrent.futures
import os
import subprocess
import sys

import pytest
from PIL import Image

from colornet import files, locks
from colornet.errors import UserError
from colornet.pictures import finding, saving


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("before")
    with pytest.raises(OSError, match="disk full"), files.whole_file(path) as file:
        file.write(b"half")
        raise OSError("disk full")
    assert path.read_text() == "before" and os.listdir(tmp_path) == ["a.png"]


def test_an_error_of_writing_names_the_file_that_was_asked_for(tmp_path):
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "missing" / "a.json"):
        with pytest.raises(OSError) as caught, files.whole_file(path) as file:
            file.write(b"text")
        assert caught.value.filename == str(path) and ".partial" not in str(caught.value)
    assert os.listdir(tmp_path) == ["folder"]


def test_files_written_at_a_time_by_one_thread(tmp_path):
    with files.whole_file(tmp_path / "a") as outer, files.whole_file(tmp_path / "b") as inner:
        outer.write(b"outer")
        inner.write(b"inner")
        assert not {"a", "b"} & set(os.listdir(tmp_path))
    assert (tmp_path / "a").read_bytes() == b"outer" and (tmp_path / "b").read_bytes() == b"inner"


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, full_disk):
    with full_disk(1000), pytest.raises(OSError), files.whole_file(tmp_path / "a") as file:
        file.write(bytes(1001))  # so few that they reach the disk when the file is closed
    assert os.listdir(tmp_path) == []


def test_threads_write_into_one_folder(tmp_path):
    def write(number):
        saving.save_image(Image.new("L", (50, 50), number), tmp_path / f"{number}.png")

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(200)))
    levels = [Image.open(tmp_path / f"{number}.png").getpixel((3, 3)) for number in range(200)]
    assert levels == list(range(200)) and len(os.listdir(tmp_path)) == 200


def test_what_a_killed_writer_left_is_recognized(tmp_path):
    program = f"""
import sys, time
sys.path.insert(0, {str(os.path.dirname(files.__file__))!r})
from colornet import files, locks
with files.whole_file(sys.argv[1]) as file:
    print("writing", flush=True)
    time.sleep(60)
"""
    command = [sys.executable, "-c", program, tmp_path / "a.png"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        (partial,) = os.listdir(tmp_path)
        assert not list(finding.find_files(tmp_path))
        files.remove_leftovers(tmp_path)
        assert os.listdir(tmp_path) == [partial]  # its writer runs
        process.kill()
    (tmp_path / "other.png").touch()
    files.remove_leftovers(tmp_path)
    assert os.listdir(tmp_path) == ["other.png"]


def test_a_lock_names_its_holder_and_dies_with_it(tmp_path):
    lock = tmp_path / ".lock"
    program = f"""
import sys, time
sys.path.insert(0, {os.path.dirname(os.path.dirname(files.__file__))!r})
from colornet import files, locks
with locks.locked(sys.argv[1], "folder"):
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program, lock], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(UserError, match=f"folder: in use by process {process.pid} on "):
            with locks.locked(lock, "folder"):
                pass
        process.kill()
    with locks.locked(lock, "folder"):  # left behind by the killed process
        with pytest.raises(UserError, match=f"process {os.getpid()} on "):
            with locks.locked(lock, "folder"):
                pass
    assert os.listdir(tmp_path) == []


def test_a_pipe_or_a_device_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="expected a file"), files.whole_file(tmp_path / "pipe"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_what_a_link_stands_for_is_replaced(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with files.whole_file(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_lock_outlives_a_move_of_its_folder(tmp_path):
    (tmp_path / "run").mkdir()
    with locks.locked(tmp_path / "run" / "lock", "the run"):
        (tmp_path / "run").rename(tmp_path / "moved")
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "lock").write_text("another run's")
    assert (tmp_path / "run" / "lock").read_text() == "another run's"
