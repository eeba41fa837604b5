"""What the scripts share on the command line: errors, exit codes, settings and progress."""

import argparse
import contextlib
import ctypes
import datetime
import fractions
import math
import os
import signal
import sys
import time

from tqdm import tqdm

from colornet.errors import UserError
from config import PRESETS, SCRIPTS

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"  # TensorFlow's; 0 shows everything

SHIPPED_WEIGHTS = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "weights"
)

DONE, SOME_FAILED, WRONG = 0, 1, 2  # exit codes


def parser(script_doc):
    """An ArgumentParser that shows a script's docstring and knows `--debug`."""
    made = argparse.ArgumentParser(
        description=script_doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--debug", action="store_true", help="show a traceback for errors")
    return made


def add_settings(arguments, script):
    """Add `--preset` and `--set`, which `config.load_config` understands for that script."""
    arguments.add_argument(
        "--preset",
        metavar="NAME",
        help=f"{', '.join(PRESETS)} (without: the defaults in config.py)",
    )
    arguments.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting of config.py; may be repeated. Those of this script: "
        + ", ".join(SCRIPTS[script]),
    )


def working_size(text):
    """Reader of --working-size: pixels, 0 for "full"."""
    if text == "full":
        return 0
    if text.isdecimal() and int(text) >= 8:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected 8 or more pixels, or full; got {text!r}")


def number(kind, least, most=math.inf):
    """Reader of a command line's number in a range."""

    def read(text):
        with contextlib.suppress(ValueError):
            number = kind(text)
            if least <= number <= most and number < math.inf:
                return number
        between = f"of {least} or more" if most == math.inf else f"from {least} to {most}"
        raise argparse.ArgumentTypeError(f"expected a number {between}; got {text!r}")

    return read


def film_time(text):
    """Reader of a time in a film: seconds, or hours:minutes:seconds; a Fraction of seconds."""
    with contextlib.suppress(ValueError, ZeroDivisionError):
        *larger, seconds = map(fractions.Fraction, text.split(":"))
        if len(larger) < 3 and min(seconds, *larger, 0) >= 0:
            return sum((part * 60**place for place, part in enumerate(larger[::-1], 1)), seconds)
    raise argparse.ArgumentTypeError(
        f"expected a time such as 90 or 1:30 or 0:01:30.5; got {text!r}"
    )


def run(main, options):
    """Call `main(options)`; turn a UserError into one line on standard error and exit code 2.

    A package that is not there is such an error too.
    """
    os.environ.setdefault(LOG_LEVEL, "0" if options.debug else "2")
    with _lasting_streams():
        try:
            return main(options)
        except (UserError, ModuleNotFoundError) as error:
            if options.debug:
                raise
            print(f"error: {error}{_missing_package(error)}", file=sys.stderr)
            return WRONG
        except KeyboardInterrupt:
            print("interrupted; what was finished is kept", file=sys.stderr)
            return 128 + signal.SIGINT


def _missing_package(error):
    if isinstance(error, UserError):
        return ""
    backend = os.environ.get("KERAS_BACKEND")
    way = f"; KERAS_BACKEND={backend} asks for it" if backend else ""
    return f"{way}; expected the packages of requirements.txt in {sys.executable}"


@contextlib.contextmanager
def _lasting_streams():
    """Context in which output that cannot be shown is given up, and not the work behind it."""
    for descriptor in range(3):  # else the next file that is opened would take a closed one's place
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(_LastingStream, before)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


class _LastingStream:
    """A text stream that shows what its encoding lacks as \\u…, and falls silent once it is shut.

    Args:
        stream: text stream; None for one that was shut from the beginning.
    """

    def __init__(self, stream):
        self.stream = getattr(stream, "stream", stream) or open(os.devnull, "w")
        if hasattr(self.stream, "reconfigure"):
            self.stream.reconfigure(errors="backslashreplace", line_buffering=True)

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        return self._or_silent(self.stream.write, text)

    def flush(self):
        self._or_silent(self.stream.flush)

    def _or_silent(self, act, *arguments):
        try:
            return act(*arguments)
        except OSError:  # nobody reads it any more, as after `| head`, or its disk is full
            with contextlib.suppress(OSError), open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), self.stream.fileno())
                return act(*arguments)


@contextlib.contextmanager
def native_remarks_hidden():
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
            if getattr(python_stderr, "stream", python_stderr) is sys.__stderr__:
                sys.stderr = _LastingStream(stream)
            yield
    finally:
        sys.stderr = python_stderr
        os.dup2(kept, 2)
        os.close(kept)


def import_tensorflow():
    """TensorFlow, started without the remarks that it makes then; raises UserError."""
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise UserError(f"KERAS_BACKEND={backend}: expected tensorflow, which this needs; unset it")
    with native_remarks_hidden():
        import tensorflow as tf

        tf.config.list_physical_devices()
    return tf


def progress(total, unit, initial=0, what="", every=60):
    """A bar on a terminal, a plain line on standard error now and then elsewhere.

    Args:
        total: None if it is not known.
        unit: of what is counted, in the plural.
        initial: how many are done already.
        what: is being done, and to what.
        every: seconds from line to line.

    Returns:
        A context of what has tqdm's `update`, `write` (prints between them), `close` and `n`.
    """
    if not sys.stderr.isatty():
        return _Lines(total, unit, initial, what, every)
    return tqdm(
        desc=what or None,
        total=total,
        unit=" " + unit,
        initial=initial,
        dynamic_ncols=True,
        smoothing=0.05,
    )


class _Lines:
    """The part of tqdm that scripts use, as plain lines."""

    def __init__(self, total, unit, initial, what, every):
        self.total, self.unit, self.n = total, unit, initial
        self.what, self.every = what and f"{what}: ", every
        self.initial, self.began = initial, time.monotonic()
        self.said = self.began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def update(self, count=1):
        self.n += count
        now = time.monotonic()
        if now < self.said + self.every or self.n == self.initial:
            return
        self.said = now
        rate = (self.n - self.initial) / (now - self.began)
        of_all, left = "", ""
        if self.total and self.total >= self.n:
            of_all = f" of {self.total}"
            left = f", {datetime.timedelta(seconds=round((self.total - self.n) / rate))} left"
        print(
            f"{self.what}{self.n}{of_all} {self.unit}, {rate:.1f} a second{left}", file=sys.stderr
        )

    def write(self, text):
        self.said = time.monotonic()
        print(text)

    def close(self):
        pass


def print_scenes(name, scenes):
    """Print the likeliest scenes [(class, probability)] of a picture or shot."""
    print(f"{name}: {', '.join(f'{scene} {100 * share:.1f} %' for scene, share in scenes)}")


def keep_memory():
    """Have glibc reuse freed memory instead of asking the system for zeroed pages each time.

    The arrays of a photograph are large enough for that; Lab then takes less than half the time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(-1, 256 << 20)  # M_TRIM_THRESHOLD
        mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD, its largest
