"""95 % bootstrap intervals of macro averages, and of the paired difference of two systems on the same prompts.

Stratified: every data set is a stratum. A resample draws each stratum's prompts with replacement; a macro average is
the plain mean of the strata's means (paper 2.2). Training seeds are a second level, crossed with the prompts as in Owen
2007, "The pigeonhole bootstrap": a resample draws seeds (the same for all data sets, because one trained model answers
them all) and, independently, prompts (the same for all seeds). With only two or three seeds the intervals tend to be
too narrow. All are percentile intervals.

No interval and no p value is given if a stratum has fewer than `FEWEST` prompts, or if the resamples do not differ:
that would be certainty where there is none.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from reset.choosing.agreement import FEWEST, NO_SPREAD

Floats = npt.NDArray[np.float64]
Key = tuple[int, str]  # seed of the run, example_id
Scores = Mapping[str, Mapping[Key, float]]  # data set -> key -> score

_BLOCK = 250_000  # drawn values in memory at a time


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval, which is None where the scores do not tell it; all None without scores."""

    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Difference(Interval):
    """A mean difference with its interval and its two-sided p value; None as in `Interval`.

    `prompts` is the number of prompts scored in both systems, in the data set with the fewest.
    """

    p: float | None
    prompts: int


def interval(strata: Iterable[Sequence[float]], *, resamples: int, seed: int) -> Interval:
    """Return the macro mean of one or more strata of scores; strata without scores are left out."""
    grids = [np.asarray(stratum, dtype=np.float64)[:, None] for stratum in strata if len(stratum)]
    return _interval(grids, resamples, seed)[0]


def macro_difference(a: Scores, b: Scores, *, resamples: int, seed: int) -> Difference:
    """Return the macro mean of A minus B over the prompts scored in both, paired by (seed, example_id).

    `p` is that of a normal distribution with the bootstrap's standard error, so the number of resamples does not bound
    it from below.
    """
    grids = _difference_grids(a, b)
    if not grids:
        return Difference(None, None, None, None, 0)
    found, error = _interval(grids, resamples, seed)
    p = None if error is None else math.erfc(abs(found.mean or 0.0) / error / math.sqrt(2))
    return Difference(**asdict(found), p=p, prompts=min(map(len, grids)))


def macro_mean(scores: Scores, *, resamples: int, seed: int) -> Interval:
    """Return the macro mean of scores over prompts and seeds of runs."""
    zeros = {dataset: dict.fromkeys(keys, 0.0) for dataset, keys in scores.items()}
    return _interval(_difference_grids(scores, zeros), resamples, seed)[0]


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Adjust p values for multiple comparisons (Holm 1979: controls the family-wise error rate).

    None stays None and is not counted.
    """
    adjusted: list[float | None] = [None] * len(ps)
    ordered = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    least = 0.0
    for rank, (p, place) in enumerate(ordered):
        least = max(least, min(1.0, p * (len(ordered) - rank)))
        adjusted[place] = round(least, 6)
    return adjusted


def _difference_grids(a: Scores, b: Scores) -> list[Floats]:
    """A minus B as one grid (prompts, seeds) per data set, all with the same seeds; NaN where a pair is missing."""
    paired = {dataset: sorted(a[dataset].keys() & b[dataset].keys()) for dataset in sorted(a.keys() & b.keys())}
    seeds = sorted({seed for keys in paired.values() for seed, _ in keys})
    grids = []
    for dataset, keys in paired.items():
        prompts = {prompt: row for row, prompt in enumerate(sorted({prompt for _, prompt in keys}))}
        grid = np.full((len(prompts), len(seeds)), np.nan)
        for key in keys:
            grid[prompts[key[1]], seeds.index(key[0])] = a[dataset][key] - b[dataset][key]
        grids.append(grid)
    return [grid for grid in grids if grid.size]


def _interval(grids: Sequence[Floats], resamples: int, seed: int) -> tuple[Interval, float | None]:
    """The macro mean of the grids with its interval, and its standard error; None where they cannot be told."""
    if not grids:
        return Interval(None, None, None), None
    mean = float(np.mean([_mean_of_seeds(grid) for grid in grids]))
    if min(map(len, grids)) < FEWEST:
        return Interval(mean, None, None), None
    means = _resamples(grids, resamples, seed)
    error = float(np.nanstd(means))
    if error < NO_SPREAD:
        return Interval(mean, None, None), None
    low, high = np.nanpercentile(means, [2.5, 97.5])
    return Interval(mean, float(low), float(high)), error


def _resamples(grids: Sequence[Floats], resamples: int, seed: int) -> Floats:
    """The macro mean of the grids in each resample (resamples,)."""
    rng = np.random.default_rng(seed)
    seeds = grids[0].shape[1]
    drawn = rng.integers(seeds, size=(resamples, seeds))
    strata = [_resampled_means(grid, drawn, rng) for grid in grids]  # each (resamples,)
    means: Floats = np.mean(strata, axis=0)
    return means


def _mean_of_seeds(grid: Floats) -> float:
    """Mean over seeds of the mean over prompts, without NaN."""
    columns = [column[~np.isnan(column)] for column in grid.T]
    return float(np.mean([column.mean() for column in columns if column.size]))


def _resampled_means(grid: Floats, seeds: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Mean of `grid` (prompts, seeds) in each resample; draws the prompts, `seeds` (resamples, seeds) are given."""
    prompts = len(grid)
    present = ~np.isnan(grid)
    filled = np.where(present, grid, 0.0)
    step = max(1, _BLOCK // prompts)
    blocks = []
    for start in range(0, len(seeds), step):
        rows = rng.integers(prompts, size=(len(seeds[start : start + step]), prompts), dtype=np.int32)
        blocks.append(_means_per_seed(filled, present, rows))  # (block, seeds)
    means = np.take_along_axis(np.concatenate(blocks), seeds, axis=1)
    return _row_means(means)


def _means_per_seed(filled: Floats, present: npt.NDArray[np.bool_], rows: npt.NDArray[np.int32]) -> Floats:
    """Mean per seed over the drawn prompts `rows` (block, prompts); NaN where a seed has no pair among them."""
    columns = []
    for column in range(filled.shape[1]):
        total = filled[:, column][rows].sum(axis=1)
        whole = present[:, column].all()
        count = np.full(len(rows), rows.shape[1]) if whole else present[:, column][rows].sum(axis=1)
        columns.append(np.divide(total, count, out=np.full(len(rows), np.nan), where=count > 0))
    return np.stack(columns, axis=1)


def _row_means(means: Floats) -> Floats:
    """Mean of each row without NaN; NaN for rows that are all NaN."""
    present = ~np.isnan(means)
    count = present.sum(axis=1)
    total = np.where(present, means, 0.0).sum(axis=1)
    mean: Floats = np.divide(total, count, out=np.full(len(means), np.nan), where=count > 0)
    return mean
