"""Agreement between judges, length bias, and how selection moves each judge's mean.

Agreement is Goodman and Kruskal's gamma within prompts, in [-1, 1]: of the pairs of answers to the same prompt that
neither judge ties, the share ordered alike minus the share ordered differently. The difficulty of a prompt plays no
part. `length` (tokens of an answer) is treated as one more judge: gamma with it is a judge's length bias.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean, pstdev
from typing import Any

import numpy as np

LENGTH = "length"
DRIFT = 0.05  # change of mean length, relative to the pool's, above which a warning is given

AnswerScores = Mapping[str, float | None]  # of one answer: verdict name, or `length`, -> score


def gammas(prompts: Iterable[Sequence[AnswerScores]]) -> dict[str, dict[str, Any]]:
    """Return gamma for each two names, keyed "a|b", with the number of pairs of answers that neither ties."""
    groups = [group for group in prompts if len(group) > 1]
    names = sorted({name for group in groups for answer in group for name in answer})
    alike, apart = np.zeros((len(names), len(names))), np.zeros((len(names), len(names)))
    for group in groups:
        scores = np.array([[_nan_if_null(answer.get(name)) for name in names] for answer in group])  # (answers, names)
        first, second = np.triu_indices(len(group), 1)
        order = np.nan_to_num(np.sign(scores[first] - scores[second]))  # (pairs, names); 0: a tie, or a null
        alike += order.T @ order
        apart += np.abs(order).T @ np.abs(order)
    return {
        f"{names[a]}|{names[b]}": {"gamma": round(alike[a, b] / apart[a, b], 4), "pairs": int(apart[a, b])}
        for a, b in combinations(range(len(names)), 2)
        if apart[a, b]
    }


def _nan_if_null(score: float | None) -> float:
    return np.nan if score is None else score


def spreads(prompts: Iterable[Sequence[Mapping[str, float | None]]], weights: Mapping[str, float]) -> dict[str, float]:
    """Return the influence of each axis on the score: its weight times its mean standard deviation within a prompt."""
    by_axis: dict[str, list[float]] = {}
    for group in prompts:
        for axis in {axis for answer in group for axis in answer}:
            values = [value for answer in group if (value := answer.get(axis)) is not None]
            if len(values) > 1:
                by_axis.setdefault(axis, []).append(weights[axis] * pstdev(values))
    return {axis: round(fmean(values), 6) for axis, values in sorted(by_axis.items())}


def gains(pool: Iterable[Sequence[AnswerScores]], winners: Iterable[AnswerScores]) -> dict[str, dict[str, float]]:
    """Return the mean of each name over the pool (every prompt counted once) and over the winners."""
    before: dict[str, list[float]] = {}
    after: dict[str, list[float]] = {}
    for group in pool:
        for name in {name for answer in group for name in answer}:
            if values := [value for answer in group if (value := answer.get(name)) is not None]:
                before.setdefault(name, []).append(fmean(values))
    for winner in winners:
        for name, value in winner.items():
            if value is not None:
                after.setdefault(name, []).append(value)
    return {
        name: {"pool": round(fmean(before[name]), 6), "winners": round(fmean(after[name]), 6)}
        for name in sorted(before.keys() & after.keys())
    }


def warnings(gained: Mapping[str, Mapping[str, float]], selecting: Iterable[str]) -> list[str]:
    """Warn where selecting judges rose while another judge fell, or while the answers' mean length drifted."""
    chosen = set(selecting)
    rose = [name for name, means in gained.items() if name in chosen and means["winners"] > means["pool"]]
    if not rose:
        return []
    texts = [
        f"{name} fell from {means['pool']:.3f} to {means['winners']:.3f} while {', '.join(rose)} rose"
        for name, means in gained.items()
        if name not in chosen and name != LENGTH and means["winners"] < means["pool"]
    ]
    length = gained.get(LENGTH)
    if length and abs(length["winners"] - length["pool"]) > DRIFT * length["pool"]:
        texts.append(
            f"answers went from {length['pool']:.1f} to {length['winners']:.1f} tokens while {', '.join(rose)} rose"
        )
    return texts
