"""Agreement of raters: Krippendorff's own worked examples, scikit-learn's kappa, and values that tell nothing."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score

from reset.evidence.rater_agreement import accuracy, alpha, kappa, of_two


def matrix(*raters: str) -> np.ndarray:
    """Units by raters, from a line of values for each rater; a dot is none."""
    codes = {letter: float(number) for number, letter in enumerate("abcde", start=1)}
    rows = [[np.nan if one == "." else codes.get(one) or float(one) for one in line.split()] for line in raters]
    return np.array(rows).T


# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": its sections A, B and C, and E for an interval scale.
TWO = ("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
NAMES = ("a a b b d c c c e d d a", "b a b b b c c c e d d d")
FOUR = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)


@pytest.mark.parametrize(
    ("raters", "level", "published"),
    [(TWO, "nominal", 0.095), (NAMES, "nominal", 0.692), (FOUR, "nominal", 0.743), (FOUR, "interval", 0.849)],
)
def test_alpha_is_that_of_krippendorffs_examples(raters, level, published):
    assert alpha(matrix(*raters), level) == pytest.approx(published, abs=5e-4)


def test_alpha_by_hand():
    """Two raters, three units: observed (0 + 0 + 2) / 6; expected of 1 1 0 0 1 0 is 2 * 3 * 3 / (6 * 5)."""
    assert alpha(matrix("1 0 1", "1 0 0"), "nominal") == pytest.approx(1 - (2 / 6) / (18 / 30))


def test_alpha_of_values_that_tell_nothing_is_undefined():
    assert np.isnan(alpha(matrix("1 . 1", ". 1 ."), "nominal"))
    assert np.isnan(alpha(matrix("1 1", "1 1"), "interval"))
    assert np.isnan(alpha(np.full((0, 2), np.nan), "nominal"))


def test_alpha_of_two_values_is_the_same_on_both_levels():
    rng = np.random.default_rng(1)
    first, second = (rng.integers(0, 2, 40).astype(float) for _ in range(2))
    assert of_two("nominal")(first, second) == pytest.approx(of_two("interval")(first, second))


@pytest.mark.parametrize("seed", range(4))
def test_kappa_and_accuracy_equal_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.random(50).round(1), (rng.random(50) < 0.6).astype(float)
    assert kappa(0.4)(scores, labels) == pytest.approx(cohen_kappa_score(labels == 1, scores >= 0.4))
    assert accuracy(0.4)(scores, labels) == pytest.approx(accuracy_score(labels == 1, scores >= 0.4))


def test_kappa_of_two_constants_is_undefined():
    assert np.isnan(kappa(0.5)(np.ones(3), np.ones(3)))
