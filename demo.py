"""Colours scikit-image's photographs, with the weights that ship or a network trained on the spot.

    python demo.py             colours them with weights/
    python demo.py --train     makes records of them, trains the smoke preset, colours with that

Everything it makes lies in demo/. A network trained on four photographs knows these four: that it
colours them well shows that the parts work, not that it would colour others.
"""

import os
import shutil
import sys

from colornet import shell
from colornet.pictures import opening, saving

FOLDER = "demo"
COLOR = ("astronaut", "chelsea", "coffee", "rocket")  # public domain or CC0
GRAY = ("camera",)


def demo(options):
    """Make the photographs, perhaps the network, and the side-by-side picture."""
    import input_create
    import model_train
    import model_transform

    photographs = os.path.join(FOLDER, "photographs")
    colored = os.path.join(FOLDER, "trained" if options.train else "colored")
    shutil.rmtree(FOLDER, ignore_errors=True)
    _copy_photographs(photographs)
    arguments = [photographs, "--output", colored]
    if options.train:
        records, run = os.path.join(FOLDER, "records"), os.path.join(FOLDER, "run")
        for script, parameters in (
            (
                input_create,
                [
                    "--images",
                    photographs,
                    "--val-images",
                    photographs,
                    "--records",
                    records,
                    "--preset",
                    "smoke",
                ],
            ),
            (model_train, ["--records", records, "--run-dir", run, "--preset", "smoke"]),
        ):
            if code := script.main(parameters):
                return code
        arguments += ["--model", run]
    if code := model_transform.main(arguments):
        return code
    path = os.path.join(FOLDER, "side_by_side.png")
    saving.save_image(_side_by_side(photographs, colored), path)
    if options.train:
        print("The network has seen these four photographs and learnt them by heart.")
    print(f"grey | coloured | truth: {path}")
    return shell.DONE


def _copy_photographs(folder):
    from PIL import Image
    from skimage import data

    os.makedirs(folder)
    for name in COLOR + GRAY:
        saving.save_image(
            Image.fromarray(getattr(data, name)()), os.path.join(folder, name + ".png")
        )


def _side_by_side(photographs, colored):
    import numpy as np

    from colornet.coloring.colorizer import join
    from colornet.pictures import sheets

    rows = []
    for name in COLOR + GRAY:
        paths = [os.path.join(folder, name + ".png") for folder in (colored, photographs)]
        predicted, truth = (opening.open_picture(path).pixels for path in paths)
        gray = join(truth, np.zeros((1, 1, 2), np.float32))
        rows.append([gray, predicted] + ([truth] if name in COLOR else []))
    return sheets.sheet(rows, 256)


def main(argv=None):
    arguments = shell.parser(__doc__)
    arguments.add_argument("--train", action="store_true", help="train a network on the spot")
    return shell.run(demo, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
