"""The network against the paper's table 1, written out here literally."""

import keras
import numpy as np
import pytest

import build_model as network
import tiny
from colornet.network.folding import fold
from colornet.network.model import split_paths
from colornet.network.table import layer_table
from colornet.network.vocabulary import NETWORKS
from presets import load_config

# (layer, kernel, stride, outputs, output shape), as printed in the paper for a 224 x 224 picture.
PAPER = {
    "low_level": [
        ("low_level_1", 3, 2, 64, (112, 112, 64)),
        ("low_level_2", 3, 1, 128, (112, 112, 128)),
        ("low_level_3", 3, 2, 128, (56, 56, 128)),
        ("low_level_4", 3, 1, 256, (56, 56, 256)),
        ("low_level_5", 3, 2, 256, (28, 28, 256)),
        ("low_level_6", 3, 1, 512, (28, 28, 512)),
    ],
    "global": [
        ("global_1", 3, 2, 512, (14, 14, 512)),
        ("global_2", 3, 1, 512, (14, 14, 512)),
        ("global_3", 3, 2, 512, (7, 7, 512)),
        ("global_4", 3, 1, 512, (7, 7, 512)),
        ("global_5", None, None, 1024, (1024,)),
        ("global_6", None, None, 512, (512,)),
        ("global_7", None, None, 256, (256,)),
    ],
    "mid_level": [
        ("mid_level_1", 3, 1, 512, (28, 28, 512)),
        ("mid_level_2", 3, 1, 256, (28, 28, 256)),
    ],
    # One 1 x 1 layer on [global; mid]: its two halves.
    "fusion": [
        ("fusion_global", None, None, 256, (256,)),
        ("fusion_mid", 1, 1, 256, (28, 28, 256)),
    ],
    "colorization": [
        ("colorization_1", 3, 1, 128, (28, 28, 128)),
        ("colorization_3", 3, 1, 64, (56, 56, 64)),
        ("colorization_4", 3, 1, 64, (56, 56, 64)),
        ("colorization_6", 3, 1, 32, (112, 112, 32)),
        ("colorization_chrominance", 3, 1, 2, (112, 112, 2)),
    ],
    "classification": [
        ("classification_1", None, None, 256, (256,)),
        ("classification_logits", None, None, 205, (205,)),
    ],
}
PARAMETERS = {
    "low_level": 2_288_832,
    "global": 35_790_336,
    "mid_level": 3_540_480,
    "fusion": 131_584,
    "colorization": 425_090,
    "classification": 184_269,
}


@pytest.fixture(scope="module")
def paper():
    config = load_config("paper")
    return network.build_model(config), config


@pytest.fixture(scope="module")
def small():
    config = load_config("paper", ["width=0.125", "crop_size=64", "num_classes=5"])
    model = network.build_model(config)
    tiny.randomize(model)
    return model, config


def _pictures(*shape):
    values = np.random.default_rng(1).uniform(size=shape).astype(np.float32)
    return keras.ops.convert_to_tensor(values)


def test_layers_are_the_papers(paper):
    table = layer_table(paper[0])
    assert {name: [row[:5] for row in rows] for name, rows in table.items()} == PAPER


def test_parameters_are_the_papers(paper):
    table = layer_table(paper[0])
    assert {name: sum(row[5] for row in rows) for name, rows in table.items()} == PARAMETERS
    model, _ = paper
    assert sum(int(np.prod(v.shape)) for v in model.trainable_variables) == 42_360_591


def test_every_convolution_is_followed_by_normalization_and_relu(paper):
    model, _ = paper
    for name, rows in PAPER.items():
        layers = {layer.name: layer for layer in model.get_layer(name).layers}
        normalized = [layer for layer in layers if layer.endswith("_norm")]
        without = {"colorization": 1, "classification": 1, "fusion": 1}  # output, logits, half
        assert len(normalized) == len(rows) - without.get(name, 0)
        for layer in normalized:
            assert layers[layer].momentum == 0.9
            assert layers[layer].epsilon == 1e-5
            assert layer.replace("_norm", "_relu") in layers


def test_colorization_doubles_by_nearest_neighbor_and_ends_in_a_sigmoid(paper):
    colorization = paper[0].get_layer("colorization")
    ups = [x for x in colorization.layers if isinstance(x, keras.layers.UpSampling2D)]
    assert [(up.size, up.interpolation) for up in ups] == [((2, 2), "nearest")] * 2
    last = colorization.get_layer("colorization_chrominance")
    assert last.use_bias and last.activation is keras.activations.sigmoid


def test_kernels_start_with_the_variance_of_he(paper):
    """2 / inputs before a ReLU, 1 / inputs before the sigmoid and the softmax."""
    for weights in paper[0].trainable_variables:
        name, part = weights.path.split("/")
        if part == "kernel":
            inputs = np.prod(weights.shape[:-1]) * (2 if name.startswith("fusion") else 1)
            scale = 1 if name.endswith(("chrominance", "logits")) else 2
            assert np.var(weights) * inputs == pytest.approx(scale, rel=0.2), name
        else:
            assert (np.asarray(weights) == (1 if part == "gamma" else 0)).all()


def test_print_table(paper, monkeypatch, capsys):
    model, config = paper
    monkeypatch.setattr(network, "build_model", {config: model}.__getitem__)  # takes seconds
    assert network.main(["--preset", "paper"]) == 0
    printed = capsys.readouterr().out
    assert printed.rstrip().endswith("42,360,591")
    for count in PARAMETERS.values():
        assert f"{count:,}" in printed


def test_names_are_unique(small):
    model, _ = small
    paths = [variable.path for variable in model.weights]
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("shape", [(224, 224), (225, 301), (64, 512), (8, 8)])
def test_any_size_gives_half_size(small, shape):
    model, config = small
    global_path, local_path = split_paths(model, config)
    features = global_path(_pictures(2, 64, 64, 1))["global_features"]
    chrominance = np.asarray(local_path([_pictures(2, *shape, 1), features]))
    assert chrominance.shape == (2, (shape[0] + 1) // 2, (shape[1] + 1) // 2, 2)
    assert chrominance.min() >= 0 and chrominance.max() <= 1
    assert chrominance.std() > 0


def test_two_paths_equal_the_shared_pass(small):
    model, config = small
    pictures = _pictures(3, 64, 64, 1)
    whole = model(pictures, training=False)
    global_path, local_path = split_paths(model, config)
    described = global_path(pictures)
    chrominance = local_path([pictures, described["global_features"]])
    np.testing.assert_allclose(chrominance, whole["chrominance"], atol=1e-6)
    probabilities = keras.ops.softmax(whole["logits"])
    np.testing.assert_allclose(described["probabilities"], probabilities, atol=1e-6)


def test_fusion_is_the_papers_formula(small):
    """ReLU(b + W [global; mid(u, v)]) at every (u, v), with the global vector copied to each."""
    model, _ = small
    fusion = model.get_layer("fusion")
    mid, features = _pictures(2, 5, 7, 32), _pictures(2, 32)
    tiled = np.broadcast_to(features[:, None, None], mid.shape)
    matrix = np.concatenate(
        [fusion.get_layer("fusion_global").kernel, fusion.get_layer("fusion_mid").kernel[0, 0]]
    )
    linear = np.concatenate([tiled, mid], axis=-1) @ matrix
    norm = fusion.get_layer("fusion_norm")
    expected = np.maximum(0, np.asarray(norm(linear, training=False)))
    np.testing.assert_allclose(fusion([mid, features]), expected, atol=1e-5)


def test_strided_convolutions_pad_symmetrically(small):
    """A picture turned by 180 degrees, kernels too, gives the turned features (odd sizes)."""
    model, _ = small
    low = model.get_layer("low_level")
    kernels = [v for v in low.trainable_variables if v.path.endswith("kernel")]
    picture = _pictures(1, 33, 41, 1)
    straight = np.asarray(low(picture, training=False))
    for kernel in kernels:
        kernel.assign(np.asarray(kernel)[::-1, ::-1])
    turned = np.asarray(low(picture[:, ::-1, ::-1], training=False))
    for kernel in kernels:
        kernel.assign(np.asarray(kernel)[::-1, ::-1])
    np.testing.assert_allclose(turned[:, ::-1, ::-1], straight, atol=1e-5)


def test_style_is_the_other_pictures_global_features(small):
    model, config = small
    global_path, local_path = split_paths(model, config)
    picture, other = _pictures(1, 64, 96, 1), _pictures(1, 64, 64, 1) ** 3
    own = global_path(picture[:, :, :64])["global_features"]
    style = global_path(other)["global_features"]
    assert (
        np.abs(np.asarray(local_path([picture, own])) - local_path([picture, style])).max() > 1e-4
    )


@pytest.mark.parametrize(
    "settings, networks, outputs",
    [
        ([], set(NETWORKS), {"chrominance", "logits"}),
        (["use_classification=false"], set(NETWORKS) - {"classification"}, {"chrominance"}),
        (
            ["use_classification=false", "use_global_features=false"],
            set(NETWORKS) - {"classification", "global"},
            {"chrominance"},
        ),
    ],
)
def test_ablations(settings, networks, outputs):
    config = load_config("smoke", settings)
    model = network.build_model(config)
    assert {layer.name for layer in model.layers} & set(NETWORKS) == networks
    assert set(model.output) == outputs
    global_path, local_path = split_paths(model, config)
    assert (global_path is None) == ("global" not in networks)
    assert len(local_path.inputs) == 1 + ("global" in networks)


@pytest.mark.parametrize(
    "ablation",
    [[], ["use_classification=false", "use_global_features=false", "normalization_epsilon=0.1"]],
)
def test_folded_network_computes_the_same(ablation):
    """Batch normalisation worked into kernels and biases, with statistics far from 0 and 1."""
    config = load_config("smoke", ablation)
    model = network.build_model(config)
    random = np.random.default_rng(0)
    for variable in model.weights:
        if "_norm/" in variable.path:
            variable.assign(random.uniform(0.5, 2, variable.shape))
    folded = network.build_model(config, folded=True)
    weights = fold({v.path: np.asarray(v) for v in model.weights}, config.normalization_epsilon)
    assert {v.path for v in folded.weights} == set(weights)
    for variable in folded.weights:
        variable.assign(weights[variable.path])
    pictures = _pictures(2, 64, 64, 1)
    outputs = folded(pictures)
    for name, expected in model(pictures, training=False).items():
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-3, atol=1e-5)


def test_equal_seeds_give_equal_weights():
    first, same, other = (
        network.build_model(load_config("smoke", [f"seed={seed}"])).get_weights()
        for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, same))
    assert not np.array_equal(first[0], other[0])


def test_lower_precision_keeps_float32_variables_and_outputs():
    model = network.build_model(load_config("smoke"), "mixed_bfloat16")
    assert {variable.dtype for variable in model.weights} == {"float32"}
    outputs = model(_pictures(1, 64, 64, 1))
    assert {str(np.asarray(x).dtype) for x in outputs.values()} == {"float32"}
    low = model.get_layer("low_level")(_pictures(1, 64, 64, 1))
    assert keras.backend.standardize_dtype(low.dtype) == "bfloat16"


def test_other_widths_keep_the_proportions():
    rows = layer_table(network.build_model(load_config("compact")))
    for name, expected in PAPER.items():
        for row, (_, _, _, outputs, _) in zip(rows[name], expected):
            fixed = row[0] in ("colorization_chrominance", "classification_logits")
            assert row[3] == (outputs if fixed else outputs // 2)


@pytest.mark.parametrize("folded", [False, True])
def test_keras_saves_and_opens_the_model(small, tmp_path, folded):
    _, config = small
    model = network.build_model(config, folded=folded)
    model.save(tmp_path / "model.keras")
    pictures = _pictures(2, config.crop_size, config.crop_size, 1)
    expected = model.predict(pictures, verbose=0)
    for name, value in (
        keras.models.load_model(tmp_path / "model.keras").predict(pictures, verbose=0).items()
    ):
        np.testing.assert_allclose(value, expected[name], atol=1e-5)
