"""Agreement between judges, length bias, and how selection moves each judge's scores.

Agreement is Goodman and Kruskal's gamma within prompts, in [-1, 1]: of the pairs of answers to the same prompt that
neither judge ties, the share ordered alike minus the share ordered differently. The difficulty of a prompt plays no
part. `length` (tokens of an answer) is treated as one more judge: gamma with it is a judge's length bias.

A judge's move is the mean over prompts of the winner's score minus the mean score of the prompt's answers, with a
normal 95 % interval. A move counts if the interval excludes 0.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean, pstdev, stdev
from typing import Any

import numpy as np

LENGTH = "length"
DRIFT = 0.05  # change of mean length, relative to the pool's, above which a warning is given
FEWEST = 10  # prompts: an interval or a p value of fewer says nothing, so none is given
STAND_IN = " (stand-in)"  # behind the name of every figure of a judge that stands in for a real one
NO_SPREAD = 1e-9  # standard errors below it are rounding: all differences are equal

AnswerScores = Mapping[str, float | None]  # of one answer: verdict name, or `length`, -> score
Move = dict[str, float | None]  # pool, winners, change, low, high


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
    """Return each objective's influence on the score: its weight times its mean standard deviation within a prompt."""
    by_name: dict[str, list[float]] = {}
    for group in prompts:
        for name in {name for answer in group for name in answer}:
            values = [value for answer in group if (value := answer.get(name)) is not None]
            if len(values) > 1:
                by_name.setdefault(name, []).append(weights[name] * pstdev(values))
    return {name: round(fmean(values), 6) for name, values in sorted(by_name.items())}


def gains(prompts: Iterable[tuple[Sequence[AnswerScores], AnswerScores | None]]) -> dict[str, Move]:
    """Return how the choice moved each name; of each prompt its answers are given, and its winner if it has one.

    `pool` is the mean over the pool (every prompt counted once) and `winners` that over the winners. `change` is the
    mean difference over the prompts that have a winner, `low` and `high` its 95 % interval: None if there are fewer
    than `FEWEST` such prompts, or if all differences are equal.
    """
    before: dict[str, list[float]] = {}
    after: dict[str, list[float]] = {}
    moves: dict[str, list[float]] = {}
    for group, winner in prompts:
        for name in {name for answer in group for name in answer}:
            values = [value for answer in group if (value := answer.get(name)) is not None]
            if values:
                before.setdefault(name, []).append(fmean(values))
            if values and winner is not None and (won := winner.get(name)) is not None:
                after.setdefault(name, []).append(won)
                moves.setdefault(name, []).append(won - fmean(values))
    return {
        name: {"pool": round(fmean(before[name]), 6), "winners": round(fmean(after[name]), 6), **_change(moves[name])}
        for name in sorted(after)
    }


def _change(moves: Sequence[float]) -> Move:
    """The mean of `moves` with its interval."""
    change = fmean(moves)
    error = stdev(moves) / math.sqrt(len(moves)) if len(moves) >= FEWEST else 0.0
    low, high = (change - 1.96 * error, change + 1.96 * error) if error > NO_SPREAD else (None, None)
    return {key: None if v is None else round(v, 6) for key, v in (("change", change), ("low", low), ("high", high))}


def direction(move: Mapping[str, float | None]) -> int:
    """Return 1 for a rise beyond the interval, -1 for such a fall, else 0."""
    low, high = move.get("low"), move.get("high")
    if low is None or high is None:
        return 0
    return int(low > 0) - int(high < 0)


def warnings(gained: Mapping[str, Move], selecting: Iterable[str], stand_ins: Collection[str] = ()) -> list[str]:
    """Warn where selecting judges rose while another judge fell, or while the answers' mean length drifted.

    Only moves beyond their intervals count, so a random choice gives no warning but by chance. Verdicts in `stand_ins`
    are called so.
    """
    chosen = set(selecting)
    called = {name: stand_in_label(name, stand_ins) for name in gained}
    rose = ", ".join(called[name] for name, move in gained.items() if name in chosen and direction(move) > 0)
    if not rose:
        return []
    texts = [
        f"{called[name]} fell by {_span(move, -1, '.3f')} while {rose} rose"
        for name, move in gained.items()
        if name not in chosen and name != LENGTH and direction(move) < 0
    ]
    length = gained.get(LENGTH)
    side = direction(length) if length else 0
    if length and side and abs(length["change"] or 0.0) > DRIFT * (length["pool"] or 0.0):
        longer = "longer" if side > 0 else "shorter"
        texts.append(f"answers got {longer} by {_span(length, side, '.1f')} tokens while {rose} rose")
    return texts


def stand_in_label(name: str, stand_ins: Collection[str]) -> str:
    """Return `name`, marked if it is among the `stand_ins`."""
    return f"{name}{STAND_IN}" if name in stand_ins else name


def _span(move: Move, sign: int, form: str) -> str:
    """The size of a change with its interval; `sign` is that of the change."""
    size, *ends = (sign * (move[key] or 0.0) for key in ("change", "low", "high"))
    return f"{size:{form}} [{min(ends):{form}}, {max(ends):{form}}]"
