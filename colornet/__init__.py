"""Let there be Color! (Iizuka et al., 2016): automatic colorization of grayscale pictures.

from colornet import Colorizer
rgb = Colorizer().colorize(pixels)  # the pretrained weights; uint8 (height, width, 3)
"""

from typing import Any

__all__ = ["Colorizer"]


def __getattr__(name: str) -> Any:
    """Import Colorizer where it is used, so that `--help` answers at once."""
    if name != "Colorizer":
        raise AttributeError(f"module 'colornet' has no attribute {name!r}")
    from colornet.coloring.colorizer import Colorizer

    return Colorizer
