"""A trained network computed by LiteRT on the processor, from an exported file.

It starts in a fraction of a second: nothing here imports TensorFlow or Keras.
"""

import collections
import contextlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from colornet import shell
from colornet.errors import UserError
from colornet.network import litert_file

# An interpreter keeps the memory of the largest picture that it saw: after larger ones it goes.
KEPT_PIXELS = 1 << 20


class LiteRTEngine:
    """An `engines.Engine`.

    Args:
        path: a file of `litert_file.write_export`.
        export: its `litert_file.Export`; None: it is read.
        at_once: as of `engines.load_engine`.

    Raises:
        UserError: the file is missing, damaged or of another kind.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        export: litert_file.Export | None = None,
        at_once: int = 1,
    ) -> None:
        self.source = os.fspath(path)
        self._threads = max(1, (os.cpu_count() or 1) // at_once)
        export = export or litert_file.read_export(path)
        self.config, self.name = export.config, f"litert {export.kind}"
        # Of interpreters' signatures, used by no thread.
        self._idle: collections.deque[dict[str, Any]] = collections.deque()
        try:
            self._idle.append(self._open())
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:150]
            raise UserError(f"{path}: LiteRT cannot use it: {reason}") from None

    def describe(self, luminance: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        if not self.config.use_global_features:
            return None, None
        outputs = self._run("describe", luminance=luminance)
        return outputs["global_features"], outputs.get("probabilities")

    def color(self, luminance: np.ndarray, features: np.ndarray | None) -> np.ndarray:
        inputs = {} if features is None else {"global_features": features}
        return self._run("color", luminance=luminance, **inputs)["chrominance"]

    def _run(
        self, signature: str, luminance: np.ndarray, **inputs: np.ndarray
    ) -> dict[str, np.ndarray]:
        try:
            with self._signatures(luminance.size <= KEPT_PIXELS) as signatures:
                return signatures[signature](luminance=luminance, **inputs)
        except (RuntimeError, MemoryError):
            raise MemoryError(
                f"not enough memory for the network at {luminance.shape[2]} x "
                f"{luminance.shape[1]} pixels; use a smaller --working-size"
            ) from None

    @contextlib.contextmanager
    def _signatures(self, kept: bool) -> Iterator[dict[str, Any]]:
        """What runs an interpreter: one thread at a time, so that there is one for each of them."""
        try:
            signatures = self._idle.pop()
        except IndexError:
            signatures = self._open()
        yield signatures
        if kept:
            self._idle.append(signatures)

    def _open(self) -> dict[str, Any]:
        with shell.native_remarks_hidden():
            interpreter = Interpreter(self.source, num_threads=self._threads)
            interpreter.allocate_tensors()  # says that it uses XNNPACK
        return {
            name: interpreter.get_signature_runner(name)
            for name in interpreter.get_signature_list()
        }
