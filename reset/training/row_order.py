"""The order of training rows: length-grouped batches, which need little padding, in a random order."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler

POOL = 40  # batches per sorted pool of rows; few enough that batches stay randomly composed


class LengthGrouped(Sampler[int]):
    """Yields row numbers; every `batch_size` of them are a batch of rows of similar length. A smaller batch comes last.

    The order depends only on `seed` and the epoch, so a resumed run continues where it stopped. `Trainer`'s own length
    grouping sorts the batches of each pool from long to short: if tasks differ in length, every pool then ends with
    many steps of one task.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths, self._batch_size, self._seed, self._epoch = lengths, batch_size, seed, 0

    def __len__(self) -> int:
        return len(self._lengths)

    def set_epoch(self, epoch: int) -> None:
        """Use the order of this epoch."""
        self._epoch = epoch

    def batch(self, step: int) -> list[int]:
        """Return the row numbers of a step; steps count from 0 over all epochs."""
        epoch, number = divmod(step, math.ceil(len(self._lengths) / self._batch_size))
        order = LengthGrouped(self._lengths, self._batch_size, self._seed)
        order.set_epoch(epoch)
        return list(order)[number * self._batch_size : (number + 1) * self._batch_size]

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        rows = torch.randperm(len(self._lengths), generator=generator).tolist()
        size = POOL * self._batch_size
        pools = (rows[start : start + size] for start in range(0, len(rows), size))
        ordered = [row for pool in pools for row in sorted(pool, key=self._lengths.__getitem__)]
        full_batches = len(ordered) // self._batch_size
        for batch in [*torch.randperm(full_batches, generator=generator).tolist(), full_batches]:
            yield from ordered[batch * self._batch_size : (batch + 1) * self._batch_size]


class InOrder(Sampler[int]):
    """Yields row numbers in order, for a trainer whose rows depend on their neighbours."""

    def __init__(self, rows: int, batch_size: int) -> None:
        self._rows, self._batch_size = rows, batch_size

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._rows))

    def batch(self, step: int) -> list[int]:
        """Return the row numbers of a step; steps count from 0 over all epochs."""
        number = step % math.ceil(self._rows / self._batch_size)
        return list(self)[number * self._batch_size : (number + 1) * self._batch_size]
