"""What the scripts share on the command line: errors, exit codes, settings and progress."""

import argparse
import os
import signal
import sys

DONE, SOME_FAILED, WRONG = 0, 1, 2  # exit codes


class UserError(Exception):
    """An error that the user can mend; its text says what was expected, what came, what to try."""


def parser(script_doc):
    """An ArgumentParser that shows a script's docstring and knows `--debug`."""
    made = argparse.ArgumentParser(
        description=script_doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--debug", action="store_true", help="show a traceback for errors")
    return made


def add_settings(arguments):
    """Add `--preset` and `--set`, which `config.load_config` understands."""
    arguments.add_argument("--preset", metavar="NAME",
                           help="paper, compact or smoke (default: paper)")
    arguments.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                           help="change one setting of config.py; may be repeated")


def run(main, options):
    """Call `main(options)`; turn a UserError into one line on standard error and exit code 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if options.debug else "2")
    try:
        return main(options)
    except UserError as error:
        if options.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        print("interrupted; what was finished is kept", file=sys.stderr)
        return 128 + signal.SIGINT


def progress(total, unit, initial=0):
    """A tqdm bar on a terminal; nothing elsewhere, where scripts print plain lines."""
    from tqdm import tqdm

    return tqdm(total=total, unit=" " + unit, initial=initial, disable=not sys.stderr.isatty(),
                dynamic_ncols=True, smoothing=0.05)
