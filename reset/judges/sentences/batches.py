"""Padded batches with few distinct shapes and little padding.

oneDNN, the CPU backend, caches over half a megabyte for every new matrix shape. So lengths are rounded up to one of 16
values per doubling (factor of 2), and numbers of rows to one of 2. In a small pool the lengths in a batch differ more:
there a batch ends when it would be padded with more than `PADDING` of `batch_tokens`.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import torch

LENGTHS, ROWS = 16, 2  # distinct sizes per doubling
SMALL = 8  # batches of a pool; in larger ones few tokens are padding, and more shapes would only take memory
PADDING = 1 / 32


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Group row numbers by length; a batch holds at most `batch_tokens` tokens with padding, or a single row."""
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    widths = [_round_up(lengths[row], LENGTHS) for row in order]
    spare = PADDING * batch_tokens if sum(widths) < SMALL * batch_tokens else float("inf")
    start = 0
    while start < len(order):
        max_rows = _round_down(max(1, batch_tokens // widths[start]), ROWS)
        padding = accumulate(widths[start] - width for width in widths[start : start + max_rows])
        size = sum(tokens <= spare for tokens in padding)
        size = size if start + size == len(order) else _round_down(size, ROWS)
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


def _round_down(number: int, steps: int) -> int:
    return number - number % _step_size(number, steps)


def _step_size(number: int, steps: int) -> int:
    return max(1, (1 << number.bit_length() - 1) // steps)
