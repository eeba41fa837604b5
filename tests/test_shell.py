"""The command line holds where output is shut, its encoding is poor or there is no terminal."""

import os
import subprocess
import sys

import pytest

from colornet import shell
from colornet.progress import progress

ROOT = os.path.dirname(os.path.dirname(shell.__file__))
# Prints far more than a pipe holds, then does what it is for.
SCRIPT = """
import logging, pathlib, sys
from colornet import shell

def work(options):
    for number in range(20000):
        print("line", number)
    print("a path \\u00e9 \\u4e2d \\udcff")
    print("a remark", file=sys.stderr)
    with shell.native_remarks_hidden():
        print("another", file=sys.stderr)
        logging.getLogger("made there").addHandler(logging.StreamHandler())
    logging.getLogger("made there").warning("a warning")
    pathlib.Path(options.output).write_text("done")
    return 0

parser = shell.parser("")
parser.add_argument("output")
sys.exit(shell.run(work, parser.parse_args()))
"""


@pytest.mark.parametrize(
    "redirection",
    ["| head -n 1", "2>&1 | head -n 1", "2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-", "2> /dev/full"],
)
def test_work_goes_on_without_anybody_to_tell(tmp_path, redirection):
    output = tmp_path / "output"
    done = run_redirected(SCRIPT, output, redirection)
    assert done.returncode == 0, done.stderr
    assert output.read_text() == "done"
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    if "2>" not in redirection:
        assert done.stderr == "a remark\nanother\na warning\n"


@pytest.mark.parametrize("redirection", ["> /dev/full", "> /dev/full 2> /dev/full"])
@pytest.mark.parametrize("nested", [False, True])  # as demo.py runs other scripts
def test_output_on_a_full_disk_fails_once_the_work_is_done(tmp_path, redirection, nested):
    script = SCRIPT
    if nested:
        script = script.replace("sys.exit(shell.run(work, ", "sys.exit(shell.run(outer, ")
        script = script.replace("\nparser", "\ndef outer(options):\n"
                                "    assert not shell.run(work, options)\n"
                                "    return 0\n\nparser", 1)  # fmt: skip
    output = tmp_path / "output"
    done = run_redirected(script, output, redirection)
    assert done.returncode == shell.SOME_FAILED, done.stderr
    assert output.read_text() == "done"
    if "2>" not in redirection:
        assert done.stderr == (
            "a remark\nanother\na warning\nerror: standard output is incomplete: "
            "No space left on device; only that is lost\n"
        )


def run_redirected(script, output, redirection):
    command = f'"$PYTHON" -c "$SCRIPT" "{output}" {redirection}; exit ${{PIPESTATUS[0]}}'
    return subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, "SCRIPT": script},
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_an_encoding_lacks_is_escaped(tmp_path, encoding):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "output")],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert done.returncode == 0, done.stderr
    last = done.stdout.decode(encoding).splitlines()[-1]
    expected = "a path \u00e9 \u4e2d \udcff".encode(encoding, "backslashreplace")
    assert last == expected.decode(encoding)


def test_a_name_that_is_empty_is_refused(capsys):
    parser = shell.parser("")
    parser.add_argument_group("files").add_argument("--output", nargs="+")
    for arguments in (["--output", ""], ["--output="], ["--output", "a", ""]):
        with pytest.raises(SystemExit) as caught:
            parser.parse_args(arguments)
        error = capsys.readouterr().err
        assert caught.value.code == shell.WRONG
        assert "argument --output: expected a name, got ''" in error


def test_a_missing_package_is_one_line(monkeypatch, capsys):
    def work(options):
        raise ModuleNotFoundError("No module named 'jax'")

    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert shell.run(work, shell.parser("").parse_args([])) == shell.WRONG
    error = capsys.readouterr().err
    assert "No module named 'jax'; KERAS_BACKEND=jax asks for it" in error
    assert error.count("\n") == 1


def test_an_unknown_backend_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "nonsense")
    assert shell.run(lambda options: 0, shell.parser("").parse_args([])) == shell.WRONG
    error = capsys.readouterr().err
    assert "KERAS_BACKEND=nonsense: expected one of tensorflow, " in error
    assert error.count("\n") == 1


def test_progress_without_a_terminal_is_lines(capsys):
    with progress(4, "steps", initial=1, every=0) as bar:
        bar.update()
        bar.write("step 2 loss 0.5")
        bar.update(2)
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert lines[0].startswith("2 of 4 steps, ") and lines[1].startswith("4 of 4 steps, ")
    assert lines[1].endswith("0:00:00 left") and shown.out == "step 2 loss 0.5\n"
    with progress(4, "steps", every=1000) as bar:
        bar.update()
    assert capsys.readouterr().err == ""
