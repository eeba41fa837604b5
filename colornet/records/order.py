"""The order in which training meets the records: a function of (seed, epoch) alone.

An epoch cuts the records into chunks of neighbours and shuffles the chunks. A batch takes one
record from each of as many chunks as it has pictures, and the same chunks serve the next batches
until they are used up. So whoever needs some pictures of each batch, as one of several hosts does,
reads the chunks of those alone, and a reader may begin anywhere at the cost of one batch's chunks.
"""

import numpy as np


class Epoch:
    """The order of one epoch.

    Args:
        seed, number: what the order is a function of.
        pictures: records, each of which comes once.
        lanes: chunks in use at the same time; pictures of a batch.
        chunk: records of a chunk; those of the last `lanes` chunks are shorter.
    """

    def __init__(self, seed: int, number: int, pictures: int, lanes: int, chunk: int) -> None:
        self.key, self.pictures, self.lanes, self.chunk = (seed, number), pictures, lanes, chunk
        self.windows = pictures // (lanes * chunk)
        rest = pictures - self.windows * lanes * chunk
        lengths = np.concatenate(
            [
                np.full(self.windows * lanes, chunk),
                rest // lanes + (np.arange(lanes) < rest % lanes),
            ]
        )
        self.ends = np.cumsum(lengths)
        # Chunks begin elsewhere in each epoch, so that their neighbours change.
        draws = self._draws(0, 1 + self.windows * lanes)
        self.shift = int(draws[0] % pictures)
        self.shuffled = np.argsort(draws[1:], kind="stable")

    def place(self, position: int) -> tuple[int, int]:
        """(chunk, row in it) of the position-th picture of the epoch."""
        window = min(position // (self.lanes * self.chunk), self.windows)
        row = (position - window * self.lanes * self.chunk) // self.lanes
        number = window * self.lanes + position % self.lanes
        return (int(self.shuffled[number]) if window < self.windows else number), row

    def records(self, chunk: int) -> tuple[range, np.ndarray]:
        """The records of a chunk.

        Returns:
            (numbers, order): numbers modulo `pictures` of neighbours; which of them each row takes.
        """
        end = int(self.ends[chunk])
        start = int(self.ends[chunk - 1]) if chunk else 0
        order = np.argsort(self._draws(1 + chunk, end - start), kind="stable")
        return range(start + self.shift, end + self.shift), order

    def _draws(self, stream: int, count: int) -> np.ndarray:
        """Random 64-bit numbers; NumPy promises that they stay the same in later versions."""
        return np.random.Philox(key=self.key, counter=(0, 0, 0, stream)).random_raw(count)
