"""Records to batches: tf.data chains whose random choices are functions of (seed, position).

Position p is the p-th picture of the whole training: step p // batch_size, epoch p // pictures.
"""

import dataclasses
import os
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from colornet.config import Config
from colornet.errors import UserError
from colornet.pictures import colorspace, sheets
from colornet.pictures.stretching import stretch
from colornet.records import crop_aging
from colornet.records.dataset import read_dataset
from colornet.records.reading import DamagedShard, SplitReader, TrainingReader, stacked

Crop = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # luminance, chrominance, label
Batch = dict[str, tf.Tensor]

PARALLEL = 2  # batches put together at the same time
CROPPERS = os.cpu_count() or 1  # pictures cropped at the same time
COLUMNS = 4  # of a sheet; each crop takes two tiles


def training_batches(
    config: Config,
    folder: str,
    dataset: dict[str, Any],
    start_step: int = 0,
    pipeline: int = 0,
    pipelines: int = 1,
    parts: int = 1,
) -> tf.data.Dataset:
    """Endless shuffled batches of random crops, half of them flipped (section 3.4).

    With a `zoom` above 1 the crops are rectangles of random sides, and are scaled to crop_size.
    A share `aging` of them has the luminance of old photographs. Errors of reading come from
    TensorFlow; `Batches` makes them plain.

    Args:
        config: a `Config`; those of `settings_of("read_input")` count.
        folder: the records folder; `dataset` is its `dataset.read_dataset`.
        start_step: the step whose batch comes first.
        pipeline, pipelines: this host takes the pipeline-th of `pipelines` parts of each batch,
            and reads the records of that part alone.
        parts: into how many batches, one a replica, this host's part is cut.

    Returns:
        A tf.data.Dataset of dicts: "luminance" (batch, crop, crop, 1) float32 in [0, 1],
        "chrominance" (batch, crop/2, crop/2, 2) float32 in [0, 1], and "label" (batch,) int64, -1
        without a class.

    Raises:
        UserError: the pictures are smaller than the crop, or too few.
    """
    records = SplitReader(folder, dataset, "train")
    size = records.size
    if size < config.crop_size:
        raise UserError(
            f"{folder}: expected pictures of at least crop_size={config.crop_size} px, got {size}; "
            "make records with a larger picture_size or set a smaller crop_size"
        )
    if not records.pictures:
        raise UserError(f"{folder}: no training pictures")
    share = config.batch_size // pipelines
    reader = TrainingReader(
        records, config.seed, config.batch_size, config.shuffle_buffer, pipeline, pipelines
    )
    chain = tf.data.Dataset.range(start_step, tf.int64.max)
    chain = chain.map(
        lambda step: _arrays(reader.batch, step, share, size), PARALLEL, deterministic=True
    )
    chain = chain.unbatch()
    chain = chain.map(_random_crop(config, size), CROPPERS, deterministic=True)
    chain = chain.batch(share // parts, drop_remainder=True).map(_to_floats(config))
    return _untuned(chain.prefetch(4))


def validation_batches(
    config: Config, folder: str, dataset: dict[str, Any], batch_size: int
) -> "Batches":
    """The validation pictures once, in order, as centre crops, as `Batches`.

    At most `config.validation_pictures` of them (0: all). The last batch may be smaller.

    Raises:
        UserError: a shard is damaged.
    """
    records = SplitReader(folder, dataset, "val")
    size, side = records.size, config.crop_size
    margin = (size - side) // 4
    count = min(records.pictures, config.validation_pictures or records.pictures)

    def read(first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        numbers = np.arange(first, min(first + batch_size, count))
        return numbers, *stacked(records.read(int(first), len(numbers)))

    def crop(_: tf.Tensor, luminance: tf.Tensor, chrominance: tf.Tensor, label: tf.Tensor) -> Crop:
        return (*_crop(luminance, chrominance, margin, margin, side, side), label)

    chain = tf.data.Dataset.range(0, count, batch_size)
    chain = chain.map(lambda first: _arrays(read, first, None, size), PARALLEL, deterministic=True)
    chain = chain.unbatch().map(crop, CROPPERS, deterministic=True)
    return Batches(_untuned(chain.batch(batch_size).map(_to_floats(config)).prefetch(2)))


def _untuned(chain: tf.data.Dataset) -> tf.data.Dataset:
    """Without the thread that tunes a chain: it may sleep through the end of reading.

    Its sleep doubles each time, and whoever lets go of the chain may have to wait for its end (14 s
    were seen). There is nothing to tune: each part's threads and buffers are given.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return chain.with_options(options)


class Batches:
    """Iterator over the batches of a chain, and a context manager: leaving it stops the readers.

    Leave none to the garbage collector, as a loop left by an error would:

        with Batches(training_batches(...)) as batches:
            for batch in batches:
                batch["luminance"], batch["chrominance"], batch["label"]

    TensorFlow lets go of an iterator once its calls of Python are done. Kept by a traceback it
    would go in some garbage collection; in that of one of those calls it would wait for itself.
    """

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = iter(batches)

    def __enter__(self) -> "Batches":
        return self

    def __exit__(self, *_: object) -> None:
        self._batches = iter(())

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        try:
            return next(self._batches)
        except tf.errors.OpError as error:
            traceback.clear_frames(error.__traceback__)  # TensorFlow's hold the iterator
            # How TensorFlow passes on what Python raised.
            found = re.search(rf"{DamagedShard.__name__}: (.*)", error.message)
            if not found:
                raise
            raise UserError(found[1]) from None


def _arrays(
    read: Callable[[Any], tuple[np.ndarray, ...]],
    number: tf.Tensor,
    pictures: int | None,
    size: int,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """What `read(number)` returns, as tensors of known shapes, with one more axis for grey."""
    kinds = (tf.int64, tf.uint8, tf.uint8, tf.int64)
    # Not stateful: the same number gives the same arrays, in whatever order they are asked for.
    arrays = tf.numpy_function(read, [number], kinds, stateful=False)
    shapes: tuple[list[int], ...] = ([], [size, size], [size // 2, size // 2, 2], [])
    for array, shape in zip(arrays, shapes):
        array.set_shape([pictures, *shape])
    positions, luminance, chrominance, labels = arrays
    return positions, luminance[..., None], chrominance, labels


def _random_crop(config: Config, size: int) -> Callable[..., Crop]:
    """Function from a stored picture and its position to a crop of it."""
    shortest, longest = config.crop_sides

    def crop_and_flip(
        position: tf.Tensor, luminance: tf.Tensor, chrominance: tf.Tensor, label: tf.Tensor
    ) -> Crop:
        choice = tf.random.stateless_uniform([5], [config.seed, position], 0, 2**30, tf.int32)
        height = width = shortest  # plain numbers without zoom, so that shapes stay known
        if shortest < longest:  # even sides and corners keep both planes aligned
            height, width = tf.unstack(
                shortest + 2 * (choice[3:] % ((longest - shortest) // 2 + 1))
            )
        y, x = choice[0] % ((size - height) // 2 + 1), choice[1] % ((size - width) // 2 + 1)
        luminance, chrominance = _crop(luminance, chrominance, y, x, height, width)
        if shortest < longest:
            crop, half = config.crop_size, config.crop_size // 2
            luminance = tf.image.resize(luminance, (crop, crop), antialias=True)
            chrominance = tf.image.resize(chrominance, (half, half), antialias=True)
        if config.aging:
            luminance = _aged(luminance, chrominance, [config.seed, position], config.aging)
        if choice[2] % 2 == 0:  # tf.reverse: a slice with step -1 is five times as slow
            luminance, chrominance = tf.reverse(luminance, [1]), tf.reverse(chrominance, [1])
        return luminance, chrominance, label

    return crop_and_flip


def _crop(
    luminance: tf.Tensor,
    chrominance: tf.Tensor,
    y: tf.Tensor | int,
    x: tf.Tensor | int,
    height: tf.Tensor | int,
    width: tf.Tensor | int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Crop both planes; y and x in chrominance pixels, height and width in luminance pixels."""
    luminance = tf.slice(luminance, (2 * y, 2 * x, 0), (height, width, 1))
    return luminance, tf.slice(chrominance, (y, x, 0), (height // 2, width // 2, 2))


def _aged(luminance: tf.Tensor, chrominance: tf.Tensor, seed: list[Any], share: float) -> tf.Tensor:
    """The luminance of a crop, float32 0 to 255, aged for a share of the seeds."""
    seed = tf.cast(tf.random.experimental.stateless_fold_in(seed, 1), tf.int32)
    return tf.cond(
        tf.random.stateless_uniform([], seed) < share,
        lambda: crop_aging.age(luminance, chrominance, seed),
        lambda: tf.cast(luminance, tf.float32),
    )


def _to_floats(config: Config) -> Callable[..., Batch]:
    """Function from crops as stored to what the network sees and is to predict."""

    def to_floats(luminance: tf.Tensor, chrominance: tf.Tensor, label: tf.Tensor) -> Batch:
        seen = colorspace.from_bytes(tf.cast(luminance, tf.float32))
        if config.stretching:
            seen = tf.numpy_function(stretch, [seen], tf.float32, stateful=False)
            seen.set_shape(luminance.shape)
        return {
            "luminance": seen,
            "chrominance": colorspace.from_bytes(tf.cast(chrominance, tf.float32)),
            "label": label,
        }

    return to_floats


def show(config: Config, folder: str, step: int, path: str) -> None:
    """Save the crops of a batch as a sheet: each one's luminance, and beside it its colours.

    Raises:
        UserError: the records or the settings do not fit, or the picture cannot be written.
    """
    sheets.check("--output", path)
    dataset = read_dataset(folder)
    config = dataclasses.replace(config, picture_size=dataset["settings"]["picture_size"])
    with Batches(training_batches(config, folder, dataset, step).take(1)) as batches:
        batch = next(batches)
    luminance, chrominance, labels = (
        batch[name].numpy() for name in ("luminance", "chrominance", "label")
    )
    names = [dataset["class_names"][label] if label >= 0 else "-" for label in labels]
    tiles = []
    for light, color in zip(luminance, chrominance):
        lightness = colorspace.decode_luminance(light[..., 0])
        ab = colorspace.decode_chrominance(color).repeat(2, axis=0).repeat(2, axis=1)
        tiles += [colorspace.lab_to_rgb(lightness, ab * strength) for strength in (0, 1)]
    rows = [tiles[i : i + 2 * COLUMNS] for i in range(0, len(tiles), 2 * COLUMNS)]
    captions = [", ".join(names[i : i + COLUMNS]) for i in range(0, len(names), COLUMNS)]
    title = f"step {step}: luminance and true colors of {len(labels)} crops"
    try:
        sheets.save(sheets.sheet(rows, config.crop_size, captions, title), path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be written: {error}") from None
