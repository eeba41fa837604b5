"""Measures of colorization in the literature, of one picture each, and their means with errors.

Pictures are uint8 RGB (height, width, 3); ab are arrays (height, width, 2) in Lab units.
"""

import math
import typing
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.special import rel_entr
from skimage import color
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

Values = Sequence[float] | np.ndarray  # one a picture

PEAK = 255  # of 8-bit RGB
PSNR_LIMIT = 100  # dB, above all 8-bit rounding; what equal pictures count in a mean
LARGEST_THRESHOLD = 150  # Lab units, of the area under the curve
SMALLEST_SIDE = 7  # pixels, the window of SSIM


def measures_of(picture: np.ndarray, truth: np.ndarray, true_lab: np.ndarray) -> dict[str, float]:
    """{measure: value} of a picture against the true one, whose `lab_of` is `true_lab`."""
    lab = lab_of(picture)
    ab, true_ab = lab[..., 1:], true_lab[..., 1:]
    return measures_alone(picture) | {
        "ab_squared_error": ab_squared_error(ab, true_ab),
        "psnr": psnr(picture, truth),
        "ssim": ssim(picture, truth),
        "auc": area_under_curve(ab, true_ab),
        "ciede2000": ciede2000(lab, true_lab),
    }


def measures_alone(picture: np.ndarray) -> dict[str, float]:
    """{measure: value} of what needs no truth."""
    return {
        "colorfulness": colorfulness(picture),
        "colorfulness_absolute": colorfulness(picture, absolute=True),
    }


def lab_of(picture: np.ndarray) -> np.ndarray:
    """Lab, float32 (height, width, 3)."""
    return color.rgb2lab(picture.astype(np.float32) / PEAK)


def ab_squared_error(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Mean squared difference of ab over all pixels and both channels, in squared Lab units.

    Its root over a set of pictures is the RMSE of Deshpande et al., "Learning large-scale automatic
    image colorization" (2015), in ab instead of their color space.
    """
    return float(np.square(predicted - truth).mean(dtype=np.float64))


def area_under_curve(predicted: np.ndarray, truth: np.ndarray) -> float:
    """AuC of the ab error, 0 to 1, of Zhang et al., "Colorful image colorization" (2016).

    The share of pixels whose ab lies within a threshold of the truth (Euclidean distance), averaged
    over all thresholds from 0 to 150. A pixel of error d is within those from d on, so that the
    average is exactly 1 - mean(min(d, 150)) / 150.
    """
    distance = np.sqrt(np.square(predicted - truth).sum(axis=-1))
    missed = np.minimum(distance, LARGEST_THRESHOLD).mean(dtype=np.float64)
    return 1 - float(missed) / LARGEST_THRESHOLD


def psnr(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB over pixels and channels, at most PSNR_LIMIT.

    Over a set, its mean over pictures, as in Larsson et al., "Learning representations for
    automatic colorization" (2016).
    """
    with np.errstate(divide="ignore"):  # of equal pictures
        return min(float(peak_signal_noise_ratio(truth, predicted)), PSNR_LIMIT)


def ssim(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Structural similarity of RGB pictures, mean over pixels and channels, at most 1.

    Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004);
    scikit-image's, with its 7 x 7 window. Sides must be SMALLEST_SIDE or more.
    """
    return float(
        structural_similarity(
            predicted.astype(np.float32), truth.astype(np.float32), channel_axis=-1, data_range=PEAK
        )
    )


def ciede2000(lab: np.ndarray, true_lab: np.ndarray) -> float:
    """Mean color difference CIEDE2000 over pixels, by scikit-image; in strips to save memory."""
    strips = zip(np.array_split(lab, 16), np.array_split(true_lab, 16))
    total = sum(color.deltaE_ciede2000(*each).sum(dtype=np.float64) for each in strips)
    return float(total) / lab[..., 0].size


def colorfulness(rgb: np.ndarray, absolute: bool = False) -> float:
    """Colorfulness M of Hasler and Süsstrunk, "Measuring colourfulness in natural images" (2003).

    With rg = R - G and yb = (R + G) / 2 - B over the pixels: the length of their standard
    deviations plus 0.3 times that of their means. 0 is gray, 33 "moderately", 82 "highly"
    colorful.

    Args:
        rgb: picture.
        absolute: take |rg| and |yb|, as the code of DDColor and ColorMNet does; the figures of
            the two definitions do not compare.
    """
    red, green, blue = np.moveaxis(rgb.astype(np.float32), -1, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    if absolute:
        rg, yb = np.abs(rg), np.abs(yb)
    deviation = math.hypot(rg.std(dtype=np.float64), yb.std(dtype=np.float64))
    return deviation + 0.3 * math.hypot(rg.mean(dtype=np.float64), yb.mean(dtype=np.float64))


def color_distribution_consistency(frames: Iterable[np.ndarray]) -> float:
    """CDC of a film; lower is steadier, and a film without color has that of its luminance.

    Liu et al., "Temporally consistent video colorization with deep feature propagation and
    self-regularization learning" (2021), as ColorMNet's code computes it: the Jensen-Shannon
    divergence (natural logarithm) of the histograms of frames 1, 2, and 4 apart, averaged over
    frames, then over these three, then over red, green, and blue.

    Args:
        frames: pictures of one size, at least 5.
    """
    shares = np.array(
        [
            [np.bincount(plane.ravel(), minlength=PEAK + 1) / plane.size for plane in planes]
            for planes in (np.moveaxis(frame, -1, 0) for frame in frames)
        ]
    )
    divergences = []
    for step in (1, 2, 4):
        middle = (shares[:-step] + shares[step:]) / 2
        both = rel_entr(shares[:-step], middle) + rel_entr(shares[step:], middle)
        divergences.append(both.sum(axis=-1).mean() / 2)
    return float(np.mean(divergences))


def hits(probabilities: np.ndarray, label: int) -> dict[str, float]:
    """Whether class `label` is among the 1 and the 5 likeliest; ties count against it."""
    place = (probabilities >= probabilities[label]).sum()
    return {"top1": bool(place <= 1), "top5": bool(place <= 5)}


# --- Over a set of pictures -------------------------------------------------------------------


class Figure(typing.NamedTuple):
    """A figure of a set of pictures and its standard error, None for a single picture."""

    value: float
    error: float | None


def mean(values: Values) -> Figure:
    """Mean over pictures; standard error s / sqrt(n), s the sample's standard deviation."""
    values = np.asarray(values, np.float64)
    return Figure(float(values.mean()), _error_of_mean(values))


def root_of_mean(squares: Values) -> Figure:
    """Root of the mean over pictures, each weighing the same whatever its size.

    The error is that of the mean carried through the root to first order (delta method).
    """
    value, error = mean(squares)
    return _root(value, error)


def ratio_of_means(above: Values, below: Values) -> Figure:
    """Ratio of two means over the same pictures; delta method, which the pairing enters.

    Args:
        above, below: one value a picture, in the same order; the mean of `below` is not 0.
    """
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    value = above.mean() / below.mean()
    error = _error_of_mean(above - value * below)
    return Figure(float(value), None if error is None else float(error / below.mean()))


def ratio_of_roots(above: Values, below: Values) -> Figure:
    """`root_of_mean(above)` as a share of `root_of_mean(below)`, paired as in `ratio_of_means`."""
    return _root(*ratio_of_means(above, below))


def difference_of_means(values: Values, others: Values) -> Figure:
    """Mean difference over the same pictures, paired."""
    return mean(np.subtract(values, others, dtype=np.float64))


def difference_of_roots(squares: Values, others: Values) -> Figure:
    """`root_of_mean(squares)` minus `root_of_mean(others)`, paired; delta method."""
    roots = [root_of_mean(values).value for values in (squares, others)]
    shares = [
        np.asarray(values, np.float64) / (2 * root) if root else np.zeros(len(values))
        for values, root in zip((squares, others), roots)
    ]
    return Figure(roots[0] - roots[1], _error_of_mean(shares[0] - shares[1]))


def _root(value: float, error: float | None) -> Figure:
    root = math.sqrt(value)
    if error is None:
        return Figure(root, None)
    return Figure(root, error / (2 * root) if root else 0.0)


def _error_of_mean(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None
