"""The command line: closed streams, poor encodings, errors, exit codes."""

import os
import signal
import subprocess
import sys

import pytest

import tiny
from colornet import shell
from colornet.errors import RunError, UserError
from colornet.progress import progress

ROOT = os.path.dirname(os.path.dirname(shell.__file__))
# Prints far more than a pipe holds, then does what it is for.
SCRIPT = """
import pathlib, sys
from colornet import shell

def work(options):
    for number in range(20000):
        print("line", number)
    print("a path \\u00e9 \\u4e2d \\udcff")
    print("a remark", file=sys.stderr)
    pathlib.Path(options.output).write_text("done")
    return 0

parser = shell.parser("")
parser.add_argument("output")
sys.exit(shell.run(work, parser.parse_args()))
"""


@pytest.mark.parametrize("redirection", ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_work_goes_on_where_streams_are_closed(tmp_path, redirection):
    output = tmp_path / "output"
    done = run_redirected(SCRIPT, output, redirection)
    assert done.returncode == 0, done.stderr
    assert output.read_text() == "done"
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_a_broken_pipe_ends_quietly(tmp_path):
    done = run_redirected(SCRIPT, tmp_path / "output", "| head -n 1")
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stdout == "line 0\n" and done.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="of Linux")
def test_a_full_standard_output_is_a_failed_run_in_one_line(tmp_path):
    done = run_redirected(SCRIPT, tmp_path / "output", "> /dev/full")
    assert done.returncode == shell.RUN_FAILED
    assert done.stderr == "error: [Errno 28] No space left on device\n"


def run_redirected(script, output, redirection):
    command = f'"$PYTHON" -c "$SCRIPT" "{output}" {redirection}; exit ${{PIPESTATUS[0]}}'
    return subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, "SCRIPT": script},
    )


def test_a_native_crash_shows_its_message(tmp_path):
    tiny.photograph().save(tmp_path / "a.png")
    script = f"""
import os, sys
from colornet.coloring import pipeline
from colornet.coloring.command import main

def crash(*arguments, **options):
    os.write(2, b"a native message")
    os.abort()

pipeline.color_file = crash
from colornet.coloring import transforming
transforming.color_file = crash
sys.exit(main([{str(tmp_path / "a.png")!r}, "-o", {str(tmp_path / "out")!r}]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == -signal.SIGABRT and "a native message" in done.stderr


def test_a_failed_run_and_a_wrong_command_have_their_own_codes(capsys):
    def fails(error):
        def work(options):
            raise error("a reason")

        return shell.run(work, shell.parser("").parse_args([]))

    assert (fails(RunError), fails(UserError)) == (shell.RUN_FAILED, shell.WRONG) == (3, 2)
    assert capsys.readouterr().err == 2 * "error: a reason\n"
    assert "3 the run failed" in shell.parser("").format_help()


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


@pytest.mark.parametrize("package, extra", [("av", "films"), ("tensorflow", "train")])
def test_a_missing_extra_is_named(capsys, monkeypatch, package, extra):
    def work(options):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert shell.run(work, shell.parser("").parse_args([])) == shell.WRONG
    assert f"pip install 'let-there-be-color[{extra}]'" in capsys.readouterr().err


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
