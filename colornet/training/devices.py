"""Devices and hosts that TensorFlow computes on."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from colornet.config import Config
from colornet.errors import RunError, UserError
from colornet.training import missing_hosts
from colornet.training.stopping import SIGNALS

PATIENCE = 60  # seconds of waiting for other hosts until the missing ones are named


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The hosts of a run, each with one process.

    Attributes:
        count: how many there are.
        number: this one's.
        addresses: of all, as "host:port".
    """

    count: int = 1
    number: int = 0
    addresses: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    @property
    def chief(self) -> bool:
        """Whether this host is the one that writes the run folder."""
        return self.number == 0


def read_cluster() -> Cluster:
    """The `Cluster` of TF_CONFIG, one host without it; raises UserError."""
    text = os.environ.get("TF_CONFIG", "").strip()
    try:
        content = json.loads(text or "{}")
        hosts = content.get("cluster", {})
        places = [
            (kind, number)
            for kind in ("chief", "worker")
            for number in range(len(hosts.get(kind, [])))
        ]
        for kind, number in places:
            if not 0 < int(hosts[kind][number].rpartition(":")[2]) < 1 << 16:
                raise ValueError("no port")
        if len(places) < 2:
            return Cluster()
        place = content["task"]["type"], int(content["task"]["index"])
        addresses = tuple(hosts[kind][number] for kind, number in places)
        return Cluster(len(places), places.index(place), addresses)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise UserError(
            'TF_CONFIG: expected JSON such as {"cluster": {"worker": ["host1:1234", '
            '"host2:1234"]}, "task": {"type": "worker", "index": 0}}, '
            f"with ports up to 65535, got {text[:200]!r}; unset it to train on this host alone"
        ) from None


def make_strategy(devices: str, cluster: Cluster) -> tuple[tf.distribute.Strategy, str]:
    """The tf.distribute strategy for the devices that are there.

    Args:
        devices: setting of `Config`: "auto" takes every GPU; "cpu" none; "cpu:N" N logical
            processors. Must be called before TensorFlow has initialised its devices.
        cluster: of `read_cluster`.

    Returns:
        (strategy, description).
    """
    count = int(devices.partition(":")[2] or 1)
    try:
        gpus = _configured(devices.startswith("cpu"), count)
    except RuntimeError:
        raise UserError(
            f"setting devices={devices}: TensorFlow has already started in this process with other "
            "devices; start another process"
        ) from None
    if cluster.count > 1:
        with _waiting_for(cluster):
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
        return strategy, f"{cluster.count} hosts, {strategy.num_replicas_in_sync} replicas"
    if count > 1:
        names = [f"CPU:{number}" for number in range(count)]
        return tf.distribute.MirroredStrategy(names), f"{count} logical CPUs"
    if len(gpus) > 1:
        return tf.distribute.MirroredStrategy(), f"{len(gpus)} GPUs"
    if gpus:
        return tf.distribute.get_strategy(), "1 GPU: " + tf.config.experimental.get_device_details(
            gpus[0]
        ).get("device_name", "unknown")
    return tf.distribute.get_strategy(), f"CPU, {os.cpu_count()} cores"


def _configured(on_cpu: bool, count: int) -> list[Any]:
    """Configure TensorFlow's devices; return the GPUs. Raises RuntimeError if it is too late."""
    if on_cpu and tf.config.get_visible_devices("GPU"):
        tf.config.set_visible_devices([], "GPU")
    gpus = tf.config.get_visible_devices("GPU")
    for gpu in gpus:
        if not tf.config.experimental.get_memory_growth(gpu):
            tf.config.experimental.set_memory_growth(gpu, True)
    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration()] * count
    if count > 1 and len(tf.config.get_logical_device_configuration(cpu) or ()) != count:
        tf.config.set_logical_device_configuration(cpu, logical)
    return gpus


@contextlib.contextmanager
def _waiting_for(cluster: Cluster) -> Iterator[None]:
    """Context manager of waiting for other hosts: Ctrl-C ends it; the missing ones are named.

    TensorFlow handles SIGTERM itself meanwhile, and goes on waiting.
    """
    print(f"waiting for all {cluster.count} hosts of TF_CONFIG", flush=True)
    command = [sys.executable, "-I", missing_hosts.__file__, str(PATIENCE), str(os.getpid())]
    naming = subprocess.Popen([*command, *cluster.addresses])
    is_main = threading.current_thread() is threading.main_thread()
    # TensorFlow waits in native code, where Python's own handlers would never run.
    before = [signal.signal(number, signal.SIG_DFL) for number in SIGNALS] if is_main else []
    try:
        yield
    finally:
        naming.kill()
        naming.wait()
        for number, handler in zip(SIGNALS, before):
            signal.signal(number, handler)


def check_batch(config: Config, strategy: tf.distribute.Strategy) -> None:
    """Raise UserError where a batch cannot be cut into equal parts."""
    replicas = strategy.num_replicas_in_sync
    if config.batch_size % (replicas * config.gradient_accumulation):
        raise UserError(
            f"setting batch_size: expected a multiple of {replicas} replicas x "
            f"gradient_accumulation={config.gradient_accumulation}, got {config.batch_size}"
        )


class Hosts:
    """The hosts of a run at work.

    Attributes:
        count, number, chief: as of `Cluster`.
    """

    def __init__(self, cluster: Cluster, strategy: tf.distribute.Strategy) -> None:
        self.count, self.number, self.chief = cluster.count, cluster.number, cluster.chief
        self.strategy = strategy

    def sum(self, value: float) -> float:
        """The sum of every host's value; all of them must call it."""
        if self.count == 1:
            return value
        return (
            float(self._sum(tf.constant(float(value))))
            * self.count
            / (self.strategy.num_replicas_in_sync)
        )

    @tf.function
    def _sum(self, value: tf.Tensor) -> tf.Tensor:
        values = self.strategy.run(tf.identity, (value,))
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)


@contextlib.contextmanager
def plain_errors(cluster: Cluster | Hosts, memory_advice: str) -> Iterator[None]:
    """Context manager in which TensorFlow's errors that a user can mend become RunErrors.

    Args:
        cluster: the hosts of the run.
        memory_advice: what to try where memory does not suffice.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise RunError(f"out of device memory; {memory_advice}") from error
    except tf.errors.AbortedError as error:
        # oneDNN aborts an operation that gets no memory.
        if cluster.count == 1 and "could not" in str(error):
            raise RunError(f"out of device memory; {memory_advice}") from error
        raise _host_gone(cluster, error) from error
    except (
        tf.errors.UnavailableError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
    ) as error:
        raise _host_gone(cluster, error) from error
    except tf.errors.NotFoundError as error:
        if "algorithm" not in str(error):  # cuDNN has none, or not the memory for one
            raise
        raise RunError(
            f"the device cannot compute a step: {str(error).splitlines()[0]}; {memory_advice}"
        ) from error


def _host_gone(cluster: Cluster | Hosts, error: Exception) -> Exception:
    if cluster.count == 1:
        return error
    return RunError("another host is gone; start all hosts again, they resume from the checkpoint")
