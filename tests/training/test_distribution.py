"""Several devices and several hosts train as one device does."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tiny_training import rows, start, state, train

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A low learning rate, as at the start of a warm-up. With higher ones rounding alone sets runs
# apart: training doubles a difference every step or two, on one device with another order of
# summing as well.
RUN = dict(
    width=0.125,
    batch_size=12,
    optimizer="muon",
    steps=20,
    learning_rate=3e-4,
    warmup_steps=500,
    log_every=1,
    validate_every=20,
    checkpoint_every=20,
)


@pytest.fixture(scope="module")
def one_device(records, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("one") / "run"
    assert train(records, run_dir, **RUN) == 0
    return run_dir


def losses(run_dir):
    return np.array([row["loss"] for row in rows(run_dir) if "loss" in row])


def free_ports():
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start_hosts(records, run_dir, **values):
    """Two processes on this machine that are the two hosts of a run."""
    hosts = [f"localhost:{port}" for port in free_ports()]
    return [
        start(
            records,
            run_dir,
            {
                "TF_CONFIG": json.dumps(
                    {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": number}}
                )
            },
            **values,
        )
        for number in range(2)
    ]


def log_of(run_dir):
    return open(f"{run_dir}.log").read()


def assert_close(run_dir, one_device):
    ours, theirs = losses(run_dir), losses(one_device)
    assert len(ours) == 20
    print("largest relative difference of a loss:", np.abs(ours / theirs - 1).max())
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    # Adam hides the gradients' scale from the losses; its moments show it.
    ours, theirs = moments(run_dir), moments(one_device)
    assert np.linalg.norm(ours - theirs) < 0.02 * np.linalg.norm(theirs)


def moments(run_dir):
    values = state(run_dir, 20)
    return np.concatenate(
        [
            values[name].ravel()
            for name in sorted(values)
            if name.startswith("optimizer") and values[name].size > 1
        ]
    )


@pytest.mark.slow
def test_two_devices_train_as_one(records, one_device, tmp_path):
    process = start(records, tmp_path / "run", devices="cpu:2", **RUN)
    assert process.wait(300) == 0, log_of(tmp_path / "run")
    assert "2 logical CPUs" in log_of(tmp_path / "run")
    assert_close(tmp_path / "run", one_device)


@pytest.mark.slow
def test_two_hosts_train_as_one(records, one_device, tmp_path):
    for process in start_hosts(records, tmp_path / "run", **RUN):
        assert process.wait(300) == 0, log_of(tmp_path / "run")
    assert "2 hosts, 2 replicas" in log_of(tmp_path / "run")
    assert_close(tmp_path / "run", one_device)
    assert not list((tmp_path / "run").glob("checkpoints/host*"))


@pytest.mark.slow
def test_a_host_that_dies_ends_the_other_and_both_resume(records, one_device, tmp_path):
    run_dir, run = tmp_path / "run", dict(RUN, checkpoint_every=5)
    chief, other = start_hosts(records, run_dir, **run)
    while not list(run_dir.glob("checkpoints/step-5.index")):
        assert chief.poll() is None and other.poll() is None, log_of(run_dir)
        time.sleep(0.02)
    other.kill()
    assert chief.wait(120) == 3, log_of(run_dir)
    assert "another host is gone; start all hosts again" in log_of(run_dir)
    assert "Traceback" not in log_of(run_dir)
    for process in start_hosts(records, run_dir, **run):
        assert process.wait(300) == 0, log_of(run_dir)
    assert_close(run_dir, one_device)


@pytest.mark.slow
def test_one_host_asked_to_stop_stops_both(records, one_device, tmp_path):
    run_dir = tmp_path / "run"
    hosts = start_hosts(records, run_dir, **dict(RUN, checkpoint_every=1000))
    while "step 3/20" not in log_of(run_dir):
        assert all(host.poll() is None for host in hosts), log_of(run_dir)
        time.sleep(0.02)
    hosts[1].terminate()
    assert [host.wait(60) for host in hosts] == [143, 143], log_of(run_dir)
    for process in start_hosts(records, run_dir, **RUN):
        assert process.wait(300) == 0, log_of(run_dir)
    assert_close(run_dir, one_device)


@pytest.mark.slow
def test_a_host_that_waits_names_the_missing_and_ends_by_ctrl_c():
    """At once, though TensorFlow waits where Python's handlers do not run."""
    code = (
        "from colornet.training import devices\n"
        "devices.PATIENCE = 1\n"
        "devices.make_strategy('cpu', devices.read_cluster())\n"
    )
    hosts = [f"localhost:{port}" for port in free_ports()]
    cluster = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": 0}}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TF_CONFIG": json.dumps(cluster)},
    )
    ending = threading.Timer(60, process.kill)  # a failure does not wait for the line
    ending.start()
    line = next((line for line in process.stderr if line.startswith("still waiting")), None)
    ending.cancel()
    assert line == f"still waiting for {hosts[1]}\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == -signal.SIGINT
