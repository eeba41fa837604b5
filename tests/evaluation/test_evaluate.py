"""model_evaluate.py from photographs to table, report and sheet, with tiny random networks."""

import contextlib
import dataclasses
import json
import os
import shutil
import signal

import numpy as np
import pytest
import skimage.data
from PIL import Image

import input_create
import model_evaluate
import tiny
from build_model import build_model
from colornet.config import read_config, save_config
from colornet.errors import UserError
from colornet.evaluation import contact_sheet, evaluating, metrics, report
from colornet.evaluation.evaluator import Evaluator, Photograph
from colornet.evaluation.photograph_sets import find_sets
from colornet.network.vocabulary import BEST_WEIGHTS, CONFIG
from colornet.network.weights_files import save_weights
from colornet.pictures import colorspace, sheets
from presets import load_config

COLORFUL = ("ciede2000", "colorfulness", "colorfulness_absolute")
CLASSES = ("coffee", "people", "sky")


def make_model(folder, **changes):
    """A random network in a run folder; its first class is what it sees everywhere."""
    config = dataclasses.replace(
        load_config("smoke", ["width=0.0625", "crop_size=32", "working_size=48"]),
        class_names=CLASSES,
        num_classes=3,
        mean_color=(2.0, 8.0),
        **changes,
    )
    model = build_model(config)
    for variable in model.weights:
        if variable.path.endswith("bias") and variable.shape == (3,):
            variable.assign([50.0, 0.0, 25.0])
    folder.mkdir()
    save_weights(model, folder / BEST_WEIGHTS)
    save_config(config, folder / CONFIG)
    return str(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = make_model(tmp_path_factory.mktemp("models") / "tiny")
    with tiny.engine_made_once(folder):
        yield folder


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """coffee/ and people/ with scenes, others/ without; 8 pictures of four shapes."""
    folder = tmp_path_factory.mktemp("photographs")
    coffee, face = skimage.data.coffee(), skimage.data.astronaut()
    pictures = {
        "coffee/a.png": coffee[100:160, 200:280],
        "coffee/b.jpg": coffee[:64, :64],
        "coffee/c.png": coffee[200:264, 300:364],
        "people/d.png": face[60:140, 180:260],
        "people/e.png": face[:33, :47],
        "others/f.png": skimage.data.chelsea()[80:150, 90:190],
        "others/g.png": face[200:280, 100:180],
        "others/h.webp": coffee[300:380, 100:180],
    }
    for name, pixels in pictures.items():
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / name)
    return folder


def evaluated(arguments, tmp_path):
    """(exit code, report) of the script."""
    report = tmp_path / "report.json"
    code = model_evaluate.main([*map(str, arguments), "--report", str(report)])
    return code, json.loads(report.read_text())


def save_empty_sheet(path):
    sheets.save(sheets.sheet([[np.zeros((9, 9, 3), np.uint8)]], 9), path)


def test_report_holds_every_measure_of_model_and_baselines(model, photographs, tmp_path, capsys):
    code, report = evaluated([photographs, "--model", model], tmp_path)
    assert code == 0
    (settings,) = report["models"]
    assert settings == {
        "name": "model",
        "path": "tiny",
        "weights": "best.weights.h5",
        "engine": "tensorflow float32",
        "working_size": 48,
        "chroma": 1.0,
    }
    assert report["resolution"] == "full" and report["mean_color"] == [2.0, 8.0]
    (whole,) = report["sets"]
    assert (whole["pictures"], whole["failed"], whole["with_scene"]) == (8, 0, 5)
    figures = whole["figures"]
    common = {"rmse_ab", "psnr", "ssim", "auc", *COLORFUL}
    assert set(figures["model"]) == common | {"top1", "top5"}
    assert set(figures["gray"]) == set(figures["mean_color"]) == common
    assert figures["gray"]["colorfulness"]["value"] < 0.5  # 8-bit rounding leaves a trace
    assert figures["mean_color"]["colorfulness"]["value"] > 2
    assert figures["gray"]["ssim"]["value"] > 0.8  # its luminance is that of the truth
    assert all(
        figure["standard_error"] > 0
        for figure in figures["model"].values()
        if figure is not figures["model"]["top5"]
    )
    assert "±" not in capsys.readouterr().out


def test_figures_are_those_of_the_pictures(model, photographs, tmp_path):
    _, report = evaluated([photographs / "others", "--model", model], tmp_path)
    squares = []
    for name in ("f.png", "g.png", "h.webp"):
        lab = colorspace.rgb_to_lab(np.asarray(Image.open(photographs / "others" / name)))
        squares.append(np.square(lab[..., 1:], dtype=np.float64).mean())
    gray = report["sets"][0]["figures"]["gray"]["rmse_ab"]["value"]
    assert gray == pytest.approx(np.sqrt(np.mean(squares)), rel=2e-3)
    figures, compared = report["sets"][0]["figures"], report["sets"][0]["compared"]["model"]
    for name in ("gray", "mean_color"):
        above = figures["model"]["psnr"]["value"] - figures[name]["psnr"]["value"]
        assert compared[f"psnr_above_{name}"]["value"] == pytest.approx(above)
        ratio = figures["model"]["rmse_ab"]["value"] / figures[name]["rmse_ab"]["value"]
        assert compared[f"rmse_ab_to_{name}"]["value"] == pytest.approx(ratio)


def test_scenes_are_named_by_folders(model, photographs, tmp_path):
    _, report = evaluated(
        [photographs / "coffee", photographs / "people", photographs / "others", "--model", model],
        tmp_path,
    )
    coffee, people, others, together = report["sets"]
    top1 = [part["figures"]["model"].get("top1", {}).get("value") for part in report["sets"]]
    assert top1 == [1, 0, None, 0.6]
    assert coffee["name"].endswith("/coffee") and together["name"] == "all together"
    assert (people["with_scene"], others["with_scene"], together["with_scene"]) == (2, 0, 5)
    assert together["figures"]["model"]["top5"]["value"] == 1


def test_aged_photographs_change_the_network_s_colors_alone(model, photographs, tmp_path):
    arguments = [photographs / "others", "--model", model]
    _, fresh = evaluated(arguments, tmp_path)
    sheet = tmp_path / "sheet.png"
    (_, aged), (_, again) = (
        evaluated([*arguments, "--aged", "--sheet", sheet], tmp_path) for _ in range(2)
    )
    assert aged["aged"] and not fresh["aged"] and aged == again
    (aged,), (fresh,) = aged["sets"], fresh["sets"]
    assert aged["figures"]["model"] != fresh["figures"]["model"]
    for method in ("gray", "mean_color", "truth"):
        assert aged["figures"][method] == fresh["figures"][method]
    assert sheet.exists()


def test_without_chroma_the_model_is_gray(model, photographs, tmp_path):
    code, report = evaluated([photographs / "others", "--model", model, "--chroma", 0], tmp_path)
    (others,) = report["sets"]
    assert code == 0 and others["figures"]["model"] == others["figures"]["gray"]
    assert others["compared"]["model"]["rmse_ab_to_gray"] == {"value": 1, "standard_error": 0}
    assert others["compared"]["model"]["psnr_above_gray"] == {"value": 0, "standard_error": 0}
    assert others["compared"]["model"]["colorfulness_to_truth"]["value"] < 0.05


def test_resolution_and_limit(model, photographs, tmp_path):
    arguments = [
        photographs,
        "--model",
        model,
        "--resolution",
        32,
        "--working-size",
        "full",
        "--limit",
        5,
    ]
    (first,), (again,) = (evaluated(arguments, tmp_path)[1]["sets"] for _ in range(2))
    assert first == again and first["pictures"] == 5
    truth, _ = Evaluator({}, resolution=32).open(str(photographs / "others" / "f.png"))
    assert truth.shape == (32, 32, 3)


def test_center_crop_comes_before_the_resolution(photographs):
    path = photographs / "coffee" / "a.png"  # 80 x 60
    square = np.asarray(Image.open(path))[:, 10:70]
    assert (Evaluator({}, crop=True).open(str(path))[0] == square).all()
    truth, _ = Evaluator({}, crop=True, resolution=32).open(str(path))
    small = Image.fromarray(square).resize((32, 32), Image.Resampling.BICUBIC)
    assert (truth == np.asarray(small)).all()


def test_only_listed_names_are_measured(photographs, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("somewhere/a.JPEG 12\nh\n\ng.png\n")
    sets = find_sets([str(photographs / name) for name in ("coffee", "others")], only=str(names))
    assert [[os.path.basename(path) for path in paths] for paths in sets.values()] == [
        ["a.png"],
        ["g.png", "h.webp"],
    ]
    with pytest.raises(UserError, match="missing are 1, such as a"):
        find_sets([str(photographs / "others")], only=str(names))
    with pytest.raises(UserError, match="expected a list of names"):
        find_sets([str(photographs)], only=str(tmp_path))


def test_what_was_measured_is_saved_pixel_for_pixel(model, photographs, tmp_path, capsys):
    saved, command = tmp_path / "saved", [photographs, "--model", model, "--resolution", 40]
    command += ["--save-colored", saved]
    _, report = evaluated(command, tmp_path)
    assert {folder.name for folder in saved.iterdir()} == {"model", "gray", "mean_color", "truth"}
    truths = sorted((saved / "truth").iterdir())
    assert [path.name for path in truths] == [f"{name}.png" for name in "abcdefgh"]
    squares = [
        metrics.ab_squared_error(
            *(metrics.lab_of(np.asarray(Image.open(saved / method / path.name)))[..., 1:]
              for method in ("model", "truth"))
        )
        for path in truths
    ]  # fmt: skip
    error = report["sets"][0]["figures"]["model"]["rmse_ab"]["value"]
    assert error == pytest.approx(np.mean(squares) ** 0.5)
    assert model_evaluate.main(list(map(str, command))) == 2
    assert "expected an empty folder" in capsys.readouterr().err


def warm_and_cold(luminance):
    """A simple colorizer: bright is bluish, dark is brownish."""
    rgb = luminance[..., None] + (luminance[..., None] / 255 - 0.5) * [-60, 0, 60]
    return np.clip(rgb, 0, 255).astype(np.uint8)


def test_pictures_of_other_programs_are_measured_beside_the_network(
    model, photographs, tmp_path, capsys
):
    """The mean color, as another program's outputs, and those of a simple colorizer."""
    command = [photographs, "--model", model, "--resolution", 40]
    evaluated([*command, "--save-colored", tmp_path / "saved"], tmp_path)
    (tmp_path / "simple" / "below").mkdir(parents=True)
    for path in (tmp_path / "saved" / "truth").iterdir():
        colored = warm_and_cold(np.asarray(Image.open(path).convert("L"), np.float64))
        Image.fromarray(colored).save(tmp_path / "simple" / "below" / f"{path.stem}.bmp")
    command += ["--colored", f"mean={tmp_path / 'saved' / 'mean_color'}"]
    command += ["--colored", f"simple={tmp_path / 'simple'}"]
    sheet = tmp_path / "sheet.png"
    code, report = evaluated([*command, "--sheet", sheet], tmp_path)
    assert code == 0 and report["colored"] == ["mean", "simple"]
    (whole,) = report["sets"]
    assert list(whole["figures"]) == ["model", "mean", "simple", "gray", "mean_color", "truth"]
    assert whole["figures"]["mean"] == whole["figures"]["mean_color"]
    assert set(whole["compared"]) == {"model", "mean", "simple"}
    assert set(whole["differences"]) == {"mean", "simple"}
    difference = whole["differences"]["simple"]["ciede2000"]
    ours, simple = (whole["figures"][name]["ciede2000"]["value"] for name in ("model", "simple"))
    assert difference["value"] == pytest.approx(simple - ours) and difference["standard_error"] > 0
    assert "simple - model" in capsys.readouterr().out
    assert Image.open(sheet).width > 5 * 192  # gray, model, both, truth
    (tmp_path / "simple" / "below" / "a.bmp").unlink()
    Image.new("RGB", (40, 41)).save(tmp_path / "simple" / "below" / "b.bmp")
    code, report = evaluated(command, tmp_path)
    assert code == 1 and report["sets"][0]["failed"] == 2 and report["sets"][0]["pictures"] == 6
    lines = capsys.readouterr().err.splitlines()
    assert any("a.png" in line and "simple has no picture called a" in line for line in lines)
    assert any("b.jpg" in line and "expected 40 x 40" in line for line in lines)


def test_differences_to_the_truths_colorfulness():
    """The mean of two differences of 10 and -4 is 3, of their sizes 7."""
    pictures = [
        {"model": made | {"ab_squared_error": 1.0, "psnr": 20.0}, "truth": true}
        for made, true in (
            ({"colorfulness": 30.0, "colorfulness_absolute": 25.0}, dict.fromkeys(COLORFUL, 20.0)),
            ({"colorfulness": 16.0, "colorfulness_absolute": 17.0}, dict.fromkeys(COLORFUL, 20.0)),
        )
    ]
    for each in pictures:
        each["gray"] = each["model"]
    compared = report.summarize([Photograph("x", each) for each in pictures])["compared"]["model"]
    assert compared["colorfulness_above_truth"].value == 3
    assert compared["colorfulness_off_truth"].value == 7
    assert compared["colorfulness_absolute_above_truth"].value == 1
    assert compared["colorfulness_absolute_off_truth"].value == 4


def test_limit_takes_the_same_pictures_whatever_other_sets_there_are(photographs):
    sets = [str(photographs / name) for name in ("coffee", "people", "others")]
    alone = [paths for part in sets for paths in find_sets([part], 2).values()]
    assert list(find_sets(sets, 2).values()) == alone
    assert list(find_sets(sets[::-1], 2).values()) == alone[::-1]


def test_what_is_left_out_of_a_set_is_counted(tmp_path, capsys):
    for name in ("a.jpg", "b.jxl", "c.txt", ".d.jpg", ".DS_Store"):
        (tmp_path / name).touch()
    (found,) = find_sets([str(tmp_path)]).values()
    assert found == [str(tmp_path / "a.jpg")]
    said = capsys.readouterr().out
    assert said == f"{tmp_path}: left out 1 hidden file, 1 JPEG XL, 1 other file\n"


def test_networks_are_compared_picture_by_picture(model, photographs, tmp_path, capsys):
    other, sheet = make_model(tmp_path / "other", chroma=0.0), tmp_path / "sheet.png"
    code, report = evaluated(
        [photographs, "--model", model, "--model", other, "--sheet", sheet], tmp_path
    )
    assert code == 0 and [each["name"] for each in report["models"]] == ["tiny", "other"]
    (whole,) = report["sets"]
    (differences,) = whole["differences"].values()
    for name, difference in differences.items():
        first, second = (whole["figures"][method][name] for method in ("tiny", "other"))
        assert difference["value"] == pytest.approx(second["value"] - first["value"])
    assert set(differences) == {"rmse_ab", "psnr", "ssim", "auc", *COLORFUL, "top1", "top5"}
    error = differences["rmse_ab"]["standard_error"]
    assert 0 < error < whole["figures"]["tiny"]["rmse_ab"]["standard_error"]  # they are paired
    assert set(whole["compared"]) == {"tiny", "other"}
    assert whole["compared"]["other"]["rmse_ab_to_gray"]["value"] == 1
    assert "  other - tiny  " in capsys.readouterr().out
    assert Image.open(sheet).width > 4 * 192  # gray, both, truth


def test_models_are_named_by_as_much_as_tells_them_apart(tmp_path):
    names = evaluating.model_names
    assert names(["runs/a"]) == {"model": "runs/a"}
    assert list(names(["runs/a", "runs/b"])) == ["a", "b"]
    assert list(names(["x/a", "y/a", "z/b"])) == ["x/a", "y/a", "z/b"]
    for baseline in ("gray", "mean color"):
        assert list(names([f"runs/{baseline}", "runs/a"])) == [f"runs/{baseline}", "runs/a"]
    with pytest.raises(UserError, match="expected different ones"):
        names(["runs/a", "runs/../runs/a"])


def test_scenes_are_counted_over_all_networks_and_by_each():
    plain = {
        "ab_squared_error": 1.0,
        "psnr": 20.0,
        "colorfulness": 5.0,
        "colorfulness_absolute": 4.0,
    }
    hit, baselines = plain | {"top1": 1.0}, {"gray": plain, "truth": plain}
    methods = [{"local": plain, "a": hit, "b": hit}, {"local": plain, "a": plain, "b": hit}]
    summary = report.summarize([Photograph("x", {**each, **baselines}) for each in methods])
    assert summary["with_scene"] == 2 and summary["scenes"] == {"local": 0, "a": 1, "b": 2}
    assert summary["shared_scenes"] == {"a": 0, "b": 0}
    text = report.table("set", summary)
    assert "2 with a scene" in text and "  a (1 with a scene)  " in text and "  b  " in text
    summary = report.summarize(
        [Photograph("x", {name: each[name] for name in "ab"} | baselines) for each in methods]
    )
    assert summary["shared_scenes"] == {"b": 1}
    assert "  b - a (1 with a scene)  " in report.table("set", summary)


def test_a_row_for_each_method_whatever_its_name():
    plain = {
        "ab_squared_error": 1.0,
        "psnr": 20.0,
        "colorfulness": 5.0,
        "colorfulness_absolute": 4.0,
    }
    names = ("a", "b", "b - a", "gray", "truth")
    table = report.table("set", report.summarize([Photograph("x", dict.fromkeys(names, plain))]))
    assert table.count("\n  b - a  ") == 2


def test_the_report_is_there_though_nobody_reads_the_tables(model, photographs, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    stream = open(writer, "w", buffering=1)
    with contextlib.redirect_stdout(stream):
        code = model_evaluate.main(
            [str(photographs / "coffee"), "--model", model, "--report", str(tmp_path / "r.json")]
        )
    with contextlib.suppress(BrokenPipeError):
        stream.close()
    assert code == 128 + signal.SIGPIPE
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["sets"][0]["pictures"] == 3


def test_sheet_shows_the_extremes_in_order(model, photographs, tmp_path):
    sheet = tmp_path / "sheet.png"
    arguments = [str(photographs), "--model", model, "--sheet", str(sheet)]
    assert model_evaluate.main(arguments) == 0
    width, height = Image.open(sheet).size
    tile = contact_sheet.TILE
    assert 3 * tile < width < 4 * tile
    assert 3 * tile < height < 7 * tile  # two each of worst, median and best, none upright


@pytest.mark.parametrize(
    "count, kinds",
    [
        (1, {"worst": 1}),
        (2, {"worst": 1, "best": 1}),
        (3, {"worst": 1, "median": 1, "best": 1}),
        (30, {"worst": 4, "median": 4, "best": 4}),
    ],
)
def test_extremes(count, kinds):
    measured = [
        Photograph(str(i), measures={"model": {"ab_squared_error": float(i)}})
        for i in np.random.default_rng(0).permutation(count)
    ]
    chosen = contact_sheet.extremes(measured, "model")
    assert {kind: [k for k, _ in chosen].count(kind) for kind, _ in chosen} == kinds
    errors = [photograph.measures["model"]["ab_squared_error"] for _, photograph in chosen]
    assert errors == sorted(errors, reverse=True) and len(set(errors)) == len(errors)
    assert errors[0] == count - 1 and errors[-1] == 0
    if count == 30:
        assert errors[4:8] == [16, 15, 14, 13]


def test_failures_are_named_and_counted(model, photographs, tmp_path, capsys):
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "torn.jpg").write_bytes((photographs / "coffee" / "b.jpg").read_bytes()[:500])
    Image.fromarray(skimage.data.camera()[:64, :64]).save(bad / "gray.png")
    Image.fromarray(skimage.data.coffee()[:5, :60]).save(bad / "flat.png")
    Image.fromarray(skimage.data.coffee()[:60, :60]).save(bad / "good.png")
    code, report = evaluated([bad, "--model", model], tmp_path)
    assert code == 1
    assert (report["sets"][0]["pictures"], report["sets"][0]["failed"]) == (1, 3)
    lines = [line for line in capsys.readouterr().err.splitlines() if str(bad) in line]
    assert len(lines) == 3
    for name, reason in (
        ("torn.jpg", "damaged"),
        ("gray.png", "grayscale"),
        ("flat.png", "too small"),
    ):
        assert any(name in line and reason in line for line in lines)


def test_an_unexpected_error_is_named(monkeypatch, capsys):
    photographs = [Photograph("a.jpg"), Photograph("b.jpg")]
    errors = zip(photographs, (None, None), (KeyError("key"), MemoryError()))
    monkeypatch.setattr(evaluating, "each_picture", lambda *_, **__: errors)
    evaluating._measure(photographs, Evaluator({}))
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["a.jpg: unexpected error, KeyError: 'key'", "b.jpg: not enough memory"]


def test_nothing_but_failures(model, tmp_path):
    (tmp_path / "note.png").write_text("no picture")
    code, report = evaluated(
        [tmp_path / "note.png", "--model", model, "--sheet", tmp_path / "sheet.png"], tmp_path
    )
    assert code == 1
    assert (report["sets"][0]["pictures"], report["sets"][0]["failed"]) == (0, 1)
    assert not (tmp_path / "sheet.png").exists()


def test_wrong_commands_say_what_was_expected(photographs, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for ending in ("png", "jpg"):
        (tmp_path / "twice" / ending).mkdir(parents=True)
        (tmp_path / "twice" / ending / f"a.{ending}").touch()
    for arguments, text in (
        ([tmp_path / "missing"], "no such file or folder"),
        ([tmp_path / "empty"], "expected pictures"),
        ([photographs, "--model", tmp_path / "empty"], "no such weights"),
        ([photographs, "--report", tmp_path / "missing" / "r.json"], "no such folder"),
        ([photographs, "--sheet", tmp_path / "sheet.txt"], "--sheet: expected"),
        ([photographs, "--colored", f"gray={photographs}"], "expected another name"),
        ([photographs, *2 * ["--colored", f"x={photographs}"]], "expected each name once"),
        ([photographs, "--colored", f"x={tmp_path / 'empty'}"], "expected pictures"),
        ([photographs, "--colored", f"x={tmp_path / 'twice'}"], "pictures of different names"),
    ):
        assert model_evaluate.main([*map(str, arguments)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert text in line


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        (["--sheet", "D/coffee/a.png", "--limit", "1"], "would replace a file"),
        (["--sheet", "link.png"], "would replace a file"),
        (["--report", "D/coffee/b.jpg"], "would replace a file"),
        (["--report", "MODEL/config.json"], "would replace a file"),
        (["--report", "x.png", "--sheet", "./x.png"], "the report has that name too"),
        (["--report", "D"], "--report D: expected the name of a file, this is a folder"),
        (["--report", "pipe"], "--report pipe: expected a file, this is a device or a pipe"),
        (["--sheet", "D/sheet.png"], "one of the pictures to measure"),
    ],
)
def test_no_output_replaces_what_no_earlier_run_wrote(
    model, photographs, tmp_path, monkeypatch, capsys, outputs, says
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(evaluating, "Colorizer", None)  # it is refused before any work
    shutil.copytree(photographs, "D")
    shutil.copytree(model, "MODEL")
    os.symlink("D/coffee/a.png", "link.png")
    os.mkfifo("pipe")
    save_empty_sheet("D/sheet.png")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert model_evaluate.main(["D", "--model", "MODEL", *outputs]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line and outputs[1] in line
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_report_and_sheet_of_an_earlier_run_are_replaced(tmp_path, ending):
    paths = {"report": str(tmp_path / "r.json"), "sheet": str(tmp_path / f"s.{ending}")}
    for _ in range(2):
        evaluating.check_outputs(paths["report"], paths["sheet"], None, [])
        settings = {"mean_color": None, "resolution": "full"}
        report.write_report(paths["report"], settings, {})
        save_empty_sheet(paths["sheet"])


def test_networks_without_scenes_or_mean_color(model, photographs, tmp_path, capsys, monkeypatch):
    folder = tmp_path / "local"
    local = make_model(folder, use_global_features=False, use_classification=False)
    settings = read_config(folder / CONFIG)
    save_config(dataclasses.replace(settings, mean_color=()), folder / CONFIG)
    code, figures = evaluated([photographs / "coffee", "--model", local], tmp_path)
    (coffee,) = figures["sets"]
    assert code == 0 and coffee["with_scene"] == 0
    assert set(coffee["figures"]) == {"model", "gray", "truth"}
    assert "mean color" in capsys.readouterr().out
    captions = []
    monkeypatch.setattr(sheets, "save", lambda sheet, path: None)
    monkeypatch.setattr(sheets, "sheet", lambda rows, tile, texts, title: captions.extend(texts))
    given = ["--mean-color", "-3", "10.5", "--model", model, "--sheet", tmp_path / "sheet.png"]
    _, figures = evaluated([photographs / "coffee", "--model", local, *given], tmp_path)
    assert figures["mean_color"] == [-3, 10.5] and "mean_color" in figures["sets"][0]["figures"]
    assert figures["sets"][0]["with_scene"] == 3
    assert captions and all(
        "; coffee 100%, " in text and text.endswith("; is coffee") for text in captions
    )


def test_records_tell_the_mean_color(photographs, tmp_path):
    records = tmp_path / "records"
    assert (
        input_create.main(
            [
                "--images",
                str(photographs),
                "--val-images",
                str(shutil.copytree(photographs, tmp_path / "val")),
                "--records",
                str(records),
                "--preset",
                "smoke",
                "--set",
                "picture_size=64",
                "--set",
                "shard_pictures=3",
                "--set",
                "min_chroma_deviation=0",
                "--set",
                "min_toning_deviation=0",
                "--workers",
                "1",
            ]
        )
        == 0
    )
    dataset = json.loads((records / "dataset.json").read_text())
    assert dataset["train"]["pictures"] == 8
    squares = [
        Image.open(path).convert("RGB").resize((64, 64), Image.Resampling.BICUBIC)
        for path in photographs.glob("*/*")
    ]
    expected = np.mean(
        [colorspace.rgb_to_lab(np.asarray(image))[..., 1:].mean(axis=(0, 1)) for image in squares],
        axis=0,
    )
    assert dataset["mean_color"] == pytest.approx(expected, abs=0.1)
