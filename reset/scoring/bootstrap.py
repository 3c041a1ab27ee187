"""Bootstrap intervals for macro averages over data sets, and for the difference of two systems on the same prompts.

Stratified: each data set is a stratum whose prompts are drawn anew, with replacement, in each resample, and a macro
average is the plain mean of the strata's means (paper 2.2). Several training seeds are a second level, crossed with the
prompts: a resample draws seeds (the same draw for all data sets, since one trained model answers them all) and,
independently, prompts (the same draw for all seeds), as in Owen 2007, "The pigeonhole bootstrap". With two or three
seeds the draw of seeds says little: such intervals are too narrow rather than too wide. Intervals are percentile
intervals at 95 %.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Key = tuple[int, str]  # seed of the run, example_id
Scores = Mapping[str, Mapping[Key, float]]  # data set -> key -> score

_BLOCK = 250_000  # drawn values held in memory at a time


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval; all three are None where there was nothing to average."""

    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Difference(Interval):
    """A difference with its interval and `p`, two-sided, against no difference; None as in `Interval`."""

    p: float | None


def interval(strata: Iterable[Sequence[float]], *, resamples: int, seed: int) -> Interval:
    """Macro mean of one or more strata of scores; strata without scores take no part."""
    grids = [np.asarray(stratum, dtype=np.float64)[:, None] for stratum in strata if len(stratum)]
    return _interval(grids, resamples, seed)


def macro_difference(a: Scores, b: Scores, *, resamples: int, seed: int) -> Difference:
    """Macro mean of A minus B over the prompts that both have a score for, paired by (seed, example_id).

    `p` takes the mean for normal, with the bootstrap's standard error: it is not held up by the number of resamples.
    """
    grids = _differences(a, b)
    if not grids:
        return Difference(None, None, None, None)
    mean, means = _resamples(grids, resamples, seed)
    error = float(np.nanstd(means))
    p = math.erfc(abs(mean) / error / math.sqrt(2)) if error else float(mean == 0.0)
    return Difference(**asdict(_percentiles(mean, means)), p=p)


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Adjust p values for being shown together (Holm 1979): each stays below a level in no more than that share.

    None stays None and counts for nothing.
    """
    adjusted: list[float | None] = [None] * len(ps)
    known = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    least = 0.0
    for rank, (p, place) in enumerate(known):
        least = max(least, min(1.0, p * (len(known) - rank)))
        adjusted[place] = round(least, 6)
    return adjusted


def _differences(a: Scores, b: Scores) -> list[Floats]:
    """One grid (prompts, seeds) per data set; NaN where a seed lacks the pair. All grids have the same seeds."""
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


def _interval(grids: Sequence[Floats], resamples: int, seed: int) -> Interval:
    return _percentiles(*_resamples(grids, resamples, seed)) if grids else Interval(None, None, None)


def _percentiles(mean: float, means: Floats) -> Interval:
    low, high = np.nanpercentile(means, [2.5, 97.5])
    return Interval(mean, float(low), float(high))


def _resamples(grids: Sequence[Floats], resamples: int, seed: int) -> tuple[float, Floats]:
    """The macro mean of the grids and that of each resample (resamples,)."""
    rng = np.random.default_rng(seed)
    seeds = grids[0].shape[1]
    drawn = rng.integers(seeds, size=(resamples, seeds))
    strata = [_resampled(grid, drawn, rng) for grid in grids]  # of (resamples,) each
    return float(np.mean([_centre(grid) for grid in grids])), np.mean(strata, axis=0)


def _centre(grid: Floats) -> float:
    """Mean over seeds of the mean over prompts."""
    columns = [column[~np.isnan(column)] for column in grid.T]
    return float(np.mean([column.mean() for column in columns if column.size]))


def _resampled(grid: Floats, seeds: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Means of `grid` (prompts, seeds), its prompts drawn here and its seeds as given (resamples, seeds)."""
    prompts = len(grid)
    known = ~np.isnan(grid)
    filled = np.where(known, grid, 0.0)
    step = max(1, _BLOCK // prompts)
    blocks = []
    for start in range(0, len(seeds), step):
        rows = rng.integers(prompts, size=(len(seeds[start : start + step]), prompts), dtype=np.int32)
        blocks.append(_means(filled, known, rows))  # (block, seeds)
    means = np.take_along_axis(np.concatenate(blocks), seeds, axis=1)
    return _mean_of_known(means)


def _means(filled: Floats, known: npt.NDArray[np.bool_], rows: npt.NDArray[np.int32]) -> Floats:
    """Mean per seed over the drawn prompts; NaN where a draw holds no known pair of that seed."""
    columns = []
    for column in range(filled.shape[1]):
        total = filled[:, column][rows].sum(axis=1)
        count = known[:, column][rows].sum(axis=1) if not known[:, column].all() else np.full(len(rows), rows.shape[1])
        columns.append(np.divide(total, count, out=np.full(len(rows), np.nan), where=count > 0))
    return np.stack(columns, axis=1)


def _mean_of_known(means: Floats) -> Floats:
    """Row means that skip NaN, and are NaN only for rows of nothing else."""
    known = ~np.isnan(means)
    count = known.sum(axis=1)
    total = np.where(known, means, 0.0).sum(axis=1)
    mean: Floats = np.divide(total, count, out=np.full(len(means), np.nan), where=count > 0)
    return mean
