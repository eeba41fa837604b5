"""A trained network on disk: a weights file (HDF5) and, beside it, its settings (config.json).

    python model_files.py runs/mine weights       copies a run's network at half its size

Weights are stored by name and read as numbers alone: nothing is unpickled, no code is loaded.
"""

import os
import sys

import numpy as np

from colornet import shell
from colornet.errors import UserError
from colornet.files import write_whole
from colornet.network.folding import fold
from config import read_config, save_config

WEIGHTS = "best.weights.h5"
LAST_WEIGHTS = "last.weights.h5"  # of a run that has not been validated yet
CONFIG = "config.json"


def save_weights(model, path):
    """Write every variable of a built keras.Model under its path, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    _write({variable.path: np.asarray(variable) for variable in model.weights}, path)


def _write(weights, path):
    import h5py

    def write(partial):
        with h5py.File(partial, "w") as file:
            for name, value in weights.items():
                file[name] = value

    write_whole(path, write)


def read_weights(path):
    """{path of variable: array} of what `save_weights` wrote.

    Raises:
        UserError: the file is missing or damaged, or its numbers are not finite.
    """
    import h5py

    weights = {}
    try:
        with h5py.File(path, "r") as file:
            file.visititems(
                lambda name, item: (
                    weights.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
                )
            )
    except FileNotFoundError:
        raise UserError(f"{path}: no such weights file") from None
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UserError(f"{path}: expected weights (HDF5), cannot read them: {reason}") from None
    bad = [name for name, value in weights.items() if not np.isfinite(value).all()]
    if bad:
        raise UserError(f"{path}: weights are not finite in {bad[0]}")
    return weights


def load_weights(model, path, epsilon):
    """Read what `save_weights` wrote of a trained network into its `folded` form.

    `epsilon` as of `fold`.

    Raises:
        UserError: the file is missing, damaged, or of another network; nothing is changed then.
    """
    try:
        values = fold(read_weights(path), epsilon)
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{path}: weights of another network: {error.args[0]} is missing or does not fit"
        ) from None
    _check_fit(model, values, path)
    for variable in model.weights:
        variable.assign(values[variable.path])


def start_from(model, config):
    """Give a network that will be trained the weights of `config.initial_weights`.

    The scene classifier stays as it is where the classes are others.

    Raises:
        UserError: a file is missing, damaged, or of another network; nothing is changed then.
    """
    path, settings = trained_files(config.initial_weights)
    values = read_weights(path)
    same_classes = read_config(settings).class_names == config.class_names
    wanted = [
        variable
        for variable in model.weights
        if same_classes or not variable.path.startswith("classification")
    ]
    for variable in wanted:
        found = getattr(values.get(variable.path), "shape", None)
        if found != tuple(variable.shape):
            raise UserError(
                f"{path}: weights of another network; {variable.path}: expected "
                f"{tuple(variable.shape)}, got {found or 'none'}; use the settings of {settings}, "
                "or other initial_weights"
            )
    for variable in wanted:
        variable.assign(values[variable.path])


def _check_fit(model, values, path):
    expected = {variable.path: tuple(variable.shape) for variable in model.weights}
    found = {name: value.shape for name, value in values.items()}
    if expected == found:
        return
    wrong = sorted(name for name in expected if found.get(name) != expected[name])
    wrong = wrong or sorted(set(found) - set(expected))
    raise UserError(
        f"{path}: weights of another network; {wrong[0]}: expected "
        f"{expected.get(wrong[0], 'none')}, got {found.get(wrong[0], 'none')} "
        f"({len(wrong)} such); use the config.json that belongs to them"
    )


def load_trained(path, build_model, precision="float32"):
    """A trained network and its settings.

    Args:
        path: a run folder, or a weights file with its config.json beside it.
        build_model: `build_model.build_model`, or one that makes the network that was trained.
        precision: a Keras dtype policy, "bfloat16" for the fastest on processors that have it.

    Returns:
        (model, config): a `folded` one of `build_model`, and its `config.Config`.

    Raises:
        UserError: a file is missing, damaged, or does not fit the other.
    """
    weights, settings = trained_files(path)
    config = read_config(settings)
    model = build_model(config, precision, folded=True)
    load_weights(model, weights, config.normalization_epsilon)
    return model, config


def trained_files(path):
    """(weights file, settings file) of a run folder or a weights file.

    Of a run's weights the best are taken, or the last before there are best ones.

    Raises:
        UserError: there are none.
    """
    if os.path.isdir(path):
        folder = path
        names = [os.path.join(path, name) for name in (WEIGHTS, LAST_WEIGHTS)]
    else:
        folder, names = os.path.dirname(path), [path]
    for weights in names:
        if os.path.exists(weights):
            return weights, os.path.join(folder, CONFIG)
    raise UserError(f"{names[0]}: no such weights; expected a run folder or a weights file")


def release(options):
    """Copy a run's best weights with kernels and matrices as float16, and its settings."""
    path = os.path.join(options.run_dir, WEIGHTS)
    config = read_config(os.path.join(options.run_dir, CONFIG))
    weights = {
        name: value.astype(np.float16) if value.ndim > 1 else value
        for name, value in read_weights(path).items()
    }
    os.makedirs(options.folder, exist_ok=True)
    _write(weights, os.path.join(options.folder, WEIGHTS))
    save_config(config, os.path.join(options.folder, CONFIG))
    print(f"{os.path.getsize(os.path.join(options.folder, WEIGHTS)) / 1e6:.1f} MB")
    return shell.DONE


def main(argv=None):
    arguments = shell.parser(__doc__)
    arguments.add_argument("run_dir", help="run folder of model_train.py")
    arguments.add_argument("folder", help="where best.weights.h5 and config.json go")
    return shell.run(release, arguments.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
