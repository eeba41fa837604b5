"""Colours scikit-image's photographs, with the weights that ship or a network trained on the spot.

    python demo.py             colours them with weights/
    python demo.py --train     makes records of them, trains the smoke preset, colours with that

Everything it makes lies in demo/ beside this file. A network trained on four photographs knows
these four: that it colours them well shows that the parts work, not that it would colour others.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence

from colornet import shell
from colornet.errors import UserError
from input_create import main as input_create
from model_train import main as model_train
from model_transform import main as model_transform

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo")
TRAINED = "trained_by_demo"  # what is in it is made anew each time
COLOR = ("astronaut", "chelsea", "coffee", "rocket")  # public domain or CC0
GRAY = ("camera",)
TILE = 256  # pixels


def demo(options: argparse.Namespace) -> int:
    """Make the photographs, perhaps the network, and the side-by-side picture; the exit code.

    Raises:
        UserError: a file or folder cannot be written.
    """
    try:
        return _demo(options)
    except OSError as error:
        raise UserError(
            f"{error.filename or FOLDER}: {error.strerror or error}; expected {FOLDER} to be a "
            "folder that can be written to"
        ) from None


def _demo(options: argparse.Namespace) -> int:
    # They take a second to import.
    from PIL import Image
    from skimage import data

    from colornet.coloring.joining import gray_of
    from colornet.pictures import opening, saving, sheets

    photographs = os.path.join(FOLDER, "photographs")
    colored = os.path.join(FOLDER, "trained" if options.train else "colored")
    os.makedirs(photographs, exist_ok=True)
    for name in COLOR + GRAY:
        picture = Image.fromarray(getattr(data, name)())
        saving.save_image(picture, os.path.join(photographs, name + ".png"))
    arguments = [photographs, "--output", colored, "--overwrite"]
    if options.train:
        run, code = _train(photographs)
        if code:
            return code
        arguments += ["--model", run]
    if code := model_transform(arguments):
        return code
    rows = []
    for name in COLOR + GRAY:
        paths = [os.path.join(folder, name + ".png") for folder in (colored, photographs)]
        predicted, truth = (opening.open_picture(path).pixels for path in paths)
        rows.append([gray_of(truth), predicted] + ([truth] if name in COLOR else []))
    path = os.path.join(FOLDER, "side_by_side.png")
    saving.save_image(sheets.sheet(rows, TILE), path)
    if options.train:
        print("The network has seen these four photographs and learnt them by heart.")
    print(f"grey | coloured | truth: {os.path.relpath(path)}")
    return shell.DONE


def _train(photographs: str) -> tuple[str, int]:
    """(run folder, exit code) of a network that has seen a folder's pictures and no others."""
    folder = os.path.join(FOLDER, TRAINED)
    records, run = os.path.join(folder, "records"), os.path.join(folder, "run")
    if os.path.isdir(folder):
        shutil.rmtree(folder)
    # Copies to validate with, as what is to be shown is how well these very ones are known.
    same = shutil.copytree(photographs, os.path.join(folder, "same"))
    common = ["--records", records, "--preset", "smoke"]
    code = input_create(["--images", photographs, "--val-images", same, *common])
    return run, code or model_train(["--run-dir", run, *common])


def main(argv: Sequence[str] | None = None) -> int:
    arguments = shell.parser(__doc__)
    arguments.add_argument("--train", action="store_true", help="train a network on the spot")
    return shell.run(demo, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
