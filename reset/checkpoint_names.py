"""Intermediate checkpoints: the models that a system keeps at shares of its training, inside its own folder.

`keep: [0.25]` of the system `cd` is the model `cd/at/25`, which pools, systems and judges may name as any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

AT = "/at/"


def folder(share: float) -> str:
    """Where in a system's folder its model at `share` of the training lies: `at/25`, in per cent."""
    return f"{AT[1:]}{100 * share:g}"


def step(share: float, steps: int) -> int:
    """The step behind which `share` of all `steps` is done, at least the first."""
    return max(1, round(share * steps))


def models(keep: Mapping[str, Sequence[float]]) -> list[str]:
    """Every model that there will be of systems and the shares they keep: themselves, then their checkpoints."""
    return [*keep, *(f"{name}/{folder(share)}" for name, shares in keep.items() for share in shares)]


def system(model: str) -> str:
    """The system in whose training a model came about."""
    return model.partition(AT)[0]


@dataclass(frozen=True)
class Point:
    """An evaluated model on the way of a system's training; `share` is None for the one that the dev loss chose."""

    training: str  # the system
    evaluated: str  # the pool of its test answers
    share: float | None


def ways(inits: Mapping[str, str], keep: Mapping[str, Sequence[float]], evaluated: Mapping[str, str]) -> list[Point]:
    """The evaluated points of each system of which a kept checkpoint is evaluated, from its start on.

    `inits` and `keep` are of systems, `evaluated` names the model behind each evaluated pool.
    """
    pools = {model: pool for pool, model in reversed(list(evaluated.items()))}
    found = []
    for name, shares in keep.items():
        kept = [Point(name, pools[at], share) for share in sorted(shares) if (at := f"{name}/{folder(share)}") in pools]
        start = [Point(name, pools[inits[name]], 0.0)] if inits[name] in pools else []
        chosen = [Point(name, pools[name], None)] if name in pools else []
        found += [*start, *kept, *chosen] if kept else []
    return found
