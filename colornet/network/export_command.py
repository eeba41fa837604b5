"""Weights to LiteRT: a trained network as a file for phones, C++ and fast starts; or a SavedModel.

    python model_export.py runs/mine runs/mine                makes runs/mine/best.tflite
    python model_export.py runs/mine mine.tflite --kind float16
    python model_export.py runs/mine served/1 --kind saved_model
    python model_export.py runs/mine small --kind weights     weights of half the size, and settings

model_transform.py and model_evaluate.py use an export that lies beside its weights by themselves.
What was written is compared with the network itself on the sample photographs.
"""

import argparse
import os
from collections.abc import Sequence

from colornet import shell
from colornet.errors import UserError

KINDS = ("int8", "float16", "float32", "saved_model", "weights", "web")
FOLDERS = ("saved_model", "weights", "web")  # kinds that are folders


def export(options: argparse.Namespace) -> int:
    """The script's work, from parsed arguments; returns the exit code."""
    # TensorFlow takes seconds to import.
    shell.import_tensorflow()
    from colornet.network import exporting, litert_file, vocabulary

    weights, _ = vocabulary.trained_files(options.model)
    target = options.output
    if options.kind not in FOLDERS:
        if os.path.isdir(target):
            target = os.path.join(target, os.path.basename(litert_file.path_beside(weights)))
        elif not target.endswith(litert_file.ENDING):
            raise UserError(
                f"{target}: expected a folder, or the name of a file that ends in "
                f"{litert_file.ENDING}"
            )
    try:
        difference = exporting.export(weights, target, options.kind)
    except OSError as error:
        raise UserError(f"{target}: cannot write it: {error.strerror or error}") from None
    print(
        f"{target}: {options.kind} of {weights}; on the sample photographs at most "
        f"{difference.most:.2f} Lab units off the network, 99 % of the pixels at most "
        f"{difference.usual:.2f}"
    )
    return shell.DONE


def main(argv: Sequence[str] | None = None) -> int:
    arguments = shell.parser(__doc__)
    arguments.add_argument(
        "model", metavar="RUN_OR_WEIGHTS", help="run folder of model_train.py, or a weights file"
    )
    arguments.add_argument("output", metavar="OUT", help="file or folder to write")
    arguments.add_argument(
        "--kind",
        choices=KINDS,
        default="int8",
        help="of LiteRT's numbers, 8 bits being the smallest and fastest; or a SavedModel for "
        "TensorFlow Serving, Keras weights of 16 bits, or what `make page` needs (int8)",
    )
    return shell.run(export, arguments.parse_args(argv))
