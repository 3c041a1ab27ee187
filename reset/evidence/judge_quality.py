"""Agreement of a judge's scores with human labels of faithfulness: AUROC, balanced accuracy, calibration, Brier score.

Intervals are 95 % bootstrap intervals that draw contexts with all their responses, because responses to one context are
similar. There is no interval for fewer than `LEAST` contexts, or if the resamples do not differ: that would be
certainty where there is none. Nothing is fitted: balanced accuracy uses a given threshold, so it is not optimistic.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from reset.choosing.agreement import NO_SPREAD
from reset.evidence.labelled_responses import Labelled

BINS = 5  # of equal width over [0, 1]
LEAST = 5  # contexts: an interval of fewer says nothing

Floats = npt.NDArray[np.float64]
Figure = Callable[[Floats, Floats], float]  # (scores, labels) -> figure, NaN if a class is missing
Draws = Sequence[npt.NDArray[np.int64]]  # row numbers of each resample


def auroc(scores: Floats, labels: Floats) -> float:
    """Return the probability that a faithful response scores above an unfaithful one; a tie counts one half."""
    good, bad = scores[labels == 1], scores[labels == 0]
    if not len(good) or not len(bad):
        return float("nan")
    above = good[:, None] - bad[None, :]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def balanced_accuracy(threshold: float) -> Figure:
    """Return the figure: mean recall of both classes if a score of `threshold` or more means faithful."""

    def figure(scores: Floats, labels: Floats) -> float:
        faithful = scores >= threshold
        if labels.min() == labels.max():
            return float("nan")
        return float((faithful[labels == 1].mean() + (~faithful[labels == 0]).mean()) / 2)

    return figure


def calibration_error(scores: Floats, labels: Floats) -> float:
    """Return the expected calibration error over `BINS` bins: mean |score - share of faithful responses|."""
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    gaps = [abs((scores[bins == b] - labels[bins == b]).mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(sum(gaps))


def brier(scores: Floats, labels: Floats) -> float:
    """Return the Brier score: mean squared difference of score and label."""
    return float(((scores - labels) ** 2).mean())


def measure(
    scores: Sequence[float | None], labelled: Sequence[Labelled], *, threshold: float, resamples: int, seed: int
) -> dict[str, Any]:
    """Return all figures of one verdict name, each with its interval; null scores are left out and counted."""
    scored = [(score, response) for score, response in zip(scores, labelled, strict=True) if score is not None]
    values = np.array([score for score, _ in scored])
    labels = np.array([float(response.faithful) for _, response in scored])
    groups = [response.group for _, response in scored]
    figures: dict[str, Figure] = {
        "auroc": auroc,
        "balanced_accuracy": balanced_accuracy(threshold),
        "calibration_error": calibration_error,
        "brier": brier,
    }
    counts = {"n": len(scored), "nulls": len(scores) - len(scored), "faithful": int(labels.sum())}
    if not scored:
        return {**counts, **{name: None for name in figures}}
    drawn = draws(groups, resamples, seed)
    return {**counts, **{name: interval(figure, drawn, values, labels) for name, figure in figures.items()}}


def draws(groups: Sequence[str], resamples: int, seed: int) -> Draws:
    """Return the row numbers of each resample, which draws whole groups with replacement; none of too few groups."""
    names = sorted(set(groups))
    if len(names) < LEAST:
        return []
    members = [np.array([row for row, group in enumerate(groups) if group == name]) for name in names]
    rng = np.random.default_rng(seed)
    return [
        np.concatenate([members[pick] for pick in rng.integers(len(names), size=len(names))]) for _ in range(resamples)
    ]


def interval(figure: Callable[..., float], drawn: Draws, *columns: Floats) -> dict[str, float | None]:
    """Return the figure of the columns and its interval; None where a missing class leaves them undefined."""
    resampled = np.array([figure(*(column[rows] for column in columns)) for rows in drawn])
    defined = resampled[~np.isnan(resampled)]
    tells = len(defined) > 0 and float(np.ptp(defined)) >= NO_SPREAD
    low, high = np.percentile(defined, [2.5, 97.5]) if tells else (np.nan, np.nan)
    values = {"value": figure(*columns), "low": float(low), "high": float(high)}
    return {name: None if np.isnan(value) else round(value, 4) for name, value in values.items()}
