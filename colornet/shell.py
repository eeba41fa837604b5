"""What the scripts share on the command line: errors, exit codes and settings."""

import argparse
import contextlib
import ctypes
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from colornet.config import Presets, settings_of
from colornet.errors import UserError

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"  # TensorFlow's; 0 shows everything

DONE, SOME_FAILED, WRONG = 0, 1, 2  # exit codes
BACKENDS = ("tensorflow", "jax", "torch", "numpy", "openvino")  # Keras's


def parser(script_doc: str | None) -> argparse.ArgumentParser:
    """An ArgumentParser that shows a script's docstring and knows `--debug`."""
    made = argparse.ArgumentParser(
        description=script_doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.register("type", None, _given)  # of arguments that name no type
    made.add_argument("--debug", action="store_true", help="show a traceback for errors")
    return made


def _given(text: str) -> str:
    """Reader of what names something, as a path does."""
    if text:
        return text
    raise argparse.ArgumentTypeError(f"expected a name, got {text!r}; is a variable unset?")


def add_settings(arguments: argparse.ArgumentParser, script: str, presets: Presets) -> None:
    """Add `--preset` and `--set`, which `config.load_config` understands for that script."""
    arguments.add_argument(
        "--preset", metavar="NAME", help=f"{', '.join(presets)} (default: {next(iter(presets))})"
    )
    arguments.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting of config.py; may be repeated. Those of this script: "
        + ", ".join(settings_of(script)),
    )


def number(
    kind: type[int] | type[float], least: float, most: float = math.inf
) -> Callable[[str], float]:
    """Reader of a command line's number in a range."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            number: float = kind(text)
            if least <= number <= most and number < math.inf:
                return number
        between = f"of {least} or more" if most == math.inf else f"from {least} to {most}"
        raise argparse.ArgumentTypeError(f"expected a number {between}; got {text!r}")

    return read


def run(main: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """Call `main(options)`; turn a UserError into one line on standard error and exit code 2.

    A package that is not there is such an error too. Where standard output cannot be written, as
    on a full disk, the work is finished all the same; then the outermost script says so and fails.
    """
    os.environ.setdefault(LOG_LEVEL, "0" if options.debug else "2")
    outermost = not isinstance(sys.stdout, _LastingStream)
    with _lasting_streams() as output:
        code = _outcome(main, options)
        output.flush()
        if not (output.lost and outermost):
            return code
        reason = output.lost.strerror
        print(f"error: standard output is incomplete: {reason}; only that is lost", file=sys.stderr)
        return code or SOME_FAILED


def _outcome(main: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    try:
        _check_backend()
        return main(options)
    except (UserError, ModuleNotFoundError) as error:
        if options.debug:
            raise
        print(f"error: {error}{_missing_package(error)}", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        print("interrupted; what was finished is kept", file=sys.stderr)
        return 128 + signal.SIGINT


def _check_backend() -> None:
    backend = os.environ.get("KERAS_BACKEND")
    if backend and backend not in BACKENDS:
        raise UserError(
            f"KERAS_BACKEND={backend}: expected one of {', '.join(BACKENDS)}, or none; unset it"
        )


def _missing_package(error: Exception) -> str:
    if isinstance(error, UserError):
        return ""
    backend = os.environ.get("KERAS_BACKEND")
    way = f"; KERAS_BACKEND={backend} asks for it" if backend else ""
    return f"{way}; expected the packages of requirements.txt in {sys.executable}"


@contextlib.contextmanager
def _lasting_streams() -> Iterator["_LastingStream"]:
    """Context, with its standard output, in which work outlives output that cannot be shown."""
    for descriptor in range(3):  # else the next file that is opened would take a closed one's place
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    before = sys.stdout, sys.stderr
    output, errors = (s if isinstance(s, _LastingStream) else _LastingStream(s) for s in before)
    sys.stdout, sys.stderr = output, errors
    try:
        yield output
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


class _LastingStream:
    """A text stream that shows what its encoding lacks as \\u…, and falls silent once it is shut.

    Args:
        stream: text stream; None for one that was shut from the beginning.

    Attributes:
        lost: why text is lost, other than that nobody reads it any more; or None.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream or open(os.devnull, "w")
        self.lost: OSError | None = None
        if hasattr(self.stream, "reconfigure"):
            self.stream.reconfigure(errors="backslashreplace", line_buffering=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int | None:
        return self._or_silent(self.stream.write, text)

    def flush(self) -> None:
        self._or_silent(self.stream.flush)

    def _or_silent(self, act: Callable[..., Any], *arguments: str) -> Any:
        try:
            return act(*arguments)
        except OSError as error:
            if not isinstance(error, BrokenPipeError):  # as after `| head`
                self.lost = error
            with contextlib.suppress(OSError), open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), self.stream.fileno())
                return act(*arguments)


@contextlib.contextmanager
def native_remarks_hidden() -> Iterator[None]:
    """Hide what TensorFlow and decoders write to standard error themselves; Python's goes on.

    With `--debug` nothing is hidden.
    """
    if os.environ.get(LOG_LEVEL) == "0":
        yield
        return
    python_stderr, kept = sys.stderr, os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        with open(os.dup(kept), "w", buffering=1, errors="backslashreplace") as stream:
            shown = _LastingStream(stream)
            if getattr(python_stderr, "stream", python_stderr) is sys.__stderr__:
                sys.stderr = shown
            yield
    finally:
        sys.stderr = shown.stream = python_stderr  # a logger made meanwhile keeps what is shown
        os.dup2(kept, 2)
        os.close(kept)


def import_tensorflow() -> ModuleType:
    """TensorFlow, started without the remarks that it makes then; raises UserError."""
    backend = os.environ.get("KERAS_BACKEND")
    if backend and backend != "tensorflow":
        raise UserError(f"KERAS_BACKEND={backend}: expected tensorflow, which this needs; unset it")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with native_remarks_hidden():
        import tensorflow as tf

        tf.config.list_physical_devices()
    tf.get_logger().setLevel("ERROR")  # advises against retracing, which several networks need
    return tf


def keep_memory() -> None:
    """Have glibc reuse freed memory instead of asking the system for zeroed pages each time.

    The arrays of a photograph are large enough for that; Lab then takes less than half the time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(-1, 256 << 20)  # M_TRIM_THRESHOLD
        mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD, its largest
