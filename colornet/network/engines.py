"""What computes a trained network."""


def load_engine(path, build_model, engine="auto", precision="float32"):
    """A trained network, ready for pictures of any size.

    Args:
        path: run folder, or weights file with its config.json beside it.
        build_model: as of `weights_files.load_trained`.
        engine: "tensorflow", or "auto" for the fastest that can be used.
        precision: Keras dtype policy, "float32" or "bfloat16".

    Returns:
        An object that several threads may call, with

        config: the network's `config.Config`, with class_names.
        name: for people: what computes, and in which precision.
        source: the file whose weights are used.
        describe(luminance): float32 (batch, crop_size, crop_size, 1) in [0, 1] to (global features
            (batch, 256 width), scene probabilities (batch, num_classes)); None for what the
            network does not have.
        color(luminance, features): float32 (batch, height, width, 1) in [0, 1] and global features,
            which are None where the network has none and another picture's for style transfer
            (section 5.3), to chrominance (batch, ceil(height/2), ceil(width/2), 2) in [0, 1].
            Raises MemoryError, with what to try.

        All arrays are numpy's.

    Raises:
        UserError: a file is missing, damaged, or does not fit the others.
    """
    # TensorFlow takes seconds to import.
    from colornet.network import tensorflow_engine

    return tensorflow_engine.TensorFlowEngine(path, build_model, precision)
