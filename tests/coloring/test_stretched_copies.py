"""What a network sees and colors that was trained on stretched luminance."""

import dataclasses

import numpy as np
import pytest

from colornet.coloring.colorizer import prepare
from colornet.pictures.stretching import span_of, stretch
from tiny import photograph

LUMINANCE = np.asarray(photograph(80, 60).convert("L"), np.float32) / 255


@pytest.fixture
def stretching(colorizer):
    colorizer.config = dataclasses.replace(colorizer.config, stretching=True)
    return colorizer


def test_both_copies_are_stretched_between_black_and_white_of_the_whole_picture(stretching):
    config = stretching.config
    raw = prepare(LUMINANCE / 2, config.crop_size, stretching.working_size, stretch=False)
    luminance, square = raw.local[0], raw.global_[0]
    local_copy, global_copy = (copy[0] for copy in stretching.prepare(LUMINANCE / 2))
    np.testing.assert_array_equal(global_copy, stretch(square))
    np.testing.assert_array_equal(local_copy, stretch(luminance, span_of(square)))
    assert np.abs(local_copy - stretch(luminance)).max() > 1e-3
    assert np.ptp(luminance) < 0.6 < np.ptp(local_copy)


def test_a_faded_photograph_gets_the_colors_of_the_fresh_one(stretching):
    faded = 0.5 + 0.2 * LUMINANCE
    fresh, as_fresh = (stretching.predict(stretching.prepare(g)) for g in (LUMINANCE, faded))
    stretching.config = dataclasses.replace(stretching.config, stretching=False)
    plain = stretching.predict(stretching.prepare(faded))
    assert np.abs(as_fresh - fresh).mean() < 0.2 * np.abs(plain - fresh).mean()
