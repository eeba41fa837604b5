"""SIGINT and SIGTERM while training: the first asks to stop, the second ends the process."""

import os
import signal
import sys
import threading
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(Exception):
    """A signal asked to stop, and a checkpoint was written; its number is the argument."""


class StopSignals:
    """Context in which the first signal sets `number` and the second exits at once.

    Python calls signal handlers between two of its instructions, and a training step is one that
    can take a minute. A thread that reads the wake-up descriptor hears of a signal at once.
    """

    def __enter__(self) -> Self:
        self.number: int | None = None
        reading, self.writing = os.pipe()
        os.set_blocking(self.writing, False)
        self.handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        self.descriptor = signal.set_wakeup_fd(self.writing)
        threading.Thread(target=self._listen, args=(reading,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self.descriptor)
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        os.close(self.writing)

    def _listen(self, reading: int) -> None:
        with open(reading, "rb", buffering=0) as pipe:
            while byte := pipe.read(1):
                if byte[0] not in SIGNALS:
                    continue
                if self.number is not None:
                    os._exit(128 + byte[0])
                self.number = byte[0]
                print(
                    "stopping after this step; once more to stop at once",
                    file=sys.stderr,
                    flush=True,
                )
