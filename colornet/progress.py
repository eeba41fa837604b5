"""How far a script is: a bar on a terminal, lines elsewhere."""

import datetime
import sys
import time
from typing import Self, TypeAlias

from tqdm import tqdm


def progress(
    total: int | None, unit: str, initial: int = 0, what: str = "", every: float = 60
) -> "Bar":
    """A bar on a terminal, a plain line on standard error now and then elsewhere.

    Args:
        total: None if it is not known.
        unit: of what is counted, in the plural.
        initial: how many are done already.
        what: is being done, and to what.
        every: seconds from line to line.

    Returns:
        A context of what has tqdm's `update`, `write` (prints between them), `close` and `n`.
    """
    if not sys.stderr.isatty():
        return _Lines(total, unit, initial, what, every)
    return tqdm(
        desc=what or None,
        total=total,
        unit=" " + unit,
        initial=initial,
        dynamic_ncols=True,
        smoothing=0.05,
    )


class _Lines:
    """The part of tqdm that scripts use, as plain lines."""

    def __init__(self, total: int | None, unit: str, initial: int, what: str, every: float) -> None:
        self.total, self.unit, self.n = total, unit, initial
        self.what, self.every = what and f"{what}: ", every
        self.initial, self.began = initial, time.monotonic()
        self.said = self.began

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def update(self, count: int = 1) -> None:
        self.n += count
        now = time.monotonic()
        if now < self.said + self.every or self.n == self.initial:
            return
        self.said = now
        rate = (self.n - self.initial) / (now - self.began)
        of_all, left = "", ""
        if self.total and self.total >= self.n:
            of_all = f" of {self.total}"
            left = f", {datetime.timedelta(seconds=round((self.total - self.n) / rate))} left"
        print(
            f"{self.what}{self.n}{of_all} {self.unit}, {rate:.1f} a second{left}", file=sys.stderr
        )

    def write(self, text: str) -> None:
        self.said = time.monotonic()
        print(text)

    def close(self) -> None:
        pass


Bar: TypeAlias = "tqdm | _Lines"
