"""Contrast stretching: faded prints come out as they were, blank ones stay blank."""

import numpy as np
import pytest

from colornet.pictures.stretching import BLACK, WHITE, span_of, stretch

GENERATOR = np.random.default_rng(0)
LIGHT = GENERATOR.random((3, 40, 60, 1), np.float32)


def test_a_faded_print_comes_out_as_it_was():
    faded = 0.35 + 0.3 * LIGHT
    np.testing.assert_allclose(stretch(faded), stretch(LIGHT), atol=1e-5)


def test_nearly_all_pixels_lie_between_black_and_white_and_keep_their_order():
    stretched = stretch(LIGHT / 3)
    assert stretched.dtype == np.float32 and stretched.min() >= 0 and stretched.max() <= 1
    assert 0.99 < ((stretched >= BLACK) & (stretched <= WHITE)).mean() < 1
    for light, seen in zip(LIGHT.reshape(3, -1), stretched.reshape(3, -1)):
        assert (np.diff(seen[light.argsort()]) >= 0).all()


def test_scratches_and_dust_do_not_count():
    dusty = 0.35 + 0.3 * LIGHT
    dusty[:, 3, 5], dusty[:, 20, 30] = 0, 1
    np.testing.assert_allclose(np.median(np.abs(stretch(dusty) - stretch(LIGHT))), 0, atol=0.01)


@pytest.mark.parametrize("level", [0, 0.2, 1])
def test_a_blank_sheet_stays_blank(level):
    sheet = np.clip(level + GENERATOR.normal(0, 0.001, (30, 30, 1)), 0, 1).astype(np.float32)
    assert np.ptp(stretch(sheet)) < 0.1


def test_each_picture_of_a_batch_has_its_own_range_or_that_of_another_copy():
    batch = LIGHT * np.float32([1, 0.5, 0.2])[:, None, None, None]
    for one, stretched in zip(batch, stretch(batch)):
        np.testing.assert_array_equal(stretch(one), stretched)
    np.testing.assert_allclose(stretch(batch[0, :9], span_of(batch[0])), stretch(batch[0])[:9])
