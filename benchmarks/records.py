"""Rates of making and of reading records, beside what the machine can do at best; and their size.

    python benchmarks/records.py --images photographs/train
    python benchmarks/records.py --photographs 2400000 --names 2400000

Making is compared with the same processes that only decode, resize and convert to Lab; reading of
crops with reading the bytes alone. The second command makes so many tiny photographs in archives,
and as many empty files in a folder and an archive (which cost little beside their names), and shows
that neither memory nor time a photograph grows. All is made in a temporary folder and deleted.
"""

import os
import sys
from collections.abc import Sequence

from shared import parser


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument(
        "--images", nargs="+", metavar="PATH", help="photographs, as for input_create.py"
    )
    arguments.add_argument(
        "--photographs", type=int, metavar="N", help="make N tiny ones and records of them"
    )
    arguments.add_argument("--names", type=int, metavar="N", help="list N empty files")
    arguments.add_argument("--preset", default="paper", help="of config.py (paper)")
    arguments.add_argument("--workers", type=int, default=os.cpu_count(), metavar="N")
    arguments.add_argument(
        "--steps", type=int, default=500, metavar="N", help="batches read to measure (500)"
    )
    options = arguments.parse_args(argv)
    import many_records
    import record_rates

    if options.photographs:
        many_records.sizes(options.photographs, options.workers)
    if options.names:
        many_records.names(options.names, options.workers)
    if options.images:
        record_rates.measure(options.images, options.preset, options.workers, options.steps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
