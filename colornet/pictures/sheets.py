"""Contact sheets: pictures in rows and columns on one image, with captions."""

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw

MARGIN = 4
CAPTION = 14  # pixels of height for a line of text


def sheet(
    rows: Iterable[Iterable[np.ndarray]],
    tile: int,
    captions: Sequence[str] | None = None,
    title: str | None = None,
) -> Image.Image:
    """Lay pictures out.

    Args:
        rows: lists of uint8 arrays (height, width, 3); each is fitted into a tile x tile square.
        tile: pixels.
        captions: a text under each row, or None.
        title: a text above, or None.

    Returns:
        A PIL image.
    """
    fitted = [[_fitted(pixels, tile) for pixels in row] for row in rows]
    caption = CAPTION if captions else 0
    heights = [max((image.height for image in row), default=0) + MARGIN + caption for row in fitted]
    columns = max((len(row) for row in fitted), default=1)
    top = MARGIN + (CAPTION if title else 0)
    canvas = Image.new("RGB", (MARGIN + columns * (tile + MARGIN), top + sum(heights)), "white")
    draw = ImageDraw.Draw(canvas)
    if title:
        draw.text((MARGIN, 1), title, fill="black")
    for number, (row, height) in enumerate(zip(fitted, heights)):
        for x, image in enumerate(row):
            canvas.paste(image, (MARGIN + x * (tile + MARGIN), top))
        if captions:
            draw.text((MARGIN, top + height - MARGIN - CAPTION), captions[number], fill="black")
        top += height
    return canvas


def _fitted(pixels: np.ndarray, tile: int) -> Image.Image:
    image = Image.fromarray(pixels)
    scale = tile / max(image.size)
    size = [max(1, round(side * scale)) for side in image.size]
    return image.resize(size, Image.Resampling.BICUBIC)
