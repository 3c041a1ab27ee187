"""What the choice among n answers is expected to bring."""

from itertools import combinations
from statistics import fmean

import pytest

from reset.choosing.effects import best_of


def test_best_of_n_is_the_mean_over_all_draws():
    pools = [[0.1, 0.7, 0.4, 0.4], [1.0, 0.0, 0.5, 0.2, 0.9]]
    expected = [fmean(fmean(max(drawn) for drawn in combinations(pool, n)) for pool in pools) for n in range(1, 5)]
    assert best_of(pools) == pytest.approx([*expected, fmean([0.7, 1.0])])  # the first has four alone
