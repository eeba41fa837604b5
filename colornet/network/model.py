"""The network: the tables of the paper's table 1, joined as in its figure 2."""

from typing import TYPE_CHECKING

from colornet.config import Config
from colornet.network.vocabulary import UP

if TYPE_CHECKING:
    import keras

    from colornet.network.blocks import Table

# Convolutions: (kernel, stride, outputs). UP doubles height and width.
LOW_LEVEL = [(3, 2, 64), (3, 1, 128), (3, 2, 128), (3, 1, 256), (3, 2, 256), (3, 1, 512)]
GLOBAL_CONVOLUTIONS = [(3, 2, 512), (3, 1, 512), (3, 2, 512), (3, 1, 512)]
GLOBAL_DENSE = [1024, 512, 256]
MID_LEVEL = [(3, 1, 512), (3, 1, 256)]
FUSION = 256
COLORIZATION: "Table" = [(3, 1, 128), UP, (3, 1, 64), (3, 1, 64), UP, (3, 1, 32)]
CHROMINANCE = 2
CLASSIFICATION = 256


def build_model(
    config: Config, precision: str = "float32", synchronized: bool = False, folded: bool = False
) -> "keras.Model":
    """The whole network for training: both paths see the same picture, so low_level runs once.

    Args:
        config: a `Config`; width, crop_size, num_classes and the two ablations count.
        precision: a Keras dtype policy; chrominance and logits are float32 with each.
        synchronized: whether batch normalisation averages over replicas (TensorFlow only).
        folded: for colouring alone: biases in place of batch normalisation; `folding.fold` makes
            their weights. Only such a network is good in pure "bfloat16".

    Returns:
        A keras.Model from luminance (batch, crop_size, crop_size, 1) in [0, 1] to a dict of
        "chrominance" (batch, crop_size/2, crop_size/2, 2) in [0, 1] and, with classification,
        "logits" (batch, num_classes). Its networks are layers named as in `vocabulary.NETWORKS`.
    """
    import keras

    from colornet.network import blocks, layers

    make = blocks.Builder(config, precision, synchronized, folded)
    luminance = keras.Input((config.crop_size, config.crop_size, 1), name="luminance")
    low = make.convolutional("low_level", (None, None, 1), LOW_LEVEL)(luminance)
    fused_inputs = [make.convolutional("mid_level", (None, None, low.shape[-1]), MID_LEVEL)(low)]
    outputs = {}
    if config.use_global_features:
        wide, global_features = make.global_features(
            low.shape[1:], GLOBAL_CONVOLUTIONS, GLOBAL_DENSE
        )(low)
        fused_inputs.append(global_features)
    if config.use_classification:
        outputs["logits"] = make.classification(wide.shape[-1], CLASSIFICATION)(wide)
    fused = make.fusion(fused_inputs, FUSION)(fused_inputs)
    chrominance = make.colorization(fused.shape[-1], COLORIZATION, CHROMINANCE)(fused)
    outputs["chrominance"] = layers.CropToHalf(name="crop_to_half", dtype="float32")(
        [chrominance, luminance]
    )
    return keras.Model(luminance, outputs, name="let_there_be_color")
