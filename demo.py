"""Color the sample photographs, with the pretrained weights or a network trained on the spot.

    python demo.py             colors them with the pretrained weights
    python demo.py --train     makes records of them, trains the smoke preset, colors with that

The results are in demo/ beside this file. A network trained on four photographs overfits these
four: that it colors them well shows that the parts work, not that it would color others.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence

from colornet import shell
from colornet.errors import UserError
from colornet.files import SAMPLES
from input_create import main as input_create
from model_train import main as model_train
from model_transform import main as model_transform

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo")
TRAINED = "trained_by_demo"  # its content is made anew each time
TILE = 256  # pixels


def demo(options: argparse.Namespace) -> int:
    """Color the samples, with a new network if asked to; return the exit code.

    Raises:
        UserError: a file or folder cannot be written.
    """
    try:
        run, code = _train() if options.train else (None, shell.DONE)
        return code or _color("trained" if options.train else "colored", run)
    except OSError as error:
        raise UserError(
            f"{error.filename or FOLDER}: {error.strerror or error}; expected {FOLDER} to be a "
            "folder that can be written to"
        ) from None


def _color(name: str, run: str | None) -> int:
    """Color the samples into a sub-folder, by a run or the pretrained weights, and show them."""
    from colornet.coloring.joining import gray_of
    from colornet.pictures import opening, saving, sheets

    colored = os.path.join(FOLDER, name)
    os.makedirs(colored, exist_ok=True)
    model = ["--model", run] if run else []
    if code := model_transform([SAMPLES, "--output", colored, "--overwrite", *model]):
        return code
    rows = []
    for picture in sorted(os.listdir(colored)):
        predicted, truth = (
            opening.open_picture(os.path.join(folder, picture)).pixels
            for folder in (colored, SAMPLES)
        )
        rows.append([gray_of(truth), predicted] + ([truth] if truth.ndim == 3 else []))
    path = os.path.join(FOLDER, "side_by_side.png")
    saving.save_image(sheets.sheet(rows, TILE), path)
    print(f"gray | colored | truth: {os.path.relpath(path)}")
    return shell.DONE


def _train() -> tuple[str, int]:
    """Return (run folder, exit code) of a network trained on the samples alone."""
    folder = os.path.join(FOLDER, TRAINED)
    records, run = os.path.join(folder, "records"), os.path.join(folder, "run")
    if os.path.isdir(folder):
        shutil.rmtree(folder)
    # Copies to validate with, as the demo shows how well the network knows these very pictures.
    same = shutil.copytree(SAMPLES, os.path.join(folder, "same"))
    common = ["--records", records, "--preset", "smoke"]
    code = input_create(["--images", SAMPLES, "--val-images", same, *common])
    return run, code or model_train(["--run-dir", run, *common])


def main(argv: Sequence[str] | None = None) -> int:
    arguments = shell.parser(__doc__)
    arguments.add_argument("--train", action="store_true", help="train a network on the spot")
    return shell.run(demo, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
