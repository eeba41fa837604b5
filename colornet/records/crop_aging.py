"""Aging of training crops: luminance as an old photograph would show it, colours as they are.

Old films see colours otherwise than the eye, lenses blur and darken towards the corners, emulsions
have grain, prints fade, scanners add noise. A network that has met crisp luminance alone loses
half of its gain over grey on such pictures. The aging that evaluation measures by is another one.
"""

import tensorflow as tf

from colornet.pictures import colorspace

BLUR_RADIUS = 4  # pixels that the lens's blur reaches
GRAIN_SIDES = (1, 2, 4)  # pixels, from a scanner's noise to a coarse emulsion
SPARED = 0.3  # share of aged crops that any one effect spares


def age(luminance: tf.Tensor, chrominance: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Age one crop; each effect has a strength of its own, from none to strong.

    Args:
        luminance: (side, side, 1), as stored: 0 to 255.
        chrominance: (side/2, side/2, 2), as stored: 0 to 255.
        seed: two integers, int32, of which every choice is a function.

    Returns:
        float32 luminance of the same shape and range.
    """
    seeds = tf.random.split(seed, 1 + len(GRAIN_SIDES))
    draws = iter(tf.unstack(tf.random.stateless_uniform([17], seeds[0])))

    def strength() -> tf.Tensor:
        return tf.nn.relu(next(draws) - SPARED) / (1 - SPARED)

    def between(low: float, high: float) -> tf.Tensor:
        return low + (high - low) * next(draws)

    light = colorspace.from_bytes(tf.cast(luminance, tf.float32))
    ab = colorspace.from_bytes(tf.cast(chrominance, tf.float32))
    ab = colorspace.encode_luminance(colorspace.decode_chrominance(ab))  # in units of the light
    ab = tf.image.resize(ab, light.shape[:2])
    light = _film(light, ab, strength(), between(-0.4, 0.1), between(-0.65, 0.0), next(draws))
    light = _blur(light, 1.6 * strength())
    light = _vignette(light, 0.7 * strength(), between(-0.3, 0.3), between(-0.3, 0.3))
    light = _tone(light, between(-1.0, 1.0) * strength(), between(-1.0, 1.0) * strength())
    light += _grain(light, strength(), next(draws), seeds[1:])
    fading = strength()
    black, white = 0.35 * fading * next(draws), 1 - 0.3 * fading * next(draws)
    light = black + (white - black) * tf.clip_by_value(light, 0.0, 1.0)
    return light * colorspace.BYTE_RANGE


def _film(
    light: tf.Tensor,
    ab: tf.Tensor,
    amount: tf.Tensor,
    red: tf.Tensor,
    blue: tf.Tensor,
    filtered: tf.Tensor,
) -> tf.Tensor:
    """How a* and b* weigh on L*, as the film sees them.

    Below zero, `red` and `blue` darken reds and whiten blues, as blue-sensitive and orthochromatic
    films do (L* of Z, the blue part of XYZ, is near L* - 0.58 b*). One crop in six is the opposite:
    a panchromatic film behind a yellow or red filter, for dark skies.
    """
    amount = tf.where(filtered < 1 / 6, -0.5 * amount, amount)
    seen = light + amount * (red * ab[..., :1] + blue * ab[..., 1:])
    return tf.clip_by_value(seen, 0.0, 1.0)


def _blur(light: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """Gaussian blur of `sigma` pixels; borders are mirrored."""
    offsets = tf.range(-BLUR_RADIUS, BLUR_RADIUS + 1, dtype=tf.float32)
    kernel = tf.exp(-0.5 * tf.square(offsets / tf.maximum(sigma, 0.1)))
    kernel /= tf.reduce_sum(kernel)
    padded = tf.pad(light[..., 0], [[BLUR_RADIUS, BLUR_RADIUS]] * 2, "REFLECT")[None, ..., None]
    rows = tf.nn.conv2d(padded, tf.reshape(kernel, (-1, 1, 1, 1)), 1, "VALID")
    return tf.nn.conv2d(rows, tf.reshape(kernel, (1, -1, 1, 1)), 1, "VALID")[0]


def _vignette(light: tf.Tensor, amount: tf.Tensor, y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Darker towards the corners, about a centre that is (y, x) half sides off the middle."""
    line = tf.linspace(-1.0, 1.0, light.shape[0])
    distance = (tf.square(line - y)[:, None] + tf.square(line - x)) / 2
    return light * (1 - amount * tf.minimum(distance, 1.0))[..., None]


def _tone(light: tf.Tensor, gamma: tf.Tensor, contrast: tf.Tensor) -> tf.Tensor:
    """A gamma of 2 to the power of `gamma`, and more or less contrast; -1 to 1 each."""
    light = tf.pow(tf.maximum(light, 1e-4), tf.pow(2.0, gamma))
    steep = light * light * (3 - 2 * light)
    flat = 0.25 + 0.5 * light
    return light + tf.abs(contrast) * (tf.where(contrast > 0, steep, flat) - light)


def _grain(
    light: tf.Tensor, amount: tf.Tensor, coarseness: tf.Tensor, seeds: tf.Tensor
) -> tf.Tensor:
    """Noise of grains of up to two neighbouring sides; most of it in the middle tones."""
    side = light.shape[0]
    noise, power = 0.0, 0.05  # not quite none, to be divided by
    for number, grain in enumerate(GRAIN_SIDES):
        share = tf.nn.relu(1 - tf.abs(coarseness * len(GRAIN_SIDES) - number - 0.5))
        cells = tf.random.stateless_normal((side // grain, side // grain, 1), seeds[number])
        noise += share * tf.image.resize(cells, (side, side))
        power += share * share
    deviation = 0.09 * amount * amount * tf.math.rsqrt(power) * (0.4 + 2.4 * light * (1 - light))
    return deviation * noise
