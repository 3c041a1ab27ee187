"""The order of training rows: batches of like length, so that little is padded, in an order left to chance."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler

POOL = 40  # batches sorted by length together: rows that share a batch stay a matter of chance


class LengthGrouped(Sampler[int]):
    """Row numbers such that each run of `batch_size` is one batch of rows of like length; a smaller one comes last.

    The order depends on `seed` and the epoch alone, so a resumed run goes on where it stopped. `Trainer`'s own grouping
    leaves batches sorted from long to short, pool after pool: where tasks differ in length, each pool then ends on
    many steps of one task.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths, self._batch_size, self._seed, self._epoch = lengths, batch_size, seed, 0

    def __len__(self) -> int:
        return len(self._lengths)

    def set_epoch(self, epoch: int) -> None:
        """Take the order of this epoch."""
        self._epoch = epoch

    def batch(self, step: int) -> list[int]:
        """The rows of a step, counted from 0 over all epochs."""
        epoch, number = divmod(step, math.ceil(len(self._lengths) / self._batch_size))
        order = LengthGrouped(self._lengths, self._batch_size, self._seed)
        order.set_epoch(epoch)
        return list(order)[number * self._batch_size : (number + 1) * self._batch_size]

    def __iter__(self) -> Iterator[int]:
        chance = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        rows = torch.randperm(len(self._lengths), generator=chance).tolist()
        size = POOL * self._batch_size
        pools = (sorted(rows[at : at + size], key=self._lengths.__getitem__) for at in range(0, len(rows), size))
        ordered = [row for pool in pools for row in pool]
        whole = len(ordered) // self._batch_size
        for batch in [*torch.randperm(whole, generator=chance).tolist(), whole]:
            yield from ordered[batch * self._batch_size : (batch + 1) * self._batch_size]


class InOrder(Sampler[int]):
    """Row numbers as they come, for a trainer that needs rows beside their neighbours."""

    def __init__(self, rows: int, batch_size: int) -> None:
        self._rows, self._batch_size = rows, batch_size

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._rows))

    def batch(self, step: int) -> list[int]:
        """The rows of a step, counted from 0 over all epochs."""
        number = step % math.ceil(self._rows / self._batch_size)
        return list(self)[number * self._batch_size : (number + 1) * self._batch_size]
