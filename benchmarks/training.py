"""Speed of training: pictures a second, beside PyTorch and beside the machine's peak.

    python benchmarks/training.py --records records224 --records-compact records
    python benchmarks/training.py ... --torch-python /path/to/an/environment/with/torch/bin/python

Without --records the full network is fed generated pictures. PyTorch has no Muon for convolutions:
beside it the compact network runs with Adam, and its own Muon has a line of its own. The
contestants take turns, several rounds each, so that a busy machine slows all of them; the best
round of each counts.
"""

import sys
from collections.abc import Sequence

from shared import parser


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--records", metavar="DIR", help="of 224 px or more, for the paper's")
    arguments.add_argument("--records-compact", metavar="DIR", help="of 128 px or more")
    arguments.add_argument("--torch-python", metavar="PATH", help="Python that has PyTorch")
    arguments.add_argument("--seconds", type=float, default=8, help="a contestant (8)")
    arguments.add_argument(
        "--only", metavar="TEXT", default="", help="cases that contain it, such as paper, bfloat16"
    )
    options = arguments.parse_args(argv)
    import training_rates

    training_rates.measure_cases(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
