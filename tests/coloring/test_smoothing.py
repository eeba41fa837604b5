"""Smoothing of chrominance: grounds even out, edges of the luminance stay edges of color."""

import dataclasses

import numpy as np
import pytest

from colornet.coloring.colorizer import Colorizer, predict
from colornet.coloring.smoothing import smooth
from presets import load_config
from tiny import photograph

SIDE = 72


def test_a_patch_on_a_flat_ground_fades():
    luminance = np.full((2 * SIDE, 2 * SIDE), 0.6, np.float32)
    ab = np.full((SIDE, SIDE, 2), 5, np.float32)
    ab[30:40, 20:32] = (-20, 30)
    smoothed = smooth(ab, luminance)
    assert smoothed.shape == ab.shape and smoothed.dtype == np.float32
    assert smoothed.std(axis=(0, 1)).max() < ab.std(axis=(0, 1)).min() / 2
    np.testing.assert_allclose(smoothed.mean(axis=(0, 1)), ab.mean(axis=(0, 1)), atol=0.5)


def test_color_changes_where_the_luminance_does():
    luminance = np.full((2 * SIDE, 2 * SIDE), 0.3, np.float32)
    luminance[:, SIDE:] = 0.8
    ab = np.zeros((SIDE, SIDE, 2), np.float32)
    ab[:, :36], ab[:, 36:] = (20, 5), (-10, -30)
    smoothed = smooth(ab, luminance)
    np.testing.assert_allclose(smoothed, ab, atol=1)


def test_color_that_creeps_over_an_edge_is_drawn_back():
    luminance = np.full((SIDE, SIDE), 0.3, np.float32)
    luminance[:, 36:] = 0.8
    ab = np.zeros((SIDE, SIDE, 2), np.float32)
    ab[:, :40] = (30, 20)  # four pixels too far
    smoothed = smooth(ab, luminance)
    before, after = np.abs(ab[:, 36:40]).mean(), np.abs(smoothed[:, 36:40]).mean()
    assert after < before / 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 4), (37, 72)])
def test_one_color_stays_what_it_is(shape):
    luminance = np.random.default_rng(0).random((2 * shape[0] - 1, 2 * shape[1]), np.float32)
    ab = np.tile(np.float32([12, -7]), (*shape, 1))
    np.testing.assert_allclose(smooth(ab, luminance), ab, atol=1e-3)


def test_smoothing_is_a_setting_that_the_paper_does_without(tiny_network):
    colorizer = Colorizer(tiny_network, chroma=1.5)
    pixels = np.asarray(photograph(40, 40))
    inputs = colorizer.prepare(pixels)
    plain = predict(colorizer.engine, inputs, None, smoothing=False, chroma=1.5)
    assert np.abs(colorizer.predict(inputs) - plain).max() > 0.01
    colorizer.config = dataclasses.replace(colorizer.config, smoothing=False)
    np.testing.assert_allclose(colorizer.predict(inputs), plain, atol=1e-4)
    assert not load_config("paper").smoothing
