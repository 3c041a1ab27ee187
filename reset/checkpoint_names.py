"""Names and paths of intermediate checkpoints (`cd/at/25` = system `cd` at 25 % of its steps).

`keep: [0.25]` in the row of system `cd` keeps that model; pools, systems and judges can name it like any other model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

AT = "/at/"


def folder(share: float) -> str:
    """The path in a system's folder of its checkpoint at `share` of its steps, in per cent: `at/25`."""
    return f"{AT[1:]}{100 * share:g}"


def step(share: float, steps: int) -> int:
    """The step after which `share` of all `steps` is done; at least 1."""
    return max(1, round(share * steps))


def models(keep: Mapping[str, Sequence[float]]) -> list[str]:
    """All models that systems make, given the shares they keep: the systems themselves, then their checkpoints."""
    return [*keep, *(f"{name}/{folder(share)}" for name, shares in keep.items() for share in shares)]


def system(model: str) -> str:
    """The system that a model is, or that it is a checkpoint of."""
    return model.partition(AT)[0]


@dataclass(frozen=True)
class Point:
    """An evaluated model on a system's training curve."""

    training: str  # the system
    evaluated: str  # the pool of the model's test answers
    share: float | None  # of the system's steps; None for the final model, which the dev loss chose


def ways(inits: Mapping[str, str], keep: Mapping[str, Sequence[float]], evaluated: Mapping[str, str]) -> list[Point]:
    """Training curves: for each system with an evaluated checkpoint, its start, checkpoints and final model.

    `inits` and `keep` map each system to its starting model and its kept shares, `evaluated` maps pools to models.
    Models that are not evaluated are left out.
    """
    pools = {model: pool for pool, model in reversed(list(evaluated.items()))}
    points = []
    for name, shares in keep.items():
        kept = [Point(name, pools[at], share) for share in sorted(shares) if (at := f"{name}/{folder(share)}") in pools]
        start = [Point(name, pools[inits[name]], 0.0)] if inits[name] in pools else []
        final = [Point(name, pools[name], None)] if name in pools else []
        points += [*start, *kept, *final] if kept else []
    return points
