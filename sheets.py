"""Contact sheets: pictures in rows and columns on one image, with captions."""

from PIL import Image, ImageDraw

MARGIN = 4
CAPTION = 14  # pixels of height for a line of text


def sheet(rows, tile, captions=None, title=None):
    """Lay pictures out.

    Args:
        rows: lists of uint8 arrays (height, width, 3); each is fitted into a tile x tile square.
        tile: pixels.
        captions: a text under each row, or None.
        title: a text above, or None.

    Returns:
        A PIL image.
    """
    columns = max((len(row) for row in rows), default=1)
    step = tile + MARGIN + (CAPTION if captions else 0)
    top = MARGIN + (CAPTION if title else 0)
    canvas = Image.new("RGB", (MARGIN + columns * (tile + MARGIN), top + len(rows) * step), "white")
    draw = ImageDraw.Draw(canvas)
    if title:
        draw.text((MARGIN, 1), title, fill="black")
    for y, row in enumerate(rows):
        for x, pixels in enumerate(row):
            image = Image.fromarray(pixels)
            scale = tile / max(image.size)
            size = [max(1, round(side * scale)) for side in image.size]
            canvas.paste(
                image.resize(size, Image.Resampling.BICUBIC),
                (MARGIN + x * (tile + MARGIN), top + y * step),
            )
        if captions:
            draw.text((MARGIN, top + y * step + tile), captions[y], fill="black")
    return canvas
