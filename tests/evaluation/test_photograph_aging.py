"""Aging of photographs for --aged: as old ones look, each in its own way, always the same."""

import numpy as np
import pytest
import skimage.data
from PIL import Image

from colornet.evaluation.photograph_aging import aged


@pytest.fixture(scope="module")
def tiles():
    """48 pieces of a photograph, uint8 (64, 64, 3)."""
    coffee = skimage.data.coffee()
    return [coffee[y : y + 64, x : x + 64] for y in range(0, 384, 64) for x in range(0, 512, 64)]


def test_a_photograph_ages_alike_on_every_run(tiles):
    first = aged(tiles[0])
    assert first.shape == (64, 64) and first.dtype == np.float32
    np.testing.assert_array_equal(first * 255, np.rint(first * 255))
    np.testing.assert_array_equal(aged(tiles[0].copy()), first)
    other = tiles[0].copy()
    other[0, 0, 0] ^= 1
    assert not np.array_equal(aged(other), first)


def test_prints_fade(tiles):
    old = np.stack([aged(tile) for tile in tiles])
    darkest, lightest = np.quantile(old, [0.002, 0.998], axis=(1, 2))
    assert old.min() >= 0 and old.max() <= 1
    assert darkest.max() > 0.2 and lightest.min() < 0.75


def test_films_see_red_darker_than_blue():
    differences = []
    for level in range(40):
        pixels = np.empty((32, 64, 3), np.uint8)
        pixels[:, :32], pixels[:, 32:] = (200, 60, 60 + level), (60, 110, 200 + level)
        old = aged(pixels)
        differences.append(old[:, 38:58].mean() - old[:, 6:26].mean())
    assert np.mean(differences) > 0.1
    assert np.max(differences) > 0.25  # a blue-sensitive film
    assert np.min(differences) < 0  # a red filter


def test_what_is_black_stays_even():
    black = aged(np.zeros((48, 64, 3), np.uint8))
    assert np.isfinite(black).all() and black.std() < 0.03


def test_detail_is_lost_but_not_the_picture():
    pixels = skimage.data.astronaut()
    old, gray = aged(pixels), np.asarray(Image.fromarray(pixels).convert("L"), np.float32) / 255
    assert 0.6 < np.corrcoef(old.ravel(), gray.ravel())[0, 1] < 0.999
