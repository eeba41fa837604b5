"""A trained network made into files that other programs run: LiteRT's and TensorFlow's SavedModel.

Both hold two graphs of any batch and picture size, named "describe" and "color": inputs and outputs
are those of `tensorflow_engine.functions`.
"""

import dataclasses
import errno
import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence

import h5py
import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from colornet import shell
from colornet.config import Config, read_config
from colornet.errors import UserError
from colornet.files import SAMPLES, replaceable, whole_path
from colornet.network import litert_file, quantizing, vocabulary, weights_files
from colornet.network.engines import Engine
from colornet.network.litert_engine import LiteRTEngine
from colornet.network.model import build_model
from colornet.network.tensorflow_engine import TensorFlowEngine, functions, load_tensorflow
from colornet.pictures import colorspace
from colornet.pictures.stretching import span_of, stretch

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket", "camera")
WEB_RATIOS = (2.35, 2.67, 3, 4, 5, 8)  # of panoramas' sides; up to 2 all are squeezed to a square
WEB_SETTINGS = (
    "working_size", "crop_size", "chroma", "smoothing", "stretching", "mount", "class_names",
)  # fmt: skip
VISIBLE = 2.0  # Lab units; 99 % of the pixels must be nearer to the network's own


@dataclasses.dataclass(frozen=True)
class Difference:
    """Of an exported network from the network itself, in Lab units: the most, and of 99 %."""

    most: float
    usual: float


def export(weights: str, target: str, kind: str) -> Difference:
    """Write a trained network as a file or folder, which is there whole and checked or not at all.

    Args:
        weights: weights file with its config.json beside it.
        target: a folder for "saved_model", which may not exist yet, "web", and "weights", which
            may be no run folder; else a file.
        kind: "saved_model"; "weights" for Keras's weights of 16 bits with their settings; "web"
            for the page of web/, int8 in fixed shapes; or of
            LiteRT: "float32"; "float16" for weights of 16 bits; "int8" for weights of 8 bits with a
            scale for each output of a layer, activations of 8 bits with one for each picture.

    Returns:
        Difference: on the sample photographs.

    Raises:
        UserError: the weights cannot be read, or the difference is visible.
        OSError: the target cannot be written.
    """
    weights, settings = vocabulary.trained_files(weights)
    model, config = weights_files.load_trained(weights)
    _check_target(target, kind, weights)
    folder, name = os.path.split(os.path.abspath(target))
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder) as scratch:
        made = os.path.join(scratch, name)
        engine: Engine
        if kind == "saved_model":
            engine = _saved_model(model, config, settings, made)
        elif kind == "weights":
            save_half(build_model(config), weights, settings, made)
            engine = load_tensorflow(made)
        elif kind == "web":
            engine = _web(model, config, weights, settings, made)
        else:
            content = litert_model(model, config, kind)
            litert_file.write_export(made, content, kind, weights, settings)
            engine = LiteRTEngine(made)
        difference = compare(engine, load_tensorflow(weights))
        _refuse_visible(difference, kind)
        _give_name(made, target)
    return difference


def _check_target(target: str, kind: str, weights: str) -> None:
    """Raise UserError where an export would replace what it should not."""
    if kind == "saved_model" and os.path.exists(target):
        raise UserError(f"{target}: exists already; expected the name of a new folder")
    last = os.path.join(target, vocabulary.LAST_WEIGHTS)  # of a run
    own = os.path.realpath(target) == os.path.dirname(os.path.realpath(weights))
    if kind == "weights" and (own or os.path.exists(last)):
        raise UserError(
            f"{target}: has weights that were trained, which these would replace; expected "
            "another folder"
        )


def _saved_model(
    model: keras.Model, config: Config, settings: str, folder: str
) -> TensorFlowEngine:
    """Write a SavedModel with its settings file; returns the engine of what was written."""
    save_graphs(model, config, folder)
    extra = os.path.join(folder, "assets.extra")  # TensorFlow's folder for files of users
    os.mkdir(extra)
    shutil.copy(settings, vocabulary.settings_path(extra))
    graphs = tf.saved_model.load(folder)
    describe = getattr(graphs, "describe", None)
    return TensorFlowEngine(describe, graphs.color, config, "saved_model", folder)


def web_shapes(config: Config) -> list[tuple[int, int]]:
    """Return (height, width) of the copies that the page's network takes, the usual one first."""
    longest = config.working_size
    shorter = [round(2 * longest / ratio) for ratio in WEB_RATIOS]
    narrow = [shape for side in shorter for shape in ((side, longest), (longest, side))]
    return [(longest, longest), *narrow, (1, 1)]


def _web(
    model: keras.Model, config: Config, weights: str, settings: str, folder: str
) -> LiteRTEngine:
    """Write the folder that web/build.mjs takes; LiteRT.js needs fixed shapes.

    Raises:
        UserError: the network takes pictures of any size, or has no global features.
    """
    if not (config.working_size and config.use_global_features):
        raise UserError(
            f"{weights}: expected a network with a working size and global features; the page "
            "cannot use this one"
        )
    os.makedirs(folder)
    path = os.path.join(folder, "network.tflite")
    content = litert_model(model, config, "int8", web_shapes(config))
    litert_file.write_export(path, content, "int8", weights, settings)
    engine = LiteRTEngine(path)
    with open(path, "rb") as file, gzip.open(f"{path}.gz", "wb") as packed:
        shutil.copyfileobj(file, packed)
    os.remove(path)
    recipe = {name: getattr(config, name) for name in WEB_SETTINGS}
    with open(os.path.join(folder, "settings.json"), "w", encoding="utf-8") as file:
        json.dump(recipe, file, indent=1)
    return engine


def _refuse_visible(difference: Difference, kind: str) -> None:
    if difference.usual > VISIBLE:
        raise UserError(
            f"{kind} differs visibly from the network, 1 % of the pixels by more than "
            f"{difference.usual:.1f} Lab units; nothing was written; use another --kind"
        )


def _give_name(made: str, target: str) -> None:
    """A file or folder gets its name; files of a folder that is there are replaced one by one."""
    target = replaceable(target)
    if os.path.isdir(target):
        for name in sorted(os.listdir(made), reverse=True):
            os.replace(os.path.join(made, name), os.path.join(target, name))
    else:
        os.replace(made, target)


def save_graphs(
    model: keras.Model, config: Config, folder: str, shapes: Sequence[tuple[int, int]] = ()
) -> None:
    """Write a `folded` network as a SavedModel with its weights as constants.

    Args:
        shapes: (height, width) of single pictures that are taken: the first by "color", others by
            "color_58x144" and the like; none: any batch of any shape.

    Raises:
        OSError: it cannot be written.
    """
    module = tf.Module()
    fixed = (1, *shapes[0]) if shapes else (None, None, None)
    describe, module.color = functions(model, config, True, fixed)
    signatures = {"color": module.color}
    for height, width in shapes[1:]:
        name = f"color_{height}x{width}"
        signatures[name] = functions(model, config, True, (1, height, width))[1]
        setattr(module, name, signatures[name])
    if describe:
        module.describe = signatures["describe"] = describe
    try:
        tf.saved_model.save(module, folder, signatures)
    except tf.errors.OpError as error:  # "{{node ...}} path; reason [Op:...]"
        reason = error.message.rpartition("; ")[2].partition(" [Op")[0]
        raise OSError(errno.EIO, reason, folder) from error


def litert_model(
    model: keras.Model, config: Config, kind: str, shapes: Sequence[tuple[int, int]] = ()
) -> bytes:
    """The bytes of a LiteRT model of a `folded` network, whose biases it may change.

    Args:
        kind: as of `export`.
        shapes: as `save_graphs` takes them.
    """
    if kind == "int8":
        quantizing.compensate(model, list(photographs(config)))
    with tempfile.TemporaryDirectory() as folder:
        save_graphs(model, config, folder, shapes)
        return converted(folder, model, kind)


def converted(saved_model: str, model: keras.Model, kind: str) -> bytes:
    """The bytes of a LiteRT model of a SavedModel folder; the others as of `litert_model`."""
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model)
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with shell.native_remarks_hidden():
        content = converter.convert()
    return quantizing.keep_float(content, model) if kind == "int8" else content


def save_half(model: keras.Model, weights: str, settings: str, folder: str) -> None:
    """Write a folder of Keras weights with kernels and matrices as float16, and settings.

    Args:
        model: a network for training, which gets the weights.
    """
    config = dataclasses.replace(read_config(settings), initial_weights=weights)
    weights_files.start_from(model, config)
    os.makedirs(folder)
    shutil.copy(settings, vocabulary.settings_path(folder))
    path = os.path.join(folder, vocabulary.BEST_WEIGHTS)
    weights_files.save_weights(model, path)
    with whole_path(path) as partial, h5py.File(path, "r") as full, h5py.File(partial, "w") as half:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                half.require_group(name).attrs.update(item.attrs)
            else:
                half[name] = item[()].astype(np.float16) if item.ndim > 1 else item[()]

        full.visititems(copy)


def compare(engine: Engine, reference: Engine) -> Difference:
    """The Difference of two engines of one network on the sample photographs."""
    distances = []
    for local_copy, global_copy in photographs(engine.config):
        one, other = (
            colorspace.decode_chrominance(each.color(local_copy, each.describe(global_copy)[0]))
            for each in (engine, reference)
        )
        distances.append(np.linalg.norm(one - other, axis=-1).ravel())
    units = engine.config.chroma * np.concatenate(distances)
    return Difference(float(units.max()), float(np.percentile(units, 99)))


def photographs(config: Config) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What the network's two paths see of the sample photographs, one at a time.

    Yields:
        luminance (1, height, width, 1) and (1, crop_size, crop_size, 1) in [0, 1].
    """
    longest = config.working_size or config.picture_size
    for name in PHOTOGRAPHS:
        image = Image.open(os.path.join(SAMPLES, f"{name}.png")).convert("RGB")
        local_size = [min(side, longest) for side in image.size]
        copies = [
            colorspace.encode_luminance(colorspace.rgb_to_lightness(np.asarray(image.resize(size))))
            for size in (local_size, (config.crop_size, config.crop_size))
        ]
        local_copy, global_copy = (copy[None, ..., None] for copy in copies)
        if config.stretching:
            span = span_of(global_copy)
            local_copy, global_copy = stretch(local_copy, span), stretch(global_copy, span)
        yield local_copy, global_copy
