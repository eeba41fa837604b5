"""A trained network computed by TensorFlow: for GPUs, bfloat16, and runs without an export."""

import tensorflow as tf

from colornet.network.paths import split_paths
from colornet.network.weights_files import load_trained, trained_files


class TensorFlowEngine:
    """An engine as `engines.load_engine` describes it; safe to call from several threads.

    Args:
        path, build_model, precision: as of `engines.load_engine`.

    Raises:
        UserError: as `weights_files.load_trained`.
    """

    def __init__(self, path, build_model, precision="float32"):
        model, self.config = load_trained(path, build_model, precision)
        self.source, _ = trained_files(path)
        self.name = f"tensorflow {precision}"
        self._describe, self._color = functions(model, self.config)

    def describe(self, luminance):
        if not self._describe:
            return None, None
        outputs = self._describe(luminance)
        probabilities = outputs.get("probabilities")
        return (
            outputs["global_features"].numpy(),
            None if probabilities is None else probabilities.numpy(),
        )

    def color(self, luminance, features):
        inputs = [luminance] if features is None else [luminance, features]
        try:
            return self._color(*inputs)["chrominance"].numpy()
        except tf.errors.ResourceExhaustedError:
            raise MemoryError(
                f"not enough memory for the network at {luminance.shape[2]} x "
                f"{luminance.shape[1]} pixels; use a smaller --working-size"
            ) from None


def functions(model, config):
    """(describe, color), two tf.functions of a `folded` network for any batch and picture size.

    describe: luminance (batch, crop_size, crop_size, 1) to a dict of "global_features" and, with
        classification, "probabilities"; None without global features.
    color: luminance (batch, height, width, 1) and, where there are such, global_features (batch,
        256 width) to a dict of "chrominance". All float32.
    """
    global_path, local_path = split_paths(model, config)
    size = config.crop_size
    picture = tf.TensorSpec((None, None, None, 1), name="luminance")

    def described(luminance):
        outputs = global_path(luminance, training=False)
        return {name: tf.cast(value, tf.float32) for name, value in outputs.items()}

    def colored(luminance, *global_features):
        return {"chrominance": local_path([luminance, *global_features], training=False)}

    if not global_path:
        return None, tf.function(colored, input_signature=[picture])
    copy = tf.TensorSpec((None, size, size, 1), name="luminance")
    features = tf.TensorSpec(
        (None, global_path.output["global_features"].shape[-1]), name="global_features"
    )
    return (
        tf.function(described, input_signature=[copy]),
        tf.function(colored, input_signature=[picture, features]),
    )
