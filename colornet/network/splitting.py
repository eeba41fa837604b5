"""The global and the local path of a network apart, for pictures of any size (section 3.2)."""

import keras

from colornet.config import Config


def split_paths(model: keras.Model, config: Config) -> tuple[keras.Model | None, keras.Model]:
    """The same network, same variables, for pictures of any size (section 3.2).

    Returns:
        (global_path, local_path), two keras.Models:
        global_path: luminance (batch, crop_size, crop_size, 1) to a dict of "global_features"
            (batch, 256 width) and, with classification, "probabilities" (batch, num_classes).
            None where the model has no global features.
        local_path: [luminance (batch, height, width, 1), global_features] to chrominance
            (batch, ceil(height/2), ceil(width/2), 2). Features of another picture transfer its
            colour style (section 4.5). Without global features it takes [luminance].
    """
    network = model.get_layer
    luminance = keras.Input((None, None, 1), name="any_luminance")
    inputs = [luminance]
    global_path = None
    if config.use_global_features:
        copy = keras.Input((config.crop_size, config.crop_size, 1), name="global_luminance")
        wide, global_features = network("global")(network("low_level")(copy))
        outputs = {"global_features": global_features}
        if config.use_classification:
            outputs["probabilities"] = keras.ops.softmax(network("classification")(wide))
        global_path = keras.Model(copy, outputs, name="global_path")
        inputs.append(keras.Input(global_features.shape[1:], name="global_features"))
    mid = network("mid_level")(network("low_level")(luminance))
    chrominance = network("colorization")(network("fusion")([mid, *inputs[1:]]))
    chrominance = network("crop_to_half")([chrominance, luminance])
    return global_path, keras.Model(inputs, chrominance, name="local_path")
