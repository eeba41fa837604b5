"""Photographs for the page's tests: scikit-image's, and others made of them."""

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageOps

SAMPLES = ("astronaut", "coffee", "chelsea", "rocket", "camera")
MADE = (
    "portrait.jpg", "landscape.webp", "one.png", "large.jpg", "deep.png", "transparent.png",
    "turned.jpg", "wide.png", "mounted.png", "captioned.png",
)  # fmt: skip
ORIENTATION, MODEL = 0x0112, 0x0110
CAMERA = "Kodak Brownie"


def write_photographs(folder: Path) -> None:
    """Write SAMPLES as PNG, and MADE, into a folder."""
    for name in SAMPLES:
        _sample(name).save(folder / f"{name}.png")
    for name in MADE:
        image, options = globals()[f"_{name.partition('.')[0]}"]()
        image.save(folder / name, **options)


def _sample(name: str) -> Image.Image:
    return Image.fromarray(getattr(skimage.data, name)())


def _portrait():
    return ImageOps.grayscale(_sample("coffee").rotate(90, expand=True)), {"quality": 92}


def _landscape():
    return _sample("chelsea").resize((768, 512)), {"lossless": True}


def _one():
    return Image.new("RGB", (1, 1), (120, 90, 200)), {}


def _large():
    exif = Image.Exif()
    exif[MODEL] = CAMERA
    image = ImageOps.grayscale(_sample("rocket")).resize((6000, 4000), Image.Resampling.BICUBIC)
    return image, {"quality": 90, "exif": exif}


def _deep():
    gray = np.asarray(_sample("camera"), np.float64)
    slope = np.linspace(0, 200, gray.size).reshape(gray.shape)
    return Image.fromarray((gray * 256 + slope).astype(np.uint16)), {}


def _transparent():
    image = _sample("astronaut").convert("RGBA")
    alpha = np.tile(np.linspace(0, 255, image.width).astype(np.uint8), (image.height, 1))
    image.putalpha(Image.fromarray(alpha))
    return image, {}


def _turned():
    exif = Image.Exif()
    exif[ORIENTATION], exif[MODEL] = 6, CAMERA
    return _sample("astronaut").crop((0, 0, 512, 400)), {
        "exif": exif,
        "quality": 95,
        "subsampling": 0,
    }


def _wide():
    return _sample("rocket").crop((0, 200, 640, 328)).resize((1500, 300)), {}


def _mounted():
    picture = ImageOps.grayscale(_sample("coffee"))
    paper = np.random.default_rng(0).normal(225, 1.5, (picture.height + 90, picture.width + 120))
    image = Image.fromarray(paper.astype(np.uint8))
    image.paste(picture, (60, 45))
    return image, {}


def _captioned():
    """In a mount with a scanner's dark rim, a ruled line, and writing."""
    image, _ = _mounted()
    width, height = image.size
    drawing = ImageDraw.Draw(image)
    drawing.rectangle((52, 37, width - 53, height - 38), outline=90)
    drawing.text((250, height - 28), "Grandmother, 1931", fill=60)
    drawing.line((0, 0, width, 0), fill=30, width=3)
    return image, {}
