"""Batches of rows of numbers, of few shapes.

oneDNN, which multiplies on a CPU, keeps what it builds for a matrix of another shape, over half a megabyte each time.
So lengths are rounded up to one of sixteen values in each doubling, numbers of rows to one of two.
"""

from collections.abc import Iterator, Sequence

import torch

LENGTHS, ROWS = 16, 2  # how many sizes there are in each doubling


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Group row numbers by length; a batch holds at most `batch_tokens` tokens, padding counted, or a single row."""
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    start = 0
    while start < len(order):
        most = max(1, batch_tokens // _up(lengths[order[start]], LENGTHS))
        size = most - most % _step(most, ROWS)
        yield order[start : start + size]
        start += size


def padded(rows: Sequence[Sequence[int]], fill: int, most: int) -> torch.Tensor:
    """Rows of one batch side by side, (pairs, longest), with `longest` rounded up, but not above `most`.

    Behind them the first row is repeated up to a rounded number of rows.
    """
    longest = max(map(len, rows))
    width = max(longest, min(_up(longest, LENGTHS), most))
    more = _up(len(rows), ROWS) - len(rows)
    return torch.tensor([[*row, *[fill] * (width - len(row))] for row in [*rows, *[rows[0]] * more]])


def _up(number: int, steps: int) -> int:
    """Round up to one of the sizes that there are, `steps` of them in each doubling."""
    step = _step(number, steps)
    return -(-number // step) * step


def _step(number: int, steps: int) -> int:
    return max(1, (1 << number.bit_length() - 1) // steps)
