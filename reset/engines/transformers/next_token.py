"""The next token of each row of a batch: greedy, or sampled with a random number made of the row's seed and step."""

import torch

_KEEP_63 = (1 << 63) - 1  # mask to 63 bits: Python's integers do not overflow as those of a tensor do


def uniform(seeds: torch.Tensor, step: int) -> torch.Tensor:
    """Return one number in [0, 1) per row, a hash of its seed and the step (splitmix64). Shapes: (rows,) -> (rows,)."""
    mixed = seeds * 0x1E3779B97F4A7C15 + ((step + 1) * 0x1F58476D1CE4E5B9 & _KEEP_63)  # int64 overflows silently
    for shift, factor in ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15)):
        mixed = (mixed ^ _shift_right(mixed, shift)) * factor
    return _shift_right(mixed ^ _shift_right(mixed, 31), 11).double() / (1 << 53)


def _shift_right(numbers: torch.Tensor, bits: int) -> torch.Tensor:
    """Shift right, filling with zeros: `>>` on a signed tensor fills with the sign bit."""
    return (numbers >> bits) & ((1 << (64 - bits)) - 1)


def choose(
    logits: torch.Tensor, temperatures: torch.Tensor, top_ks: torch.Tensor, numbers: torch.Tensor
) -> torch.Tensor:
    """Return the next token of each row; temperature 0 is greedy, top-k 0 is off.

    `numbers` in [0, 1) pick tokens by the cumulative distribution. Shapes: (rows, vocabulary), 3 x (rows,) -> (rows,).
    """
    best = logits.argmax(dim=-1)
    sampled = temperatures > 0
    if not bool(sampled.any()):
        return best
    scaled = logits / torch.where(sampled, temperatures, 1.0)[:, None]
    largest_k = min(int(top_ks.max()), logits.shape[-1])
    if largest_k > 0:
        highest = scaled.topk(largest_k, dim=-1).values  # (rows, largest_k)
        lowest_kept = highest.gather(1, top_ks.clamp(1, largest_k)[:, None] - 1)
        scaled = scaled.masked_fill((top_ks > 0)[:, None] & (scaled < lowest_kept), -torch.inf)
    cumulative = scaled.softmax(dim=-1, dtype=torch.float64).cumsum(dim=-1)
    drawn = torch.searchsorted(cumulative, (numbers * cumulative[:, -1])[:, None], right=True)[:, 0]
    return torch.where(sampled, drawn.clamp(max=logits.shape[-1] - 1), best)
