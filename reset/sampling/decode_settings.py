"""Decode settings and sweeps (paper 5.1).

A sweep varies one of two hyper-parameters for an example: temperature with top-k off, or top-k at a fixed temperature.
The seed picks which one the first sweep varies; then they alternate (the paper does not say: docs/choices.md).
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reset.errors import ResetError


@dataclass(frozen=True)
class Setting:
    """One decode setting; temperature 0 is greedy, `top_k` 0 is off."""

    name: str
    temperature: float
    top_k: int


@dataclass(frozen=True)
class Planned:
    """One answer to be sampled."""

    sweep: int
    setting: Setting
    seed: int

    @property
    def computed_as(self) -> str:
        """Cache key: answers with the same key are identical by construction; at temperature 0 all share one key."""
        return "greedy" if self.setting.temperature == 0 else f"{self.setting.name}|{self.sweep}"


Arms = tuple[tuple[Setting, ...], tuple[Setting, ...]]


def arms(temperatures: Sequence[float], top_ks: Sequence[int], top_k_temperature: float) -> Arms:
    """Return the two arms of a grid: one setting per temperature, one per top-k.

    Raises `ResetError` for an empty grid, a duplicate setting or a value below zero.
    """
    grid = (
        tuple(Setting("greedy" if t == 0 else f"t{t:g}", t, 0) for t in temperatures),
        tuple(Setting(f"k{k}", top_k_temperature, k) for k in top_ks),
    )
    counts = Counter(setting.name for arm in grid for setting in arm)
    if not counts:
        raise ResetError("A decode grid needs a value in temperatures or in top_ks; both are empty")
    if twice := [name for name, count in counts.items() if count > 1]:
        raise ResetError(f"A decode grid holds the setting '{twice[0]}' twice")
    if below := [setting for arm in grid for setting in arm if setting.temperature < 0 or setting.top_k < 0]:
        raise ResetError(f"Decode setting '{below[0].name}' has a value below 0")
    return grid


def derived_seed(*parts: object) -> int:
    """Return a 31-bit seed, a hash of `parts`."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) >> 1


def plan(example_id: str, grid: Arms, sweeps: int, seed: int) -> list[Planned]:
    """Return the answers to sample for one example, each with its own seed."""
    first = derived_seed(seed, example_id, "arm") % 2
    planned = []
    for sweep in range(sweeps):
        chosen = grid[(first + sweep) % 2] or grid[(first + sweep + 1) % 2]
        planned += [Planned(sweep, setting, derived_seed(seed, example_id, setting.name, sweep)) for setting in chosen]
    return planned


def saved(planned: Sequence[Planned]) -> int:
    """Return how many of one example's answers repeat another and need not be computed."""
    return len(planned) - len({answer.computed_as for answer in planned})
