"""Records to batches: a tf.data chain whose random choices are functions of (seed, position).

Position p is the p-th picture of the whole training: step p // batch_size, epoch p // pictures.
A reader started at any step gives what an uninterrupted one would give from there.
"""

import os

import tensorflow as tf

from colornet.errors import UserError
from colornet.pictures import colorspace
from colornet.records import aging
from colornet.records.dataset import find_damage

_FEATURES = {
    "luminance": tf.io.FixedLenFeature([], tf.string),
    "chrominance": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
}
DAMAGE = (tf.errors.DataLossError, tf.errors.NotFoundError)  # what reading a bad shard raises
READ_AHEAD = 4 << 20  # bytes of a shard read at once
INTERLEAVED = 4  # shards read at the same time


def training_batches(config, folder, dataset, start_step=0, pipeline=0, pipelines=1, parts=1):
    """Endless shuffled batches of random crops, half of them flipped (section 4).

    With a `zoom` above 1 the crops are rectangles of random sides, and are scaled to crop_size.
    A share `aging` of them has the luminance of old photographs.

    Args:
        config: a `config.Config`; seed, batch_size, crop_size, zoom, aging, shuffle_buffer count.
        folder: the records folder; `dataset` is its `dataset.read_dataset`.
        start_step: the step whose batch comes first.
        pipeline, pipelines: this host takes the pipeline-th of `pipelines` parts of each batch.
        parts: into how many batches, one a replica, this host's part is cut.

    Returns:
        A tf.data.Dataset of (luminance (batch, crop, crop, 1) float32 in [0, 1], chrominance
        (batch, crop/2, crop/2, 2) float32 in [0, 1], label (batch,) int64).

    Raises:
        UserError: the pictures are smaller than the crop, or too few.
    """
    pictures = dataset["train"]["pictures"]
    size = dataset["settings"]["picture_size"]
    if size < config.crop_size:
        raise UserError(
            f"{folder}: expected pictures of at least crop_size={config.crop_size} px, got {size}; "
            "make records with a larger picture_size or set a smaller crop_size"
        )
    if not pictures:
        raise UserError(f"{folder}: no training pictures")
    files = tf.constant(_files(folder, dataset, "train"))
    epoch, skipped = divmod(start_step * config.batch_size, pictures)
    shortest, longest = config.crop_sides
    share = config.batch_size // pipelines

    def one_epoch(number):
        """(position, serialised example): shards in a new order, shuffled within a buffer."""
        seeds = [config.seed, number]
        order = tf.argsort(tf.random.stateless_uniform(tf.shape(files), seeds))
        buffer_seed = tf.random.stateless_uniform([], seeds, 0, 2**31 - 1, dtype=tf.int64)
        records = tf.data.Dataset.from_tensor_slices(tf.gather(files, order)).interleave(
            lambda file: tf.data.TFRecordDataset(file, buffer_size=READ_AHEAD),
            cycle_length=INTERLEAVED,
            block_length=8,
        )
        records = records.shuffle(
            config.shuffle_buffer, buffer_seed, reshuffle_each_iteration=False
        )
        return records.enumerate(number * pictures)

    def crop_and_flip(position, serialized):
        luminance, chrominance, label = _parse(serialized, size)
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

    chain = tf.data.Dataset.range(epoch, tf.int64.max).flat_map(one_epoch).skip(skipped)
    if pipelines > 1:  # before parsing: a host only reads the others' pictures
        chain = chain.filter(
            lambda position, _: (position % config.batch_size) // share == pipeline
        )
    chain = chain.map(crop_and_flip, tf.data.AUTOTUNE, deterministic=True)
    chain = chain.batch(share // parts, drop_remainder=True).map(_to_floats)
    return chain.prefetch(4)


def validation_batches(config, folder, dataset, batch_size):
    """Yield the validation pictures once, in order, as centre crops; as in `training_batches`.

    At most `config.validation_pictures` of them (0: all). The last batch may be smaller.

    Raises:
        UserError: a shard is damaged.
    """
    size = dataset["settings"]["picture_size"]
    margin = (size - config.crop_size) // 4

    def crop(serialized):
        luminance, chrominance, label = _parse(serialized, size)
        side = config.crop_size
        return (*_crop(luminance, chrominance, margin, margin, side, side), label)

    chain = tf.data.TFRecordDataset(_files(folder, dataset, "val"), buffer_size=READ_AHEAD)
    chain = chain.take(config.validation_pictures or -1)
    chain = chain.map(crop, tf.data.AUTOTUNE, deterministic=True)
    chain = chain.batch(batch_size).map(_to_floats).prefetch(2)
    yield from damage_named(chain, folder, dataset, "val", batch_size)


def damage_named(batches, folder, dataset, split, batch_size, first=0):
    """The same batches; what reading them raises becomes one line that names the bad shard.

    Args:
        batches: iterable of batches of `batch_size` pictures.
        split: "train" or "val".
        first: number of the first batch.

    Raises:
        UserError: a shard is damaged or gone.
    """
    number = first
    try:
        for batch in batches:
            yield batch
            number += 1
    except DAMAGE:
        raise damage_report(folder, dataset, split, number * batch_size) from None


def damage_report(folder, dataset, split, pictures_read):
    """UserError of one line that names the shard which ended reading."""
    shard, reason = find_damage(folder, dataset, split) or (folder, "unknown cause")
    return UserError(
        f"{shard}: damaged shard ({reason}) after {pictures_read} pictures were read; "
        "delete it and run input_create.py again, then start training again: it resumes"
    )


def _files(folder, dataset, split):
    return [os.path.join(folder, shard["file"]) for shard in dataset[split]["shards"]]


def _parse(serialized, size):
    example = tf.io.parse_single_example(serialized, _FEATURES)
    luminance = tf.io.decode_raw(example["luminance"], tf.uint8)
    chrominance = tf.io.decode_raw(example["chrominance"], tf.uint8)
    return (
        tf.reshape(luminance, (size, size, 1)),
        tf.reshape(chrominance, (size // 2, size // 2, 2)),
        example["label"],
    )


def _crop(luminance, chrominance, y, x, height, width):
    """Crop both planes; y and x in chrominance pixels, height and width in luminance pixels."""
    luminance = tf.slice(luminance, (2 * y, 2 * x, 0), (height, width, 1))
    return luminance, tf.slice(chrominance, (y, x, 0), (height // 2, width // 2, 2))


def _aged(luminance, chrominance, seed, share):
    """The luminance of a crop, float32 0 to 255, aged for a share of the seeds."""
    seed = tf.cast(tf.random.experimental.stateless_fold_in(seed, 1), tf.int32)
    return tf.cond(
        tf.random.stateless_uniform([], seed) < share,
        lambda: aging.age(luminance, chrominance, seed),
        lambda: tf.cast(luminance, tf.float32),
    )


def _to_floats(luminance, chrominance, label):
    luminance = colorspace.from_bytes(tf.cast(luminance, tf.float32))
    return luminance, colorspace.from_bytes(tf.cast(chrominance, tf.float32)), label
