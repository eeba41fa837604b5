"""Records by their number, from whichever shard holds them, and the batches that training sees."""

import bisect
import concurrent.futures
import functools

import numpy as np

from colornet.errors import UserError
from colornet.files import printable
from colornet.records import storage
from colornet.records.format import DamagedRecord, Record, parse_records
from colornet.records.order import Epoch
from colornet.records.shards import Shard, shards_of

READERS = 8  # chunks read at the same time: disks and networks answer late


class DamagedShard(UserError):
    """A shard that cannot be read; the text names it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"{printable(path)}: damaged shard ({reason}); delete it and run input_create.py "
            "again, then start training again: it resumes"
        )


class SplitReader:
    """The records of a split, numbered through its shards.

    Args:
        folder: the records folder; `dataset` is its `dataset.read_dataset`.
        split: "train" or "val".
    """

    def __init__(self, folder: str, dataset: dict, split: str) -> None:
        self.rows = dataset[split]["shards"]
        self.shards = shards_of(folder, split, [row["pictures"] for row in self.rows])
        self.starts = [shard.positions.start for shard in self.shards]
        self.size = dataset["settings"]["picture_size"]
        self.pictures = dataset[split]["pictures"]
        self._offsets = functools.lru_cache(maxsize=None)(self._read_offsets)

    def read(self, first: int, count: int) -> list[Record]:
        """Neighbouring records, in their order.

        Raises:
            DamagedShard: a shard cannot be read, or its records are not whole.
        """
        found = []
        while count:
            shard = self.shards[bisect.bisect_right(self.starts, first) - 1]
            here = min(count, shard.positions.stop - first)
            found += self._read_shard(shard, first - shard.positions.start, here)
            first, count = first + here, count - here
        return found

    def _read_shard(self, shard: Shard, first: int, count: int) -> list[Record]:
        start, end = self._offsets(shard)[[first, first + count]].tolist()
        try:
            data = storage.read_bytes(shard.path, start, end - start)
            records = list(parse_records(data, self.size))
        except OSError as error:
            raise DamagedShard(shard.path, (error.strerror or str(error)).lower()) from None
        except DamagedRecord as error:
            raise DamagedShard(shard.path, str(error)) from None
        if len(records) != count:
            raise DamagedShard(shard.path, "it is cut short")
        return records

    def _read_offsets(self, shard: Shard) -> np.ndarray:
        """Where each record of a shard begins, and where the last one ends."""
        row = self.rows[shard.number]
        try:
            summary = shard.summary()
            offsets = np.concatenate([[0], np.cumsum(summary["record_bytes"], dtype=np.int64)])
            if (summary["digest"], len(offsets) - 1) != (row["digest"], row["pictures"]):
                raise ValueError("of another shard")
            return offsets
        except (OSError, UserError, ValueError, KeyError, TypeError):
            raise DamagedShard(shard.summary_path, "missing, or not as it was written") from None


class TrainingReader:
    """The records that each training step of one host sees: a function of (seed, step).

    At most about `shuffle_buffer` records are held, divided by the hosts: half of them in use,
    half being read ahead.

    Args:
        records: of the training split.
        seed, batch_size, shuffle_buffer: settings of `Config`.
        host, hosts: this host takes the host-th of `hosts` equal parts of each batch.
    """

    def __init__(
        self,
        records: SplitReader,
        seed: int,
        batch_size: int,
        shuffle_buffer: int,
        host: int = 0,
        hosts: int = 1,
    ) -> None:
        self.records, self.batch_size = records, batch_size
        share = batch_size // hosts
        self.places = range(host * share, (host + 1) * share)  # in the batch
        self.chunk = max(1, shuffle_buffer // (2 * batch_size))
        self.epoch = functools.lru_cache(maxsize=3)(
            lambda number: Epoch(seed, number, records.pictures, batch_size, self.chunk)
        )
        self.pool = concurrent.futures.ThreadPoolExecutor(READERS, "records")
        self.chunks = functools.lru_cache(maxsize=2 * share + READERS)(
            lambda epoch, chunk: self.pool.submit(self._read_chunk, epoch, chunk)
        )

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The host's part of a step's batch.

        Returns:
            positions (share,) int64 in the whole training; luminance (share, size, size) and
            chrominance (share, size/2, size/2, 2) uint8; labels (share,) int64.

        Raises:
            DamagedShard: see `SplitReader.read`.
        """
        positions = [int(step) * self.batch_size + place for place in self.places]
        places = [self._place(position) for position in positions]
        chunks = [self.chunks(epoch, chunk) for epoch, chunk, _ in places]
        self._read_ahead(int(step), positions)
        found = [chunk.result()[row] for chunk, (_, _, row) in zip(chunks, places)]
        return np.array(positions), *stacked(found)

    def _place(self, position: int) -> tuple[int, int, int]:
        """(epoch, chunk, row) of a position in the whole training."""
        number, position = divmod(position, self.records.pictures)
        return number, *self.epoch(number).place(position)

    def _read_ahead(self, step: int, positions: list[int]) -> None:
        """Begin to read some of the chunks that follow the present ones, others at other steps."""
        for position in positions[step % self.chunk :: self.chunk]:
            epoch, chunk, _ = self._place(position + self.chunk * self.batch_size)
            self.chunks(epoch, chunk)

    def _read_chunk(self, epoch: int, chunk: int) -> list[Record]:
        """The records of a chunk, in the order in which the rows take them."""
        numbers, order = self.epoch(epoch).records(chunk)
        first, pictures = numbers.start % self.records.pictures, self.records.pictures
        before_end = min(len(numbers), pictures - first)
        found = self.records.read(first, before_end)
        found += self.records.read(0, len(numbers) - before_end)
        return [found[number] for number in order]


def stacked(records: list[Record]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(luminance, chrominance, labels) of some records, with an axis for them in front."""
    luminance, chrominance, labels, _ = zip(*records)
    return np.stack(luminance), np.stack(chrominance), np.array(labels, np.int64)
