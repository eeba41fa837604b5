"""Mounts are found by their evenness and their edge; grounds and skies are none."""

import numpy as np
import pytest
from skimage import data

from colornet.pictures.mounts import within_mount
from tiny import photograph

PICTURE = np.asarray(photograph(80, 60, data.astronaut).convert("L"))
WHOLE = slice(0, 100), slice(0, 140)


def mounted(tone, noise=0.0):
    """60 x 80 pixels of picture at (25, 20) on 100 x 140 of mount."""
    scan = np.full((100, 140), tone, float)
    scan[25:85, 20:100] = PICTURE
    scan += np.random.default_rng(0).normal(0, noise, scan.shape)
    return np.clip(np.rint(scan), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("tone", [246, 3])
@pytest.mark.parametrize("noise", [0, 2])
def test_the_picture_within_a_mount(tone, noise):
    scan = mounted(tone, noise)
    for pixels in (scan, np.repeat(scan[..., None], 3, axis=2), scan.astype(np.float32) / 255):
        rows, columns = within_mount(pixels)
        assert 25 <= rows.start <= 27 and 83 <= rows.stop <= 85
        assert 20 <= columns.start <= 22 and 98 <= columns.stop <= 100


def test_what_is_no_mount():
    assert within_mount(np.asarray(data.astronaut()))[0] == slice(0, 512)
    plain = np.full((100, 140), 240, np.uint8)
    assert within_mount(plain) == WHOLE
    y, x = np.mgrid[0:100, 0:140]
    object_on_ground = np.where((y - 50) ** 2 + (x - 70) ** 2 < 900, 60, plain)
    assert within_mount(object_on_ground.astype(np.uint8)) == WHOLE
    sky = plain.copy()
    sky[40:] = np.arange(140) + 50  # three sides are not enough
    assert within_mount(sky) == WHOLE
    assert within_mount(mounted(240)[:, 10:100]) == (slice(0, 100), slice(0, 90))
    for shape in ((1, 1), (2, 9), (1, 30, 3), (3, 3)):
        rows, columns = within_mount(np.full(shape, 200, np.uint8))
        assert (rows.stop, columns.stop) == shape[:2]


def written(scan, top, left):
    """Strokes such as writing has."""
    scan[top : top + 6, left : left + 50 : 4] = 128
    return scan


def test_what_belongs_to_a_mount():
    kinds = {f"tone {tone}": mounted(tone) for tone in (250, 228, 10, 110)}
    ruled, shadow = mounted(240), mounted(240)
    ruled[[20, 89], 15:105] = ruled[20:90, [15, 104]] = 40
    shadow[:2], shadow[:, :2] = 60, 90
    kinds["ruled"], kinds["shadow"] = ruled, shadow
    kinds["caption"] = written(mounted(240), 91, 30)
    kinds["date"] = written(mounted(240).T.copy(), 120, 30).T
    for kind, scan in kinds.items():
        rows, columns = within_mount(scan)
        assert 25 <= rows.start <= 27 and 83 <= rows.stop <= 85, kind
        assert 20 <= columns.start <= 22 and 98 <= columns.stop <= 100, kind
