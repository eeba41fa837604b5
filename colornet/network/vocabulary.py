"""Words that the tables of `build_model`, its layers and weights files share."""

UP = "up"  # in a table of convolutions: doubles height and width
FUSION_HALVES = ("fusion_mid", "fusion_global")  # layers that are one matrix in the paper
CONFIG = "config.json"  # the settings beside weights, in a run folder as elsewhere
NETWORKS = ("low_level", "global", "mid_level", "fusion", "colorization", "classification")
