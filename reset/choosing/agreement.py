"""Whether the judges of a pool agree, go by length, and gain together: what a choice by some of them does to all.

Agreement is Goodman and Kruskal's gamma within prompts: of the pairs of answers to one prompt that both judges tell
apart, the share that they order alike less the share that they order differently. It ranges over [-1, 1]; how hard a
prompt is plays no part. `length`, an answer's tokens, stands among the judges: gamma with it is a judge's length bias.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean, pstdev
from typing import Any

import numpy as np

LENGTH = "length"
DRIFT = 0.05  # tokens of the winners, relative to those of the pool, from which the length counts as drifting

Said = Mapping[str, float | None]  # verdict name -> score, with `length`


def gammas(prompts: Iterable[Sequence[Said]]) -> dict[str, dict[str, Any]]:
    """Gamma of each two names, under "a|b", with the number of pairs of answers that both tell apart."""
    groups = [group for group in prompts if len(group) > 1]
    names = sorted({name for group in groups for said in group for name in said})
    alike, apart = np.zeros((len(names), len(names))), np.zeros((len(names), len(names)))
    for group in groups:
        scores = np.array([[_number(said.get(name)) for name in names] for said in group])  # (answers, names)
        first, second = np.triu_indices(len(group), 1)
        order = np.nan_to_num(np.sign(scores[first] - scores[second]))  # (pairs, names); 0: a tie, or a null
        alike += order.T @ order
        apart += np.abs(order).T @ np.abs(order)
    return {
        f"{names[a]}|{names[b]}": {"gamma": round(alike[a, b] / apart[a, b], 4), "pairs": int(apart[a, b])}
        for a, b in combinations(range(len(names)), 2)
        if apart[a, b]
    }


def _number(score: float | None) -> float:
    return np.nan if score is None else score


def spreads(prompts: Iterable[Sequence[Mapping[str, float | None]]], weights: Mapping[str, float]) -> dict[str, float]:
    """What each axis brings to the weighted sum: weight times its standard deviation within a prompt, on average."""
    found: dict[str, list[float]] = {}
    for group in prompts:
        for axis in {axis for said in group for axis in said}:
            values = [value for said in group if (value := said.get(axis)) is not None]
            if len(values) > 1:
                found.setdefault(axis, []).append(weights[axis] * pstdev(values))
    return {axis: round(fmean(values), 6) for axis, values in sorted(found.items())}


def gains(pool: Iterable[Sequence[Said]], winners: Iterable[Said]) -> dict[str, dict[str, float]]:
    """Mean of each name over the pool, each prompt counted once, and over the winners."""
    before: dict[str, list[float]] = {}
    after: dict[str, list[float]] = {}
    for group in pool:
        for name in {name for said in group for name in said}:
            if values := [value for said in group if (value := said.get(name)) is not None]:
                before.setdefault(name, []).append(fmean(values))
    for said in winners:
        for name, value in said.items():
            if value is not None:
                after.setdefault(name, []).append(value)
    return {
        name: {"pool": round(fmean(before[name]), 6), "winners": round(fmean(after[name]), 6)}
        for name in sorted(before.keys() & after.keys())
    }


def warnings(gained: Mapping[str, Mapping[str, float]], selecting: Iterable[str]) -> list[str]:
    """Say where selecting judges rose while a watcher fell, or while answers grew longer or shorter."""
    chosen = set(selecting)
    rose = [name for name, said in gained.items() if name in chosen and said["winners"] > said["pool"]]
    if not rose:
        return []
    found = [
        f"{name} fell from {said['pool']:.3f} to {said['winners']:.3f} while {', '.join(rose)} rose"
        for name, said in gained.items()
        if name not in chosen and name != LENGTH and said["winners"] < said["pool"]
    ]
    length = gained.get(LENGTH)
    if length and abs(length["winners"] - length["pool"]) > DRIFT * length["pool"]:
        found.append(
            f"answers went from {length['pool']:.1f} to {length['winners']:.1f} tokens while {', '.join(rose)} rose"
        )
    return found
