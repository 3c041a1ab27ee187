"""Weights of objectives, proposed from what people said of an answer as a whole.

Where several objectives of a weight meet, a logistic regression of the overall label on their values, as judges give
them, tells how much each counts for a person. Its coefficients, scaled to the sum of the present weights, are the
proposal; a coefficient below 0 becomes 0. They hold for a weighted sum of values that are not normalised.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reset.evidence import logistic
from reset.evidence.judge_quality import Floats, draws
from reset.evidence.label_agreement import Labelled, Options
from reset.evidence.label_table import OVERALL


def weights(rows: Sequence[Labelled], present: Mapping[str, float], options: Options) -> list[dict[str, Any]]:
    """Return a proposal for each set of objectives that meet; `too_few` where labels are fewer than `least`.

    A set whose overall labels are all the same has no proposal.
    """
    groups: dict[tuple[str, ...], list[Labelled]] = {}
    for row in rows:
        names = tuple(name for name in row.values if present[name])
        known = all(row.values[name] is not None for name in names)
        if len(names) > 1 and known and row.label(OVERALL) is not None:
            groups.setdefault(names, []).append(row)
    return [_proposal(names, own, present, options) for names, own in groups.items()]


def _proposal(
    names: Sequence[str], rows: Sequence[Labelled], present: Mapping[str, float], options: Options
) -> dict[str, Any]:
    values = np.array([[row.values[name] for name in names] for row in rows], dtype=np.float64)
    labels = np.array([float((row.label(OVERALL) or 0.0) > 0.5) for row in rows])
    counts = {"objectives": [*names], "n": len(rows), "yes": int(labels.sum()), "too_few": len(rows) < options.least}
    if counts["too_few"] or labels.min() == labels.max():
        return counts
    total = sum(present[name] for name in names)
    drawn = draws([row.prompt for row in rows], min(options.resamples, 200), options.seed)  # a fit takes milliseconds
    fits = [_shares(values[own], labels[own]) for own in drawn if labels[own].min() < labels[own].max()]
    ends = np.percentile(np.array(fits), [2.5, 97.5], axis=0) if fits else [[None] * len(names)] * 2
    table = zip(names, _shares(values, labels), *ends, strict=True)
    proposed = {
        name: {"value": _weight(value, total), "low": _weight(low, total), "high": _weight(high, total)}
        for name, value, low, high in table
    }
    return {**counts, "weights": proposed, "present": {name: present[name] for name in names}}


def _weight(share: float | None, total: float) -> float | None:
    return None if share is None else round(float(share) * total, 4)


def _shares(values: Floats, labels: Floats) -> Floats:
    """What each column counts, at least 0, of a sum of 1; the same of each if none counts."""
    kept = np.maximum(logistic.coefficients(values, labels), 0.0)
    shares: Floats = kept / kept.sum() if kept.sum() else np.full(len(kept), 1 / len(kept))
    return shares
