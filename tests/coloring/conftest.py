"""What the tests of colouring share: a tiny network, loaded once, and the script run with it."""

import functools

import pytest

import model_transform
from build_model import build_model


@pytest.fixture(scope="session")
def load_colorizer(tiny_network):
    """`Colorizer`, which makes one of the tiny network only once."""
    from colornet.coloring.colorizer import Colorizer

    once = functools.cache(Colorizer)
    return lambda path, *settings, **more: (once if path == tiny_network else Colorizer)(
        path, *settings, **more
    )


@pytest.fixture
def colorizer(tiny_network, load_colorizer):
    return load_colorizer(tiny_network, build_model)


@pytest.fixture
def run(tiny_network, load_colorizer, tmp_path, monkeypatch):
    """Runs the script in an empty folder; gives the exit code."""
    from colornet.coloring import transforming

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(transforming, "Colorizer", load_colorizer)

    def run(*arguments, model=tiny_network):
        return model_transform.main([*map(str, arguments), "--model", str(model)])

    return run
