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
    """Context manager: the first signal sets `number`, the second exits at once.

    Outside of the main thread, where Python has no signals, `number` stays None.

    Python calls signal handlers between two of its instructions, and a training step is one that
    can take a minute. A thread that reads the wake-up descriptor hears of a signal at once.
    """

    def __enter__(self) -> Self:
        self.number: int | None = None
        self.is_main = threading.current_thread() is threading.main_thread()
        if not self.is_main:
            return self
        reading, self.writing = os.pipe()
        os.set_blocking(self.writing, False)
        self.handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        self.descriptor = signal.set_wakeup_fd(self.writing)
        threading.Thread(target=self._listen, args=(reading,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self.is_main:
            return
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
                    "Finishing this step. Press Ctrl-C again to quit now.",
                    file=sys.stderr,
                    flush=True,
                )
