"""Contact sheets: pictures in rows and columns on one image, with captions."""

import os
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import ExifTags, Image, ImageDraw

from colornet.errors import UserError
from colornet.files import check_output, printable
from colornet.pictures.saving import save_image

MARGIN = 4
CAPTION = 14  # pixels of height for a line of text
ENDINGS = (".png", ".jpg", ".jpeg")  # of files of sheets
MARK = "colornet contact sheet"  # EXIF's Software in them, by which a later run knows its own


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


def save(image: Image.Image, path: str) -> None:
    """Save a sheet, with the mark that `check` looks for; raises OSError."""
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = MARK
    save_image(image, path, exif=exif)


def check(option: str, path: str) -> None:
    """Look at where a sheet is to be saved, before the work for it is done.

    Args:
        option: that gave the path, for the message.

    Raises:
        UserError: it cannot be saved, or a file that is no sheet would be replaced.
    """
    if os.path.splitext(path)[1].lower() not in ENDINGS:
        raise UserError(f"{option}: expected a name ending in .png or .jpg, got {printable(path)}")
    check_output(option, path, _is_sheet)


def _is_sheet(path: str) -> bool:
    try:
        with Image.open(path, formats=["PNG", "JPEG"]) as image:
            return image.getexif().get(ExifTags.Base.Software) == MARK
    except Exception:  # Pillow raises nearly anything on damaged bytes
        return False


def _fitted(pixels: np.ndarray, tile: int) -> Image.Image:
    image = Image.fromarray(pixels)
    scale = tile / max(image.size)
    size = [max(1, round(side * scale)) for side in image.size]
    return image.resize(size, Image.Resampling.BICUBIC)
