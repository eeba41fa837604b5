"""Chrominance that holds still where the picture does."""

import numpy as np
from PIL import Image

from colornet.pictures import colorspace

MEMORY = 0.8  # share of the frame before in the chrominance of what does not move
MOTION = 4.0  # L* units; where luminance changes by this much, the share is a third of it
REACH = 3  # side of the square whose largest change counts, in pixels of the chrominance


class Steadying:
    """Mixes each frame's chrominance with that of the frame before, where nothing moved."""

    def __init__(self) -> None:
        self.lightness: np.ndarray | None = None
        self.ab: np.ndarray | None = None

    def forget(self) -> None:
        """A new shot begins."""
        self.ab = None

    def steadied(self, luminance: np.ndarray, ab: np.ndarray) -> np.ndarray:
        """A frame's chrominance, steadied.

        Args:
            luminance: (height, width, 1) in [0, 1], as it is in the film.
            ab: (height/2, width/2, 2) of the network.

        Returns:
            ab, of the same shape.
        """
        lightness = _of_size(colorspace.decode_luminance(luminance[..., 0]), ab.shape[:2])
        if self.ab is not None:
            change = lightness - self.lightness
            change -= np.median(change)  # a lamp or an old film's exposure flickers: no motion
            around = np.pad(np.abs(change), REACH // 2, "edge")
            moved = np.lib.stride_tricks.sliding_window_view(around, (REACH, REACH)).max((2, 3))
            share = MEMORY * np.exp(-np.square(moved / MOTION))[..., None]
            ab = ab + share * (self.ab - ab)
        self.lightness, self.ab = lightness, ab
        return ab


def _of_size(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    height, width = shape
    return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BOX))
