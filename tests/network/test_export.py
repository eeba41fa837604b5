"""Exported networks: they compute what TensorFlow's do, and are used only where they are sound."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import model_export
import tiny
from colornet.config import read_config
from colornet.errors import UserError
from colornet.network import litert_file
from colornet.network.engines import load_engine

SIZES = [(8, 8), (225, 301), (64, 512), (3000, 40)]


def luminance(*shape):
    return np.random.default_rng(0).random((*shape, 1), np.float32)


@pytest.fixture(scope="module")
def engines(exported_network):
    """The engines of the 8-bit export and of its weights."""
    return [load_engine(exported_network, name) for name in ("auto", "tensorflow")]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """LiteRT and TensorFlow of a network without global features and classes, in float32."""
    folder = tiny.save_network(
        tmp_path_factory.mktemp("plain"), "use_classification=false", "use_global_features=false"
    )
    assert model_export.main([folder, f"{folder}/best.tflite", "--kind", "float32"]) == 0
    return [load_engine(folder, name) for name in ("litert", "tensorflow")]


@pytest.fixture
def run(exported_network, tmp_path):
    """A copy of the exported network's run folder, to spoil."""
    return shutil.copytree(exported_network, tmp_path / "run")


def test_names_say_what_computes(engines, exported_network):
    assert [engine.name for engine in engines] == ["litert int8", "tensorflow float32"]
    assert engines[0].source == os.path.join(exported_network, "best.tflite")


@pytest.mark.parametrize("size", SIZES)
def test_8_bits_are_near_the_network(engines, size):
    """For one picture as for three; noise through random weights is harder than photographs."""
    whole, local = luminance(3, 32, 32), luminance(3, *size)
    (features, probabilities), (expected, shares) = (each.describe(whole) for each in engines)
    np.testing.assert_allclose(features, expected, atol=0.03 * np.abs(expected).max())
    np.testing.assert_allclose(probabilities, shares, atol=0.03)
    exact = engines[1].color(local, expected)
    assert exact.std() > 0.01
    all_three = engines[0].color(local, features)
    assert np.abs(all_three - exact).mean() < 0.004 and np.abs(all_three - exact).max() < 0.05
    np.testing.assert_allclose(engines[0].color(local[:1], features[:1]), all_three[:1], atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_float32_is_the_network_also_without_global_features(plain, size):
    ours, theirs = plain
    assert ours.describe(luminance(1, 32, 32)) == (None, None)
    local = luminance(2, *size)
    expected = theirs.color(local, None)
    np.testing.assert_allclose(ours.color(local, None), expected, atol=1e-5)
    assert expected.shape == (2, (size[0] + 1) // 2, (size[1] + 1) // 2, 2)


def test_threads_share_an_engine(engines):
    """Pictures of many sizes at once come out as one after the other."""
    import concurrent.futures

    engine, (features, _) = engines[0], engines[0].describe(luminance(1, 32, 32))
    pictures = [luminance(1, 16 + 8 * (number % 5), 40) for number in range(20)]
    alone = [engine.color(picture, features) for picture in pictures]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda picture: engine.color(picture, features), pictures)
        for one, other in zip(alone, together):
            np.testing.assert_array_equal(one, other)


def test_nothing_imports_tensorflow(exported_network):
    code = f"""
import sys
import numpy
from colornet.network.engines import load_engine

engine = load_engine({exported_network!r})
features, _ = engine.describe(numpy.zeros((1, 32, 32, 1), numpy.float32))
engine.color(numpy.zeros((1, 40, 30, 1), numpy.float32), features)
print(engine.name, {{"tensorflow", "keras", "h5py"}} & set(sys.modules))
"""
    root = os.path.dirname(model_export.__file__)
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "litert int8 set()\n"


# --- The page ---


def test_the_page_gets_a_network_of_fixed_shapes_and_its_recipe(exported_network, tmp_path):
    assert model_export.main([exported_network, f"{tmp_path}/web", "--kind", "web"]) == 0
    recipe = json.loads((tmp_path / "web" / "settings.json").read_text())
    assert recipe["working_size"] == 48 and recipe["class_names"] == list(tiny.CLASSES)
    content = gzip.decompress((tmp_path / "web" / "network.tflite.gz").read_bytes())
    interpreter = Interpreter(model_content=content)
    assert {"describe", "color", "color_19x48", "color_48x19", "color_1x1"} <= set(
        interpreter.get_signature_list()
    )
    engine, whole, local = load_engine(exported_network), luminance(1, 32, 32), luminance(1, 19, 48)
    features, _ = engine.describe(whole)
    color = interpreter.get_signature_runner("color_19x48")
    found = color(luminance=local, global_features=features)["chrominance"]
    np.testing.assert_allclose(found, engine.color(local, features), atol=1e-5)


def test_the_page_cannot_use_a_network_that_takes_any_size(plain, tmp_path, capsys):
    folder = os.path.dirname(plain[0].source)
    assert model_export.main([folder, f"{tmp_path}/web", "--kind", "web"]) == 2
    assert "working size and global features" in capsys.readouterr().err


# --- Which engine -------------------------------------------------------------------------------


def test_settings_beside_an_export_count(run):
    settings = run / "config.json"
    settings.write_text(settings.read_text().replace('"chroma": 1.0', '"chroma": 1.5'))
    engine = load_engine(run)
    assert (engine.name, engine.config.chroma) == ("litert int8", 1.5)


def test_an_exported_file_is_enough(run, tmp_path):
    alone = (run / "best.tflite").rename(tmp_path / "alone.tflite")
    shutil.rmtree(run)
    engine = load_engine(alone)
    assert engine.config.class_names == tiny.CLASSES
    assert engine.describe(luminance(1, 32, 32))[1].shape == (1, 3)
    with pytest.raises(UserError, match="LiteRT alone"):
        load_engine(alone, "tensorflow")


def _other_weights(run):
    with open(run / "best.weights.h5", "ab") as file:
        file.write(b" ")


def _other_network(run):
    settings = run / "config.json"
    settings.write_text(settings.read_text().replace('"width": 0.125', '"width": 0.25'))


def _other_setting(name, value):
    def change(run):
        found = json.loads((run / "config.json").read_text())
        found["settings"][name] = value
        (run / "config.json").write_text(json.dumps(found))

    return change


def _cut(run):
    content = (run / "best.tflite").read_bytes()
    (run / "best.tflite").write_bytes(content[: len(content) // 2])


def _flip(run):
    content = bytearray((run / "best.tflite").read_bytes())
    content[len(content) // 2] ^= 1
    (run / "best.tflite").write_bytes(content)


def _foreign(run):
    (run / "best.tflite").write_text("no network")


def _bare(run):
    """A LiteRT file without what model_export.py puts behind it."""
    content = (run / "best.tflite").read_bytes()
    (run / "best.tflite").write_bytes(content[: content.index(b"PK\x03\x04")])


def _no_model(run):
    """Sound but for the model, whose checksum is right."""
    files = run / "best.weights.h5", run / "config.json"
    litert_file.write_export(run / "best.tflite", b"not a model" * 9, "int8", *files)


@pytest.mark.parametrize(
    "spoil, says",
    [
        (_other_weights, "not made of"),
        (_other_network, "not made of"),
        (_other_setting("normalization_epsilon", 0.5), "not made of"),
        (_other_setting("stretching", True), "not made of"),
        (_cut, "cannot read it"),
        (_flip, "damaged"),
        (_foreign, "cannot read it"),
        (_bare, "cannot read it"),
        (_no_model, "cannot use it"),
    ],
)
def test_stale_and_damaged_exports_are_named_and_not_used(run, capsys, spoil, says):
    spoil(run)
    with pytest.raises(UserError, match=says) as error:
        load_engine(run, "litert")
    assert "\n" not in str(error.value) and "best.tflite" in str(error.value)
    if spoil is _other_network:
        return  # its settings do not fit the weights either
    assert load_engine(run).name == "tensorflow float32"
    assert says in capsys.readouterr().err


def test_what_asks_for_tensorflow_gets_it(run, monkeypatch):
    assert load_engine(run, precision="bfloat16").name == "tensorflow bfloat16"
    with pytest.raises(UserError, match="--kind"):
        load_engine(run, "litert", "bfloat16")
    (run / "best.tflite").unlink()
    assert load_engine(run).name == "tensorflow float32"
    with pytest.raises(UserError, match="model_export.py"):
        load_engine(run, "litert")


# --- Files --------------------------------------------------------------------------------------


def test_the_settings_are_in_the_file(exported_network):
    with zipfile.ZipFile(os.path.join(exported_network, "best.tflite")) as archive:
        with open(os.path.join(exported_network, "config.json"), "rb") as file:
            assert archive.read("config.json") == file.read()


def test_saved_model_has_signatures_that_compute_the_same(run, engines, tmp_path):
    assert model_export.main([str(run), str(tmp_path / "served"), "--kind", "saved_model"]) == 0
    assert read_config(tmp_path / "served/assets.extra/config.json") == engines[1].config
    served = tf.saved_model.load(tmp_path / "served").signatures
    whole, local = luminance(2, 32, 32), luminance(2, 50, 70)
    features, probabilities = engines[1].describe(whole)
    described = served["describe"](luminance=tf.constant(whole))
    np.testing.assert_allclose(described["global_features"], features, atol=1e-5)
    np.testing.assert_allclose(described["probabilities"], probabilities, atol=1e-5)
    colored = served["color"](luminance=tf.constant(local), global_features=tf.constant(features))
    np.testing.assert_allclose(colored["chrominance"], engines[1].color(local, features), atol=1e-5)


def test_weights_of_half_the_size_compute_the_same(run, engines, tmp_path):
    half = tmp_path / "half"
    assert model_export.main([str(run), str(half), "--kind", "weights"]) == 0
    sizes = [(folder / "best.weights.h5").stat().st_size for folder in (half, run)]
    assert sizes[0] < 0.8 * sizes[1]
    whole, local = luminance(1, 32, 32), luminance(1, 50, 70)
    engine = load_engine(half)
    np.testing.assert_allclose(
        engine.color(local, engine.describe(whole)[0]),
        engines[1].color(local, engines[1].describe(whole)[0]),
        atol=2e-3,
    )


@pytest.mark.parametrize("kind", ["saved_model", "weights", "float32"])
def test_a_full_disk_is_one_line_and_leaves_nothing(run, tmp_path, capsys, full_disk, kind):
    made = tmp_path / "made.tflite"  # for a folder, a name as any other
    with full_disk(2000):
        code = model_export.main([str(run), str(made), "--kind", kind])
    error = capsys.readouterr().err
    assert code == 2 and error.startswith(f"error: {made}: cannot write it: ")
    assert error.count("\n") == 1 and "arge" in error  # "File too large"
    assert os.listdir(tmp_path) == ["run"]


def test_another_backend_is_refused(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert model_export.main([str(run), str(tmp_path / "made.tflite")]) == 2
    assert "KERAS_BACKEND=jax: expected tensorflow" in capsys.readouterr().err


def test_nothing_is_written_that_fails(run, tmp_path, capsys):
    assert model_export.main([str(tmp_path), str(tmp_path / "out.tflite")]) == 2
    assert model_export.main([str(run), str(run / "config.json" / "out.tflite")]) == 2
    assert model_export.main([str(run), str(run), "--kind", "saved_model"]) == 2
    # Nor what was trained.
    before = {path: path.read_bytes() for path in run.iterdir()}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "last.weights.h5").write_text("of another run")
    for target, *kind in (
        (run / "best.weights.h5",),
        (run / "config.json", "--kind", "float16"),
        (run, "--kind", "weights"),
        (tmp_path / "other", "--kind", "weights"),
    ):
        assert model_export.main([str(run), str(target), *kind]) == 2
    assert before == {path: path.read_bytes() for path in run.iterdir()}
    assert os.listdir(tmp_path / "other") == ["last.weights.h5"]
    shutil.rmtree(tmp_path / "other")
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 7 and all(line.startswith("error: ") for line in errors)
    assert sorted(os.listdir(run)) == ["best.tflite", "best.weights.h5", "config.json"]
    assert os.listdir(tmp_path) == ["run"]
