"""Devices and hosts that TensorFlow computes on."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator

import tensorflow as tf

from colornet.config import Config
from colornet.errors import UserError


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The hosts of a run, each with one process.

    Attributes:
        count: how many there are.
        number: this one's.
    """

    count: int = 1
    number: int = 0

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
        return Cluster(len(places), places.index(place))
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
    if devices.startswith("cpu"):
        tf.config.set_visible_devices([], "GPU")
    gpus = tf.config.get_visible_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if cluster.count > 1:
        print(f"waiting for all {cluster.count} hosts of TF_CONFIG", flush=True)
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        return strategy, f"{cluster.count} hosts, {strategy.num_replicas_in_sync} replicas"
    count = int(devices.partition(":")[2] or 1)
    if count > 1:
        processor = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration()] * count
        )
        names = [f"CPU:{number}" for number in range(count)]
        return tf.distribute.MirroredStrategy(names), f"{count} logical CPUs"
    if len(gpus) > 1:
        return tf.distribute.MirroredStrategy(), f"{len(gpus)} GPUs"
    if gpus:
        return tf.distribute.get_strategy(), "1 GPU: " + tf.config.experimental.get_device_details(
            gpus[0]
        ).get("device_name", "unknown")
    return tf.distribute.get_strategy(), f"CPU, {os.cpu_count()} cores"


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
    """Context in which TensorFlow's errors that a user can mend become UserErrors.

    Args:
        cluster: a `Cluster` or `Hosts`.
        memory_advice: what to try where memory does not suffice.
    """
    memory: tuple[type[Exception], ...] = (tf.errors.ResourceExhaustedError,)
    host_gone: tuple[type[Exception], ...] = (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
    )
    if cluster.count == 1:
        # No other host: oneDNN aborts an operation that gets no memory, others are cancelled.
        memory, host_gone = (*memory, tf.errors.AbortedError, tf.errors.CancelledError), ()
    try:
        yield
    except memory as error:
        raise UserError(f"out of device memory; {memory_advice}") from error
    except host_gone as error:
        raise UserError(
            "another host of the run is gone; start all hosts again, they go on from the last "
            "checkpoint"
        ) from error
    except tf.errors.NotFoundError as error:  # cuDNN has no algorithm, or not the memory for one
        reason = str(error).splitlines()[0].partition(" [Op")[0]
        raise UserError(
            f"the device cannot compute a step: {reason}; its memory may be short "
            f"({memory_advice}), or its driver, CUDA or cuDNN not those of this TensorFlow"
        ) from error
