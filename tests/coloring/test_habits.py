"""Habits of the command line: outputs beside inputs, pipes, JSON, versions."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import tiny
from colornet.coloring.command import main
from colornet.versions import VERSION

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))


def test_without_an_output_a_file_is_colored_beside_its_input(run, capsys):
    tiny.photograph().save("a.jpg")
    assert run("a.jpg") == 0
    assert "1 colored beside the inputs" in capsys.readouterr().out
    assert Image.open("a.colored.jpg").size == Image.open("a.jpg").size


def test_a_folder_needs_an_output_and_passes_over_what_was_colored_beside(run, capsys):
    os.mkdir("album")
    tiny.photograph().save("album/a.jpg")
    assert run("album/a.jpg") == 0
    assert run("album") == 2
    assert "expected -o OUT" in capsys.readouterr().err
    assert run("album", "-o", "out") == 0
    assert os.listdir("out") == ["a.jpg"]
    assert run("album/a.colored.jpg", "-o", "named") == 0  # named, it is an input


def piped(arguments, stdin, model):
    return subprocess.run(
        [sys.executable, "-m", "colornet", *arguments, "--model", model],
        input=stdin, capture_output=True, env={**os.environ, "PYTHONPATH": ROOT},
    )  # fmt: skip


def test_standard_input_to_standard_output(tmp_path, exported_network):
    content = io.BytesIO()
    tiny.photograph().save(content, "JPEG")
    done = piped(["-", "-o", "-"], content.getvalue(), exported_network)
    assert done.returncode == 0, done.stderr
    assert Image.open(io.BytesIO(done.stdout)).format == "PNG"
    path = tmp_path / "a.jpg"
    path.write_bytes(content.getvalue())
    assert main([str(path), "-o", str(tmp_path / "b.png"), "--model", exported_network]) == 0
    ours = np.asarray(Image.open(tmp_path / "b.png"))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(done.stdout))), ours)


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["-", "a.jpg", "-o", "out"], "expected a single input"),
        (["-"], "expected -o FILE"),
        (["a.jpg", "-o", "-", "--json"], "no --json with -o -"),
    ],
)
def test_pipes_that_do_not_fit_are_one_line(run, capsys, arguments, says):
    tiny.photograph().save("a.jpg")
    assert run(*arguments) == 2
    assert says in capsys.readouterr().err


def test_json_is_one_line_for_each_picture_and_nothing_else(run, capsys):
    tiny.photograph().save("a.jpg")
    tiny.photograph().save("b.png")
    assert run("a.jpg", "b.png", "-o", "out", "--json", "--classes", "2") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["output"] for line in lines] == ["out/a.jpg", "out/b.png"]
    assert all(len(line["scenes"]) == 2 and line["seconds"] > 0 for line in lines)
    assert [line["remarks"] for line in lines] == [[], []]


OLD = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    b'syntax-ns#"><rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:CreatorTool="Scanner" dc:source="Archive"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("before", [b"", OLD])
def test_xmp_says_that_the_colors_were_computed(run, ending, before):
    more = {"xmp": before} if before else {}
    tiny.photograph().save("a.jpg", **more)
    assert run("a.jpg", "-o", f"b.{ending}") == 0
    with Image.open(f"b.{ending}") as image:
        xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or image.tag_v2[700]
    xmp = xmp if isinstance(xmp, bytes) else xmp.encode()
    assert xmp.count(b"compositeWithTrainedAlgorithmicMedia") == xmp.count(b"CreatorTool") == 1
    assert f"Let there be Color {VERSION}".encode() in xmp and b"Scanner" not in xmp
    assert (b'dc:source="Archive"' in xmp) == bool(before)


def test_version_says_what_a_bug_report_needs(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"colornet {VERSION}" in shown and "Python 3" in shown and "numpy" in shown
