"""What the network is trained for: the paper's joint loss (section 3.3, equation 3).

Another objective is another class with these methods, named in `make_objective`. Training,
validation, and the log know nothing else of the loss.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from colornet.config import Config
from colornet.pictures import colorspace
from colornet.records.format import NO_CLASS

Tensors = Mapping[str, Any]


class JointObjective:
    """Mean squared error of the chrominance + alpha times the cross entropy of the scene class.

    Args:
        config: the settings; `classification_weight` is alpha.

    Attributes:
        sums: names of what `losses` adds up over pictures.
    """

    sums = ("squared", "entropy", "labeled", "pictures")

    def __init__(self, config: Config) -> None:
        self.alpha = config.classification_weight

    def losses(self, outputs: Tensors, batch: Tensors) -> tf.Tensor:
        """Sum the losses of a batch over its pictures.

        Args:
            outputs: of the network: "chrominance" (batch, crop_size/2, crop_size/2, 2) and, with
                classification, "logits" (batch, num_classes).
            batch: of the records; "chrominance" is the target at the network's half size (section
                3.2), "label" (batch,) the class, NO_CLASS without one.

        Returns:
            float32 (len(sums),). Sums, not means: replicas and accumulated parts add up.
        """
        squared = tf.square(outputs["chrominance"] - batch["chrominance"])
        error = tf.reduce_sum(tf.reduce_mean(squared, axis=(1, 2, 3)))
        label = batch["label"]
        entropy = labeled = tf.constant(0.0)
        if "logits" in outputs:
            has_class = label != NO_CLASS
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(
                tf.where(has_class, label, 0), outputs["logits"]
            )
            entropy = tf.reduce_sum(tf.cast(tf.where(has_class, each, 0), tf.float32))
            labeled = tf.reduce_sum(tf.cast(has_class, tf.float32))
        return tf.stack([error, entropy, labeled, tf.cast(tf.shape(label)[0], tf.float32)])

    def loss(self, sums: Any) -> Any:
        """Return the loss that is minimized, summed over pictures, of the result of `losses`."""
        return sums[0] + self.alpha * sums[1]

    def figures(self, sums: np.ndarray) -> dict[str, float | None]:
        """Return what is logged: loss, mse, and cross_entropy (None without labeled pictures)."""
        squared, entropy, labeled, pictures = map(float, sums)
        return {
            "loss": float(self.loss((squared, entropy))) / pictures,
            "mse": squared / pictures,
            "cross_entropy": entropy / labeled if labeled else None,
        }

    def decode(self, outputs: Tensors) -> np.ndarray:
        """Return ab in Lab units (batch, crop_size/2, crop_size/2, 2) of the network's outputs."""
        return colorspace.decode_chrominance(np.asarray(outputs["chrominance"]))


def make_objective(config: Config) -> JointObjective:
    """Return the objective of the settings."""
    return JointObjective(config)
