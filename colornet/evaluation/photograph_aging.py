"""Photographs as an old camera, film, print and scanner would have left them, in gray.

Nothing here is shared with the aging of training crops, which mixes a* and b* into L* on small
records, so that no network is good at this one by having been trained on the same formulas.
"""

import zlib

import numpy as np
from scipy import ndimage

from colornet.pictures import colorspace

# What red, green and blue light (linear sRGB) adds to the silver.
PANCHROMATIC = (0.30, 0.45, 0.25)
FILMS = {
    "blue-sensitive": (0.02, 0.13, 0.85),
    "orthochromatic": (0.03, 0.55, 0.42),
    "panchromatic": PANCHROMATIC,
    "panchromatic, red filter": (0.85, 0.14, 0.01),
}
SHARES = (0.35, 0.35, 0.22, 0.08)  # of the photographs, for each film


def aged(pixels: np.ndarray) -> np.ndarray:
    """The photograph aged; how and how much is drawn from its pixels, the same on every run.

    Args:
        pixels: uint8 (height, width, 3) sRGB.

    Returns:
        float32 (height, width), gray in [0, 1], in 256 steps as scanned.
    """
    random = np.random.default_rng(zlib.crc32(np.ascontiguousarray(pixels).data))
    light = colorspace.rgb_to_linear(pixels)
    seen = _exposed(light @ _film(random), light.mean(), random)
    seen = _through_lens(seen, random)
    return _scanned(_printed(_developed(seen, random), random), random)


def _film(random: np.random.Generator) -> np.ndarray:
    film = tuple(FILMS.values())[random.choice(len(FILMS), p=SHARES)]
    share = random.uniform(0.6, 1)
    return (share * np.array(film) + (1 - share) * np.array(PANCHROMATIC)).astype(np.float32)


def _exposed(seen: np.ndarray, brightness: float, random: np.random.Generator) -> np.ndarray:
    """Exposed so that the picture is about as bright on the whole as the scene."""
    stops = random.uniform(-0.4, 0.4)
    return seen * (2**stops * brightness / max(seen.mean(), 1e-4))


def _through_lens(light: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Blurred, and darker toward the corners by the fourth power of the cosine."""
    height, width = light.shape
    blurred = ndimage.gaussian_filter(light, random.uniform(0, 0.004) * max(light.shape))
    focal = random.uniform(1.2, 4)  # in half diagonals
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    squares = ((y * height) ** 2 + (x * width) ** 2) / (height**2 + width**2)
    return np.clip(blurred / (1 + squares / focal**2) ** 2, 0, 1)


def _developed(light: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Encoded gray in [0, 1], with the film's S-shaped curve and its grain."""
    gray = colorspace.linear_to_gray(light)
    contrast = random.uniform(0.8, 1.6)
    bright, dark = gray**contrast, (1 - gray) ** contrast
    gray = bright / (bright + dark)
    grain = random.standard_normal(gray.shape, np.float32)
    grain = ndimage.gaussian_filter(grain, random.uniform(0.3, 1.2) / 640 * max(gray.shape))
    grain *= random.uniform(0, 0.06) / max(float(grain.std()), 1e-6)
    return gray + grain * 2 * np.sqrt(gray * (1 - gray))


def _printed(gray: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The print has faded: blacks to gray, whites to cream."""
    black, white = random.uniform(0, 0.3), random.uniform(0.7, 1)
    return black + (white - black) * gray


def _scanned(gray: np.ndarray, random: np.random.Generator) -> np.ndarray:
    noise = random.uniform(0, 0.02) * random.standard_normal(gray.shape, np.float32)
    levels = colorspace.to_bytes(np.clip(gray + noise, 0, 1))
    return colorspace.from_bytes(levels.astype(np.float32))
