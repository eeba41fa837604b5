"""Records and a trained run that the tests of training share; whoever writes there copies first."""

import contextlib
import json
import shutil

import pytest

from colornet.network import model
from tiny_training import SHALLOW, make_records, train


@contextlib.contextmanager
def shallow_networks():
    with pytest.MonkeyPatch.context() as patch:
        for name, table in SHALLOW.items():
            patch.setattr(model, name, table)
        yield


@pytest.fixture(scope="module", autouse=True)
def shallow():
    """Networks have few layers; a module whose tests are about the network overrides this."""
    with shallow_networks():
        yield


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """Records of two classes, with pictures to validate."""
    return make_records(tmp_path_factory.mktemp("classes"))


@pytest.fixture(scope="session")
def unlabeled(tmp_path_factory):
    """Records without classes, and without pictures to validate."""
    return without_validation(make_records(tmp_path_factory.mktemp("flat"), classes=()))


@pytest.fixture(scope="session")
def unvalidated(records, tmp_path_factory):
    """`records` without pictures to validate, which takes as long as to train."""
    folder = tmp_path_factory.mktemp("unvalidated") / "records"
    return without_validation(shutil.copytree(records, folder))


def without_validation(records):
    dataset = json.loads((records / "dataset.json").read_text())
    dataset["val"] = {"pictures": 0, "classes": {}, "shards": []}
    (records / "dataset.json").write_text(json.dumps(dataset))
    return records


@pytest.fixture(scope="session")
def _trained(records, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("trained") / "run"
    with shallow_networks():
        with open(f"{run_dir}.log", "w") as log, contextlib.redirect_stdout(log):
            assert train(records, run_dir, validate_every=3) == 0
    return run_dir


@pytest.fixture
def trained(_trained, tmp_path):
    """A copy of a run that is finished after 6 steps, validated and saved at 3 and 6."""
    return shutil.copytree(_trained, tmp_path / "trained")
