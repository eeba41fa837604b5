"""What the tests of coloring share: a tiny network, loaded once, and the script run with it."""

import pytest

import model_transform
import tiny


@pytest.fixture(scope="session", autouse=True)
def _engine(tiny_network):
    with tiny.engine_made_once(tiny_network):
        yield


@pytest.fixture
def colorizer(tiny_network):
    from colornet.coloring.colorizer import Colorizer

    return Colorizer(tiny_network)


@pytest.fixture
def run(tiny_network, tmp_path, monkeypatch):
    """Runs the script in an empty folder; gives the exit code."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, model=tiny_network):
        return model_transform.main([*map(str, arguments), "--model", str(model)])

    return run
