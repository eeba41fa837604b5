"""Stages of work that overlap, each in a thread of its own."""

import queue
import threading
from collections.abc import Generator
from typing import Any, TypeVar

Item = TypeVar("Item")

_END = object()


def ahead(items: Generator[Item, None, None], depth: int) -> Generator[Item, None, None]:
    """The items of a generator, made in a thread up to `depth` of them before they are used.

    Closing it, as an exception where it is used does, ends the generator and its thread.

    Raises:
        What the generator raises, where its next item would have come.
    """
    made: queue.Queue = queue.Queue(depth)
    unwanted = threading.Event()
    thread = threading.Thread(target=_make, args=(items, made, unwanted), daemon=True)
    thread.start()
    try:
        while True:
            item, error = made.get()
            if error:
                raise error
            if item is _END:
                return
            yield item
    finally:
        unwanted.set()
        thread.join()


def _make(items: Generator[Any, None, None], made: queue.Queue, unwanted: threading.Event) -> None:
    def hand_over(item: object, error: BaseException | None = None) -> None:
        while not unwanted.is_set():
            try:
                return made.put((item, error), timeout=0.1)
            except queue.Full:
                pass

    try:
        for item in items:
            hand_over(item)
            if unwanted.is_set():
                break
        items.close()
        hand_over(_END)
    except BaseException as error:
        hand_over(None, error)
