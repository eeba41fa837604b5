"""Presets: the file to edit. Each names the settings in which it differs from the paper's.

    python model_train.py --preset compact --set steps=5000 --set batch_size=16

Scripts take the first preset unless --preset names another one. `colornet/config.py` declares every
setting: its default, which is the paper's value, its unit, and its range.
"""

from colornet.config import Presets

PRESETS: Presets = {
    # The paper's network and training.
    "paper": {},
    # The small network of the pretrained weights: half as wide, on small pictures.
    "compact": dict(
        picture_size=144,
        crop_size=128,
        width=0.5,
        zoom=1.3,
        batch_size=32,
        steps=11_000,
        optimizer="muon",
        learning_rate=1e-2,
        schedule="cosine",
        warmup_steps=300,
        working_size=144,
        smoothing=True,
        mount=True,
    ),
    # Seconds on a CPU: shows that everything works.
    "smoke": dict(
        picture_size=72,
        min_side=16,
        shard_pictures=16,
        crop_size=64,
        width=0.25,
        batch_size=8,
        steps=300,
        optimizer="adam",
        learning_rate=2e-3,
        schedule="cosine",
        warmup_steps=20,
        log_every=20,
        validate_every=100,
        checkpoint_every=100,
        working_size=96,
        smoothing=True,
    ),
}
