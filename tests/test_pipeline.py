"""From photographs to records, weights, coloured pictures and figures, by the scripts' own main."""

import json

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab
from skimage.io import imread
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import input_create
import model_evaluate
import model_train
import model_transform
from colornet.pictures import colorspace, opening


def _photograph(kind, generator):
    """A picture whose colour follows from what it shows: bright stripes blue, dark blobs green."""
    lightness = generator.uniform(20, 40, (80, 80)).astype(np.float32)
    if kind == "stripes":
        lightness = lightness + 40 * (np.arange(80) // 8 % 2)[:, None]
    ab = {"stripes": (10, -35), "blobs": (-35, 30)}[kind]
    return colorspace.lab_to_rgb(lightness, np.broadcast_to(np.float32(ab), (80, 80, 2)) * 1.0)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with photographs, records and a trained run."""
    folder = tmp_path_factory.mktemp("pipeline")
    generator = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 4)):
        for kind in ("stripes", "blobs"):
            (folder / split / kind).mkdir(parents=True)
            for number in range(count):
                # Little colour variance is what these have, so one corner gets another colour.
                pixels = _photograph(kind, generator)
                pixels[:20, :20] = (200, 60, 40)
                Image.fromarray(pixels).save(folder / split / kind / f"{number}.png")
    assert (
        input_create.main(
            [
                "--images",
                f"{folder}/train",
                "--val-images",
                f"{folder}/val",
                "--records",
                f"{folder}/records",
                "--workers",
                "2",
                "--preset",
                "smoke",
                "--set",
                "picture_size=40",
            ]
        )
        == 0
    )
    assert (
        model_train.main(
            [
                "--records",
                f"{folder}/records",
                "--run-dir",
                f"{folder}/run",
                "--preset",
                "smoke",
                "--set",
                "crop_size=32",
                "--set",
                "steps=40",
                "--set",
                "validate_every=40",
            ]
        )
        == 0
    )
    return folder


@pytest.fixture(scope="module")
def colored(work):
    """The folder of the validation photographs as the run colours them."""
    command = [f"{work}/val", "-o", f"{work}/colored", "--model", f"{work}/run"]
    assert model_transform.main(command) == 0
    return work / "colored"


def test_training_beats_gray_and_knows_the_classes(work):
    rows = [json.loads(line) for line in (work / "run" / "metrics.jsonl").open()]
    last = [row for row in rows if "val_rmse_ab" in row][-1]
    gray = []
    for path in (work / "val").rglob("*.png"):
        lab = colorspace.rgb_to_lab(opening.open_picture(path).pixels)
        gray.append(np.square(lab[..., 1:]).mean())
    assert last["step"] == 40
    assert last["val_rmse_ab"] < 0.7 * np.mean(gray) ** 0.5
    assert last["val_top1"] >= 0.75


def test_colored_pictures_have_the_colors(colored):
    ab = {}
    for kind in ("stripes", "blobs"):
        pixels = opening.open_picture(colored / kind / "0.png").pixels
        assert pixels.shape == (80, 80, 3)
        ab[kind] = colorspace.rgb_to_lab(pixels)[30:, 30:, 1:].mean(axis=(0, 1))
    assert ab["stripes"][1] < -5 < 5 < ab["blobs"][1]


def test_evaluation_agrees(work, colored):
    """Its figures are those that scikit-image has of the pictures that were written."""
    report, sheet = work / "report.json", work / "sheet.png"
    command = [f"{work}/val", "--model", f"{work}/run"]
    assert model_evaluate.main([*command, "--report", str(report), "--sheet", str(sheet)]) == 0
    assert Image.open(sheet).width > 100
    rows = []
    for path in (work / "val").rglob("*.png"):
        truth, picture = imread(path), imread(colored / path.relative_to(work / "val"))
        off = (rgb2lab(picture) - rgb2lab(truth))[..., 1:]
        rows.append(
            (
                np.square(off).mean(),
                peak_signal_noise_ratio(truth, picture),
                structural_similarity(truth, picture, channel_axis=-1),
                1 - np.minimum(np.hypot(*off.T), 150).mean() / 150,
            )
        )
    square, *means = np.mean(rows, axis=0)
    found = json.loads(report.read_text())["sets"][0]["figures"]["model"]
    for name, wanted in zip(("rmse_ab", "psnr", "ssim", "auc"), (square**0.5, *means)):
        assert found[name]["value"] == pytest.approx(wanted, rel=1e-3), name
