"""HDR films: about the colors that the same film in SDR gets."""

import numpy as np
import pytest

from colornet.films import ycbcr
from colornet.pictures import colorspace
from films_made import decoded, scene, view, write


@pytest.mark.parametrize("transfer", [ycbcr.PQ, ycbcr.HLG])
def test_curves_are_each_others_inverse(transfer):
    signal = np.linspace(0, 1, 101)
    light = ycbcr.light_of(signal, transfer)
    assert np.abs(ycbcr.signal_of(light, transfer) - signal).max() < 1e-5
    assert (np.diff(light) > 0).all()


def test_values_of_the_standard():
    """ITU-R BT.2100: PQ's 100 cd/m² is at 0.508, HLG's reference white, 203 cd/m², at 0.75."""
    assert ycbcr.light_of(np.array([0.5081]), ycbcr.PQ)[0] == pytest.approx(1, abs=2e-3)
    assert ycbcr.light_of(np.array([0.75]), ycbcr.HLG)[0] == pytest.approx(2.03, abs=0.01)


def chroma_of(path):
    """Mean chroma in Lab units of a film's first frame, as a display shows it."""
    frame = decoded(path)[0]
    planes = [view(frame, index).astype(np.float64) for index in range(3)]
    luma, blue, red = planes[0], *(plane.repeat(2, 0).repeat(2, 1) for plane in planes[1:])
    unit = 1 << (frame.format.components[0].bits - 8)
    luma = (luma - 16 * unit) / (219 * unit)
    blue, red = ((plane - 128 * unit) / (224 * unit) for plane in (blue, red))
    of_red, of_blue = ycbcr.MATRICES[ycbcr.matrix_of(frame.colorspace, frame.height)]
    r, b = luma + 2 * (1 - of_red) * red, luma + 2 * (1 - of_blue) * blue
    g = (luma - of_red * r - of_blue * b) / (1 - of_red - of_blue)
    signal = np.clip(np.stack([r, g, b]), 0, 1)
    transfer = ycbcr.transfer_of(frame.color_trc)
    if transfer == ycbcr.SDR:
        linear = colorspace.srgb_to_linear(signal)
    else:
        of_bt2020 = np.linalg.inv(ycbcr.BT2020_OF_SRGB)
        linear = np.tensordot(of_bt2020, ycbcr.light_of(signal, transfer), 1)
    rgb = np.moveaxis(colorspace.linear_to_srgb(np.clip(linear, 0, 1)), 0, -1)
    return np.linalg.norm(colorspace.rgb_to_lab(rgb)[..., 1:], axis=-1).mean()


@pytest.mark.parametrize("transfer", [ycbcr.PQ, ycbcr.HLG])
def test_an_hdr_film_is_as_colorful_as_in_sdr(run, transfer):
    gray = (scene().astype(np.float32) - 16) / 219 * 0.9
    signal = ycbcr.signal_of(colorspace.srgb_to_linear(gray), transfer)
    deep = np.rint(64 + 876 * signal).astype(np.uint16)
    write("hdr.mkv", [deep] * 2, pixel_format="yuv420p10le", color_trc=transfer, color_primaries=9,
          colorspace=9, color_range=1)  # fmt: skip
    write("sdr.mkv", [np.rint(16 + 219 * gray).astype(np.uint8)] * 2, colorspace=1, color_range=1)
    for name in ("hdr", "sdr"):
        assert run(f"{name}.mkv", "-o", f"{name}_colored.mkv", "--codec", "ffv1") == 0
    assert decoded("hdr_colored.mkv")[0].color_trc == transfer
    hdr, sdr = chroma_of("hdr_colored.mkv"), chroma_of("sdr_colored.mkv")
    assert sdr > 2 and hdr == pytest.approx(sdr, rel=0.1)
