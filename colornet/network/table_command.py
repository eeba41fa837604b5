"""The network of "Let there be Color!" (section 3, figure 2), in backend-neutral Keras.

    python build_model.py --preset paper       prints the layers and their parameters

The tables in `colornet/network/model.py` are the paper's table 1.
"""

import argparse
from collections.abc import Sequence

from colornet import shell
from colornet.config import Presets, load_config


def print_table(options: argparse.Namespace, presets: Presets) -> int:
    """Print every layer with its parameters; returns the exit code."""
    config = load_config(presets, options.preset, options.set, "build_model")
    shell.import_tensorflow()
    from colornet.network.model import build_model
    from colornet.network.table import layer_table

    model, total = build_model(config), 0
    for network, rows in layer_table(model).items():
        print(network)
        for layer, kernel, stride, outputs, shape, count in rows:
            kind = f"{kernel} x {kernel} / {stride}" if kernel else "connected"
            size = " x ".join(map(str, shape))
            print(f"  {layer:26s}{kind:12s}{outputs:6d}   {size:18s}{count:12,d}")
        count = sum(row[-1] for row in rows)
        total += count
        print(f"  {'parameters':62s}{count:>14,d}")
    print(f"{'total':64s}{total:>14,d}")
    return shell.DONE


def main(argv: Sequence[str] | None, presets: Presets) -> int:
    arguments = shell.parser(__doc__)
    shell.add_settings(arguments, "build_model", presets)
    return shell.run(lambda options: print_table(options, presets), arguments.parse_args(argv))
