"""The winners of a judged pool under many weights at once, as NumPy arrays; they are those that stage `select` chooses.

A score is a weighted sum of terms (`reset.choosing.combining`), so one product of matrices scores all answers under all
weights. What can be scored, and the terms, depend on which weights are 0; `Pool` is for one such set of objectives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt

from reset.choosing.candidates import Candidate, draw
from reset.choosing.combining import Combine, Rule

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """The candidates of all prompts; prompts and answers are in the order in which ties are decided."""

    objectives: tuple[str, ...]
    counted: tuple[str, ...]  # the objectives of weight above 0
    datasets: tuple[str, ...]
    dataset: Ints  # (prompts,), an index of `datasets`
    values: Floats  # (prompts, answers, objectives); NaN: null, or of no objective of the task
    asked: Flags  # (prompts, answers, objectives): whether the task has the objective
    terms: Floats  # (prompts, answers, objectives); 0 where there is none
    taken_off: Floats  # (prompts, answers): what a score loses for the length
    free: Flags  # (prompts, answers): whether nothing but a floor can bar the answer

    def columns(self, names: Sequence[str]) -> list[int]:
        """Return the places of objectives in the last axis."""
        return [self.objectives.index(name) for name in names]


def arranged(
    pool: Mapping[str, Sequence[Candidate]], objectives: Sequence[str], counted: Sequence[str], rule: Rule, seed: int
) -> Pool:
    """Arrange candidates that were scored without floors (`combining.combined`); `seed` decides ties."""
    prompts = [
        sorted(pool[example_id], key=lambda one: (one.is_gold, draw(seed, one.row["answer_id"])))
        for example_id in sorted(pool, key=lambda example_id: draw(seed, example_id))
    ]
    datasets = sorted({answers[0].row["dataset"] for answers in prompts})
    shape = (len(prompts), max(map(len, prompts), default=0), len(objectives))
    values, terms, taken_off = np.full(shape, np.nan), np.zeros(shape), np.zeros(shape[:2])
    asked, free = np.zeros(shape, dtype=np.bool_), np.zeros(shape[:2], dtype=np.bool_)
    place = {name: column for column, name in enumerate(objectives)}
    for row, answers in enumerate(prompts):
        for column, one in enumerate(answers):
            free[row, column] = one.can_win
            taken_off[row, column] = rule.taken_off(one)
            for name, value in one.values.items():
                asked[row, column, place[name]] = True
                values[row, column, place[name]] = np.nan if value is None else value
            for name, value in one.terms.items():
                terms[row, column, place[name]] = value
    dataset = np.array([datasets.index(answers[0].row["dataset"]) for answers in prompts], dtype=np.int64)
    return Pool(tuple(objectives), tuple(counted), tuple(datasets), dataset, values, asked, terms, taken_off, free)


def able(pool: Pool, floors: Mapping[str, float]) -> Flags:
    """Return which answers can win (prompts, answers) under floors of objectives; that of `score` is left out."""
    free = pool.free
    for name, least in floors.items():
        if name in pool.objectives:
            (column,) = pool.columns([name])
            free = free & ~(pool.asked[..., column] & ~(pool.values[..., column] >= least))
    return free


def winners(pool: Pool, weights: Floats, floors: Mapping[str, float], combine: Combine, share: float) -> Floats:
    """Return the winners' values (prompts, weightings, objectives and one), the last 1; NaN where there is no winner.

    `weights` is (weightings, objectives), each above 0 for what `pool` counts; `share` is that of the prompts kept.
    """
    free = able(pool, floors)
    lead = _LEADS.get(combine, _no_lead)(pool, free, floors)  # (prompts, answers)
    score = np.round(pool.terms @ weights.T - pool.taken_off[..., None], 9)  # (prompts, answers, weightings)
    score[~free] = -inf
    score[score < floors.get("score", -inf)] = -inf
    if combine in _LEADS:
        ahead = np.where(score > -inf, lead[..., None], -1)
        score[ahead < ahead.max(axis=1, keepdims=True)] = -inf
    first = score.argmax(axis=1)  # (prompts, weightings)
    best = np.take_along_axis(score, first[:, None], axis=1)[:, 0]
    values = np.take_along_axis(pool.values, first[..., None], axis=1)  # (prompts, weightings, objectives)
    kept = best > -inf
    if share < 1:
        kept &= _thin(pool, best, np.take_along_axis(lead, first, axis=1), share)
    values[~kept] = np.nan
    return np.concatenate([values, np.where(kept, 1.0, np.nan)[..., None]], axis=2)


def _no_lead(pool: Pool, _: Flags, __: Mapping[str, float]) -> Ints:
    return np.zeros(pool.free.shape, dtype=np.int64)


def _lexicographic(pool: Pool, _: Flags, floors: Mapping[str, float]) -> Ints:
    satisfied = np.array([floors.get(name, inf) for name in pool.counted])
    values = np.minimum(np.nan_to_num(pool.values[..., pool.columns(pool.counted)]), satisfied)
    _, ranks = np.unique(values.reshape(-1, len(pool.counted)), axis=0, return_inverse=True)
    return ranks.reshape(pool.free.shape).astype(np.int64)


def _pareto(pool: Pool, free: Flags, _: Mapping[str, float]) -> Ints:
    values = np.nan_to_num(pool.values[..., pool.columns(pool.counted)])
    own, other = values[:, :, None], values[:, None]  # (prompts, answers, answers, objectives)
    beaten = (other >= own).all(axis=3) & (other > own).any(axis=3) & free[:, None]
    return (free & ~beaten.any(axis=2)).astype(np.int64)


_LEADS = {"lexicographic": _lexicographic, "pareto": _pareto}


def _thin(pool: Pool, score: Floats, lead: Ints, share: float) -> Flags:
    """Which prompts (prompts, weightings) are among the best `share` of their data set's winners."""
    kept = np.zeros(score.shape, dtype=np.bool_)
    for number in range(len(pool.datasets)):
        rows = np.flatnonzero(pool.dataset == number)
        best, ahead = score[rows].T, np.where(score[rows] > -inf, lead[rows], -1).T  # (weightings, prompts)
        order = np.lexsort((-best, -ahead), axis=1)
        place = np.empty_like(order)
        np.put_along_axis(place, order, np.arange(len(rows))[None], axis=1)
        most = np.round(share * (best > -inf).sum(axis=1))
        kept[rows] = (place < most[:, None]).T
    return kept


def means(pool: Pool, values: Floats) -> Floats:
    """Return the macro averages (columns...) of `values` (prompts, columns...): over data sets, of their means."""
    averages: Floats = resampled(pool, values, np.ones((1, len(pool.dataset))))[0]
    return averages


def resampled(pool: Pool, values: Floats, counts: Floats) -> Floats:
    """Return `means` (resamples, columns...); each prompt counts as often as `counts` (resamples, prompts) says."""
    known = ~np.isnan(values)
    flat, there = np.where(known, values, 0.0).reshape(len(values), -1), known.reshape(len(values), -1).astype(float)
    total = np.zeros((len(counts), flat.shape[1]))
    strata = np.zeros_like(total)
    for number in range(len(pool.datasets)):
        rows = pool.dataset == number
        weight = counts[:, rows] @ there[rows]
        total += np.where(weight > 0, counts[:, rows] @ flat[rows] / np.where(weight > 0, weight, 1.0), 0.0)
        strata += weight > 0
    averaged = np.where(strata > 0, total / np.where(strata > 0, strata, 1.0), np.nan)
    return averaged.reshape(len(counts), *values.shape[1:])


def draws(pool: Pool, resamples: int, seed: int) -> Floats:
    """Draw the prompts of each data set with replacement: how often each was drawn (resamples, prompts)."""
    rng = np.random.default_rng(seed)
    counts = np.zeros((resamples, len(pool.dataset)))
    for number in range(len(pool.datasets)):
        rows = np.flatnonzero(pool.dataset == number)
        counts[:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=resamples)
    return counts
