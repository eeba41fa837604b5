"""The measures against scikit-image's own and against cases worked out by hand."""

import math

import numpy as np
import pytest
import skimage.data
import skimage.metrics
from skimage import color

from colornet.evaluation import metrics


@pytest.fixture(scope="module")
def pair():
    """A photograph and a disturbed copy, uint8."""
    truth = skimage.data.astronaut()[:128, 100:260]
    noise = np.random.default_rng(0).normal(0, 20, truth.shape)
    return np.clip(truth + noise, 0, 255).astype(np.uint8), truth


def test_psnr_and_ssim_are_those_of_scikit_image(pair):
    predicted, truth = pair
    theirs = skimage.metrics.peak_signal_noise_ratio(truth, predicted)
    assert metrics.psnr(predicted, truth) == pytest.approx(theirs, abs=1e-4)
    theirs = skimage.metrics.structural_similarity(truth, predicted, channel_axis=-1)
    assert metrics.ssim(predicted, truth) == pytest.approx(theirs, abs=1e-5)


def test_psnr_of_one_level_everywhere():
    black = np.zeros((9, 8, 3), np.uint8)
    assert metrics.psnr(black + np.uint8(1), black) == pytest.approx(20 * math.log10(255))
    assert metrics.psnr(black, black + np.uint8(1)) == pytest.approx(20 * math.log10(255))
    assert metrics.psnr(black, black) == metrics.PSNR_LIMIT


def test_equal_pictures_reach_the_best_values(pair):
    truth = pair[1]
    ab = truth[..., :2].astype(np.float32)
    assert metrics.ssim(truth, truth) == pytest.approx(1)
    assert metrics.area_under_curve(ab, ab) == 1
    assert metrics.ab_squared_error(ab, ab) == 0


def test_squared_error_of_a_shift():
    ab = np.random.default_rng(1).normal(0, 30, (20, 30, 2)).astype(np.float32)
    shifted = ab + np.float32([3, -4])
    assert metrics.ab_squared_error(shifted, ab) == pytest.approx((9 + 16) / 2, rel=1e-5)


def test_area_under_curve_of_known_distances():
    truth = np.zeros((1, 4, 2), np.float32)
    predicted = np.float32([[[0, 0], [30, 40], [90, 120], [200, 0]]])  # 0, 50, 150, 200 away
    assert metrics.area_under_curve(predicted, truth) == pytest.approx((1 + 2 / 3 + 0 + 0) / 4)


def test_area_under_curve_is_the_swept_one():
    random = np.random.default_rng(2)
    truth, predicted = random.normal(0, 40, (2, 50, 60, 2)).astype(np.float32)
    distance = np.hypot(*np.moveaxis(predicted - truth, -1, 0))
    thresholds = np.linspace(0, 150, 3001)
    swept = np.trapezoid([(distance <= t).mean() for t in thresholds], thresholds) / 150
    assert metrics.area_under_curve(predicted, truth) == pytest.approx(swept, abs=1e-4)


def test_colorfulness_by_hand():
    gray = np.repeat(np.arange(0, 250, 10, dtype=np.uint8).reshape(5, 5, 1), 3, axis=2)
    assert metrics.colorfulness(gray) == 0
    one = np.full((4, 4, 3), (200, 100, 50), np.uint8)  # rg 100, yb 100, no deviation
    assert metrics.colorfulness(one) == pytest.approx(0.3 * math.hypot(100, 100))
    two = one.copy()
    two[:2] = (100, 200, 50)  # rg -100, yb 100
    assert metrics.colorfulness(two) == pytest.approx(100 + 0.3 * 100)


def test_absolute_colorfulness_by_hand():
    half = np.full((4, 4, 3), (200, 100, 50), np.uint8)  # rg 100, yb 100
    half[:2] = (100, 200, 50)  # rg -100, yb 100
    assert metrics.colorfulness(half, absolute=True) == pytest.approx(0.3 * math.hypot(100, 100))
    half[:2] = (0, 0, 0)  # both 0, or 100
    expected = math.hypot(50, 50) + 0.3 * math.hypot(50, 50)
    assert metrics.colorfulness(half, absolute=True) == pytest.approx(expected)


def test_color_difference_is_that_of_published_pairs():
    """Of the test data of Sharma et al., "The CIEDE2000 color-difference formula" (2005)."""
    lab = np.float64([[50, 2.6772, -79.7751], [50, 2.5, 0], [2.0776, 0.0795, -1.1350]])
    other = np.float64([[50, 0, -82.7485], [73, 25, -18], [0.9033, -0.0636, -0.5514]])
    expected = [2.0425, 27.1492, 0.9082]
    assert color.deltaE_ciede2000(lab, other) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("height", [3, 16, 100])
def test_mean_color_difference_is_that_of_all_pixels(pair, height):
    lab, true_lab = (metrics.lab_of(picture[:height]) for picture in pair)
    expected = color.deltaE_ciede2000(lab, true_lab).mean(dtype=np.float64)
    assert metrics.ciede2000(lab, true_lab) == pytest.approx(expected, rel=1e-6)


def test_color_distribution_consistency_by_hand():
    dark, light = np.zeros((2, 4, 3), np.uint8), np.full((2, 4, 3), 9, np.uint8)
    assert metrics.color_distribution_consistency([dark] * 5) == 0
    # Histograms apart have ln 2. Steps of 1, 2 and 4: 4 of 4 pairs differ, 0 of 3, 0 of 1.
    flicker = metrics.color_distribution_consistency([dark, light, dark, light, dark])
    assert flicker == pytest.approx(math.log(2) / 3)
    half = dark.copy()
    half[0] = 9  # half of the pixels: against `dark` (ln 4/3 + (ln 2/3)/2 + (ln 2)/2) / 2
    divergence = (math.log(4 / 3) + math.log(2 / 3) / 2 + math.log(2) / 2) / 2
    once = metrics.color_distribution_consistency([half, dark, dark, dark, dark])
    assert once == pytest.approx(divergence * (1 / 4 + 1 / 3 + 1) / 3)
    half[..., 1:] = 0  # in red alone
    once = metrics.color_distribution_consistency([half, dark, dark, dark, dark])
    assert once == pytest.approx(divergence * (1 / 4 + 1 / 3 + 1) / 9)


def test_hits_count_ties_against_the_label():
    shares = np.array([0.1, 0.4, 0.3, 0.2])
    assert metrics.hits(shares, 1) == {"top1": True, "top5": True}
    assert metrics.hits(shares, 2) == {"top1": False, "top5": True}
    assert metrics.hits(np.full(6, 1 / 6), 0) == {"top1": False, "top5": False}


# --- Standard errors --------------------------------------------------------------------------


def test_mean_and_its_error():
    figure = metrics.mean([1, 2, 3, 6])
    assert figure.value == 3
    assert figure.error == pytest.approx(math.sqrt((4 + 1 + 0 + 9) / 3 / 4))
    assert metrics.mean([2]) == (2, None)


def test_root_weighs_pictures_alike():
    figure = metrics.root_of_mean([4, 14])
    assert figure.value == 3
    assert figure.error == pytest.approx(5 / (2 * 3))  # error of the mean is 5
    assert metrics.root_of_mean([0, 0]) == (0, 0)
    assert metrics.root_of_mean([4]) == (2, None)


def test_ratios_of_proportional_values_have_no_error():
    below = np.array([1.0, 4, 9, 20])
    assert metrics.ratio_of_means(below / 4, below) == pytest.approx((0.25, 0))
    assert metrics.ratio_of_roots(below / 4, below) == pytest.approx((0.5, 0))


@pytest.mark.parametrize("difference", [metrics.difference_of_means, metrics.difference_of_roots])
def test_error_of_a_difference_is_that_of_repeated_draws(difference):
    random = np.random.default_rng(3)
    ones = random.gamma(3, 10, (2000, 200))
    others = 0.8 * ones + random.gamma(2, 1, ones.shape)
    figures = [difference(a, b) for a, b in zip(ones, others)]
    spread = np.std([figure.value for figure in figures])
    assert np.mean([figure.error for figure in figures]) == pytest.approx(spread, rel=0.05)
    assert difference([4], [4]) == (0, None) and difference([0, 0], [0, 0]) == (0, 0)


@pytest.mark.parametrize("ratio", [metrics.ratio_of_means, metrics.ratio_of_roots])
def test_error_of_a_ratio_is_that_of_repeated_draws(ratio):
    random = np.random.default_rng(3)
    below = random.gamma(3, 10, (2000, 200))
    above = 0.5 * below + random.gamma(2, 4, below.shape)
    figures = [ratio(a, b) for a, b in zip(above, below)]
    spread = np.std([figure.value for figure in figures])
    assert np.mean([figure.error for figure in figures]) == pytest.approx(spread, rel=0.05)
