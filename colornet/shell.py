"""What the scripts share on the command line: errors, exit codes and settings."""

import argparse
import contextlib
import ctypes
import errno
import io
import math
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType

from colornet import versions
from colornet.config import Presets, settings_of
from colornet.errors import RunError, UserError

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"  # TensorFlow's; 0 shows everything

DONE, SOME_FAILED, WRONG, RUN_FAILED = 0, 1, 2, 3  # exit codes
EXIT_CODES = (
    "exit codes: 0 done; 1 some inputs failed; 2 wrong command or settings; 3 the run failed; "
    "128 + N stopped by signal N"
)
# Packages of pyproject.toml's extras; others that may be missing are of "train".
EXTRAS = {"av": "films", "imagecodecs": "formats", "pillow_heif": "formats", "tifffile": "formats"}
BACKENDS = ("tensorflow", "jax", "torch", "numpy", "openvino")  # Keras's


def parser(script_doc: str | None) -> argparse.ArgumentParser:
    """Return an ArgumentParser that shows a script's docstring and knows `--debug`."""
    made = argparse.ArgumentParser(
        description=script_doc,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.register("type", None, _given)  # of arguments that name no type
    made.add_argument("--debug", action="store_true", help="show a traceback for errors")
    made.add_argument("--version", action=_Version, nargs=0, default=argparse.SUPPRESS,
                      help="show versions and exit")  # fmt: skip
    return made


class _Version(argparse.Action):
    """Print what a bug report needs, and exit."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(versions.report())
        parser.exit()


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
    """Call `main(options)`; turn errors that a user can mend into one line on standard error.

    Returns:
        The exit code; see EXIT_CODES.
    """
    os.environ.setdefault(LOG_LEVEL, "0" if options.debug else "2")
    warnings.filterwarnings("ignore", module=r"PIL\.")  # what matters comes as an exception
    for descriptor in range(3):  # else the next file that is opened would replace a closed stream
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # its encoding may lack a character of a name
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    with _python_stderr():
        return _outcome(main, options)


def _outcome(main: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    try:
        _check_backend()
        return main(options)
    except BrokenPipeError:  # nobody reads standard output any more, as after `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + signal.SIGPIPE
    except (UserError, ModuleNotFoundError) as error:
        if options.debug:
            raise
        print(f"error: {error}{missing_package(error)}", file=sys.stderr)
        return RUN_FAILED if isinstance(error, RunError) else WRONG
    except OSError as error:
        if options.debug or error.errno != errno.ENOSPC:
            raise
        print(f"error: {error}", file=sys.stderr)
        return RUN_FAILED
    except KeyboardInterrupt:
        print("interrupted; what was finished is kept", file=sys.stderr)
        return 128 + signal.SIGINT


def _check_backend() -> None:
    backend = os.environ.get("KERAS_BACKEND")
    if backend and backend not in BACKENDS:
        raise UserError(
            f"KERAS_BACKEND={backend}: expected one of {', '.join(BACKENDS)}, or none; unset it"
        )


def missing_package(error: Exception) -> str:
    """Return what to try where an error says that a package is missing; "" for other errors."""
    if not isinstance(error, ModuleNotFoundError):
        return ""
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    backend = os.environ.get("KERAS_BACKEND")
    if not extra and backend and backend != "tensorflow":
        return f"; KERAS_BACKEND={backend} asks for it"
    extra = extra or "train"
    return f"; pip install 'let-there-be-color[{extra}]' in the environment of {sys.executable}"


class _Hiding:
    """Context manager that sends descriptor 2 to nowhere while any thread is within it."""

    def __init__(self) -> None:
        self.lock, self.within, self.kept = threading.Lock(), 0, -1

    def __enter__(self) -> None:
        with self.lock:
            if not self.within:
                self.kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 2)
                os.close(nowhere)
            self.within += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.within -= 1
            if not self.within:
                os.dup2(self.kept, 2)
                os.close(self.kept)


_hiding = _Hiding()


def native_remarks_hidden() -> contextlib.AbstractContextManager[None]:
    """Return a context manager that hides what native libraries write to standard error.

    For short calls: a library that crashes meanwhile hides its message, too. Within `run`, what
    Python writes is shown. With `--debug` nothing is hidden.
    """
    return contextlib.nullcontext() if os.environ.get(LOG_LEVEL) == "0" else _hiding


@contextlib.contextmanager
def _python_stderr() -> Iterator[None]:
    """Give Python's standard error a descriptor of its own, which is never hidden."""
    before = sys.stderr
    if before is not sys.__stderr__ or before is None:
        yield
        return
    with open(os.dup(2), "w", buffering=1, errors="backslashreplace") as sys.stderr:
        try:
            yield
        finally:
            sys.stderr = before


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
