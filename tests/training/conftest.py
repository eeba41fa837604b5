"""Records and a trained run that the tests of training share; whoever writes there copies first."""

import shutil

import pytest

from tiny_training import make_records, train


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """Records of two classes, with pictures to validate."""
    return make_records(tmp_path_factory.mktemp("classes"))


@pytest.fixture(scope="session")
def unlabeled(tmp_path_factory):
    """Records without classes."""
    return make_records(tmp_path_factory.mktemp("flat"), classes=())


@pytest.fixture(scope="session")
def _trained(records, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("trained") / "run"
    assert train(records, run_dir) == 0
    return run_dir


@pytest.fixture
def trained(_trained, tmp_path):
    """A copy of a run that is finished after 6 steps, with checkpoints of 3 and 6."""
    return shutil.copytree(_trained, tmp_path / "trained")
