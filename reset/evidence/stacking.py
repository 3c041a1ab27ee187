"""Several verdicts as one: their mean, and stacking (Wolpert 1992), a logistic regression of human labels on them.

Each row's stacked score is from a regression on other contexts (five folds), so it is not optimistic; its interval does
not count that another sample would give another regression.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from reset.evidence import logistic
from reset.evidence.labelled_responses import Labelled

Scores = Sequence[float | None]
MEAN, STACK = "mean of all", "stack of all"


def together(columns: Mapping[str, Scores], labelled: Sequence[Labelled], seed: int) -> dict[str, list[float | None]]:
    """Return the scores of MEAN and STACK in the order of the rows; null where any of `columns` is.

    STACK is left out if there are too few contexts of either label.
    """
    table = np.array([[np.nan if one is None else one for one in column] for column in columns.values()]).T
    whole = ~np.isnan(table).any(axis=1)  # (rows,)
    labels = np.array([float(one.faithful) for one in labelled])[whole]
    groups = [one.group for one, known in zip(labelled, whole, strict=True) if known]
    found = {MEAN: _placed(table[whole].mean(axis=1), whole)} if whole.any() else {}
    stacked = logistic.out_of_fold(table[whole], labels, groups, seed)
    if stacked is not None:
        found[STACK] = _placed(stacked, whole)
    return found


def _placed(values: logistic.Floats, whole: np.ndarray) -> list[float | None]:
    left = iter(values.tolist())
    return [next(left) if known else None for known in whole]
