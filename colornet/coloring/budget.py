"""Memory that threads share, counted in pixels."""

import contextlib
import threading
from collections.abc import Iterator


class Budget:
    """Lets threads take pixels, of which no more than `limit` are taken at a time.

    First come, first served; what is larger than the limit comes alone.
    """

    def __init__(self, limit: int) -> None:
        self.limit, self._taken = limit, 0
        self._queue, self._given_back = threading.Lock(), threading.Condition()

    @contextlib.contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        """Waits until there is room for so many pixels, and holds them inside the block."""
        with self._queue, self._given_back:
            self._given_back.wait_for(lambda: not self._taken or self._taken + pixels <= self.limit)
            self._taken += pixels
        try:
            yield
        finally:
            with self._given_back:
                self._taken -= pixels
                self._given_back.notify_all()
