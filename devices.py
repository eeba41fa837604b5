"""What TensorFlow computes on: the distribution strategy and the precision."""

import json
import os
import time

import tensorflow as tf

# A lower precision must be this much faster to be worth its rounding.
WORTH = 1.1


def make_strategy(devices):
    """The tf.distribute strategy for the devices that are there.

    Args:
        devices: setting of `config.Config`: "auto" takes every GPU, or the hosts of TF_CONFIG;
            "cpu" no GPU; "cpu:N" N logical processors. Must be called before TensorFlow has
            initialised its devices.

    Returns:
        (strategy, description).
    """
    if devices.startswith("cpu"):
        tf.config.set_visible_devices([], "GPU")
    for gpu in tf.config.get_visible_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    hosts = json.loads(os.environ.get("TF_CONFIG", "{}")).get("cluster", {}).get("worker", [])
    if len(hosts) > 1:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        return strategy, f"{len(hosts)} hosts, {strategy.num_replicas_in_sync} replicas"
    gpus = tf.config.get_visible_devices("GPU")
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


def choose_precision(seconds_a_step):
    """The fastest precision of this device, measured.

    Args:
        seconds_a_step: function from a Keras dtype policy to the seconds of one training step.

    Returns:
        (policy, description with the measured seconds).
    """
    candidates = ["float32", "mixed_bfloat16"]
    times = {policy: seconds_a_step(policy) for policy in candidates}
    fastest = min(times, key=times.get)
    if times["float32"] < WORTH * times[fastest]:
        fastest = "float32"
    described = ", ".join(f"{policy} {seconds:.2f} s" for policy, seconds in times.items())
    return fastest, f"{fastest} (a step took {described})"


def seconds_of(step, repeats=3):
    """Seconds of the fastest of some calls, after one that is not counted."""
    step()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return min(times)
