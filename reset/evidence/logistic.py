"""Logistic regression by scikit-learn, which is no requirement of the line but comes with requirements/ui.txt."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from reset.errors import ResetError

Floats = npt.NDArray[np.float64]
FOLDS = 5


def available() -> bool:
    """Whether scikit-learn is installed."""
    try:
        import sklearn.linear_model  # noqa: F401  (takes a second to import; few commands need it)
    except ImportError:
        return False
    return True


def require() -> None:
    """Raise `ResetError` if scikit-learn is not installed."""
    if not available():
        raise ResetError("scikit-learn is not installed; requirements/ui.txt has it")


def coefficients(values: Floats, labels: Floats) -> list[float]:
    """Return the coefficient of each column of `values` (rows, columns), as they are, with scikit-learn's penalty."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=1000).fit(values, labels)
    return [float(one) for one in fitted.coef_[0]]


def out_of_fold(values: Floats, labels: Floats, groups: Sequence[str], seed: int) -> Floats | None:
    """Return the probability of label 1 for each row, by a regression on the folds that do not have its group.

    Columns are standardised within the folds. None if either class has fewer groups than there are `FOLDS`.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    names = np.array(groups)
    if min(len({*names[labels == one]}) for one in (0, 1)) < FOLDS:
        return None
    said: Floats = np.full(len(labels), np.nan)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(values, labels, names):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(values[train], labels[train])
        said[test] = model.predict_proba(values[test])[:, 1]
    return said
