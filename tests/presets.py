"""The root's presets, as the scripts load them."""

import functools

from colornet import config
from config import PRESETS

load_config = functools.partial(config.load_config, PRESETS)
