"""Aging of training crops, by what it does to the luminance of simple pictures."""

import numpy as np
import pytest
import tensorflow as tf

from colornet.pictures import colorspace
from colornet.records import crop_aging

SIDE, SEEDS = 32, 60


@pytest.fixture(scope="module")
def aged_halves():
    """(SEEDS, SIDE, SIDE) of a crop of one L*, red on the left and blue on the right; 0 to 255."""
    ab = np.empty((SIDE // 2, SIDE // 2, 2), np.float32)
    ab[:, : SIDE // 4], ab[:, SIDE // 4 :] = (55, 40), (15, -55)
    chrominance = colorspace.to_bytes(colorspace.encode_chrominance(ab))
    luminance = np.full((SIDE, SIDE, 1), 128, np.uint8)
    age = tf.function(lambda seed: crop_aging.age(luminance, chrominance, [seed, 7]))
    return np.stack([age(tf.constant(seed)).numpy()[..., 0] for seed in range(SEEDS)])


def test_crops_stay_in_range_and_differ_by_seed(aged_halves):
    assert aged_halves.dtype == np.float32
    assert aged_halves.min() >= 0 and aged_halves.max() <= 255
    means = aged_halves.mean(axis=(1, 2))
    assert len(np.unique(means)) == SEEDS and means.std() > 10


def test_most_films_see_red_darker_than_blue(aged_halves):
    red, blue = aged_halves[:, :, :12].mean(axis=(1, 2)), aged_halves[:, :, 20:].mean(axis=(1, 2))
    difference = (blue - red) / 2.55  # L*
    assert difference.mean() > 3
    assert difference.max() > 20  # a blue-sensitive film
    assert difference.min() < -2  # a red filter
    assert (np.abs(difference) < 2).mean() > 0.15  # as the eye sees it


def test_grain_is_strong_on_some_and_absent_on_others(aged_halves):
    inside = aged_halves[:, 4:-4, 2:10]
    noise = np.diff(inside, axis=1).std(axis=(1, 2)) / 2.55  # L*
    assert noise.min() < 0.7 and noise.max() > 5


def test_lenses_blur_edges_and_darken_corners():
    luminance = np.full((SIDE, SIDE, 1), 200, np.uint8)
    luminance[:, SIDE // 2 :] = 60
    neutral = np.full((SIDE // 2, SIDE // 2, 2), 127.5, np.float32)
    age = tf.function(lambda seed: crop_aging.age(luminance, neutral, [seed, 7]))
    crops = np.stack([age(tf.constant(seed)).numpy()[..., 0] for seed in range(SEEDS)])
    rows = crops.mean(axis=1)
    step = np.abs(rows[:, 15] - rows[:, 16]) / np.abs(rows[:, 8] - rows[:, 23])
    assert step.min() < 0.4 and step.max() > 0.9
    corner, middle = crops[:, :5, :5].mean(axis=(1, 2)), crops[:, 13:19, :8].mean(axis=(1, 2))
    assert (corner / middle).min() < 0.8


def test_the_same_seed_ages_alike(aged_halves):
    luminance, chrominance = np.full((8, 8, 1), 99, np.uint8), np.full((4, 4, 2), 90, np.uint8)
    first, again, other = (crop_aging.age(luminance, chrominance, [seed, 7]) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
