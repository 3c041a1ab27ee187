"""Padded batches with few distinct shapes.

oneDNN, the CPU backend, caches over half a megabyte for every new matrix shape. So lengths are rounded up to one of 16
values per doubling (factor of 2), and numbers of rows to one of 2.
"""

from collections.abc import Iterator, Sequence

import torch

LENGTHS, ROWS = 16, 2  # distinct sizes per doubling


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Group row numbers by length; a batch holds at most `batch_tokens` tokens with padding, or a single row."""
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    start = 0
    while start < len(order):
        max_rows = max(1, batch_tokens // _round_up(lengths[order[start]], LENGTHS))
        size = max_rows - max_rows % _step_size(max_rows, ROWS)
        yield order[start : start + size]
        start += size


def padded(rows: Sequence[Sequence[int]], fill: int, max_length: int) -> torch.Tensor:
    """Return the rows of one batch as a tensor (rows, length), both rounded up; `max_length` limits the length.

    Copies of the first row fill up the rows.
    """
    longest = max(map(len, rows))
    width = max(longest, min(_round_up(longest, LENGTHS), max_length))
    extra_rows = _round_up(len(rows), ROWS) - len(rows)
    return torch.tensor([[*row, *[fill] * (width - len(row))] for row in [*rows, *[rows[0]] * extra_rows]])


def _round_up(number: int, steps: int) -> int:
    """Round up to one of `steps` sizes per doubling."""
    step = _step_size(number, steps)
    return -(-number // step) * step


def _step_size(number: int, steps: int) -> int:
    return max(1, (1 << number.bit_length() - 1) // steps)
