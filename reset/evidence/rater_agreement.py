"""Agreement of two or more raters: accuracy, Cohen's kappa (Cohen 1960) and Krippendorff's alpha.

Alpha is 1 - observed / expected disagreement over all pairs of values, as in Krippendorff 2011, "Computing
Krippendorff's Alpha-Reliability": of any number of raters, with values missing, for nominal values (two are equal or
not) and for those on an interval scale (the squared difference). 1 is agreement, 0 what chance gives.
"""

from typing import Literal

import numpy as np

from reset.evidence.judge_quality import Figure, Floats

Level = Literal["nominal", "interval"]


def accuracy(threshold: float) -> Figure:
    """Return the figure: share of rows where a score of `threshold` or more means label 1, and any other label 0."""
    return lambda scores, labels: float(((scores >= threshold) == (labels == 1)).mean())


def kappa(threshold: float) -> Figure:
    """Return the figure: Cohen's kappa of scores, cut at `threshold`, and labels; NaN if both are constant."""

    def figure(scores: Floats, labels: Floats) -> float:
        said, meant = scores >= threshold, labels == 1
        observed = float((said == meant).mean())
        yes, no = said.mean() * meant.mean(), (1 - said.mean()) * (1 - meant.mean())
        expected = float(yes + no)
        return (observed - expected) / (1 - expected) if expected < 1 else float("nan")

    return figure


def alpha(values: Floats, level: Level) -> float:
    """Return Krippendorff's alpha of `values` (units, raters), NaN where a rater said nothing.

    NaN if no unit has two values, or if all values are equal.
    """
    paired = values[(~np.isnan(values)).sum(axis=1) > 1]
    known = paired[~np.isnan(paired)]
    if len(known) == 0 or known.min() == known.max():
        return float("nan")
    counts = (~np.isnan(paired)).sum(axis=1)  # (units,)
    points = _coordinates(known, level)  # (values, coordinates)
    owner = np.repeat(np.arange(len(paired)), counts)
    sums = np.zeros((len(paired), points.shape[1]))
    np.add.at(sums, owner, points)
    squares = np.bincount(owner, weights=(points**2).sum(axis=1))
    within = counts * squares - (sums**2).sum(axis=1)  # the squared differences of all pairs of each unit
    observed = float((within / (counts - 1)).sum()) / len(known)
    centred = points - points.mean(axis=0)
    expected = float((centred**2).sum()) / (len(known) - 1)
    return 1 - observed / expected


def of_two(level: Level) -> Figure:
    """Return the figure: alpha of two raters who said something of every row."""
    return lambda first, second: alpha(np.stack([first, second], axis=1), level)


def _coordinates(values: Floats, level: Level) -> Floats:
    """Points whose squared distance is the difference of two values, up to a factor that alpha does not see."""
    if level == "interval":
        return values[:, None]
    return np.asarray(values[:, None] == np.unique(values)[None, :], dtype=np.float64)
