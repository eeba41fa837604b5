"""Keeps TensorFlow quiet, and shares what is slow to make."""

import contextlib
import gc
import os
import resource
import signal

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as under nohup; processes inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    """All that is imported by now stays, and the garbage of networks is as well collected late."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def tiny_network(tmp_path_factory):
    """A run folder with a tiny network of random weights and three scene classes."""
    import tiny

    return tiny.save_network(tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="session")
def exported_network(tmp_path_factory):
    """Another tiny network, with an 8-bit export beside its weights."""
    import model_export
    import tiny

    folder = tiny.save_network(tmp_path_factory.mktemp("exported"))
    assert model_export.main([folder, folder]) == 0
    return folder


@pytest.fixture
def full_disk():
    """`with full_disk(size)`: writing beyond `size` bytes of a file fails, as on a full disk."""

    @contextlib.contextmanager
    def limited(size):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited
