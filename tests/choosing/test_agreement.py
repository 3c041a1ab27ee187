"""Agreement of judges, their spread, and warnings, by hand and against scipy."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from reset.choosing.agreement import LENGTH, gains, gammas, spreads, warnings


def test_gamma_is_kendalls_tau_where_there_are_no_ties():
    rng = np.random.default_rng(0)
    scores = rng.permutation(20), rng.permutation(20)
    group = [{"a": float(a), "b": float(b)} for a, b in zip(*scores, strict=True)]
    assert gammas([group])["a|b"] == {"gamma": pytest.approx(kendalltau(*scores).statistic, abs=1e-4), "pairs": 190}


def test_only_answers_to_one_prompt_are_compared_and_ties_and_nulls_say_nothing():
    easy = [{"a": 0.9, "b": 0.2}, {"a": 0.8, "b": 0.3}, {"a": 0.9, "b": None}]
    hard = [{"a": 0.1, "b": 0.0}, {"a": 0.2, "b": 0.1}, {"a": 0.2, "b": 0.9}]
    # easy: one pair, ordered differently; hard: two pairs ordered alike, one tied by a
    assert gammas([easy, hard]) == {"a|b": {"gamma": round(1 / 3, 4), "pairs": 3}}
    assert gammas([[{"a": 1.0, "b": 0.0}]]) == {}


def test_a_judge_of_length_is_found_out():
    group = [{"wordy": n / 10, "fair": 0.5 - 0.1 * (n % 2), LENGTH: float(n)} for n in range(6)]
    found = gammas([group])
    assert found["length|wordy"]["gamma"] == 1.0
    assert abs(found["fair|length"]["gamma"]) < 0.4


def test_spread_is_the_weighted_deviation_within_a_prompt():
    groups = [[{"task": 0.0, "faithfulness": 0.4}, {"task": 1.0, "faithfulness": 0.6}], [{"task": 1.0}, {"task": 1.0}]]
    assert spreads(groups, {"task": 1.0, "faithfulness": 2.0}) == {"faithfulness": 0.2, "task": 0.25}


def test_gains_count_each_prompt_once():
    pool = [[{"a": 0.0}, {"a": 1.0}], [{"a": 0.0}] * 8, [{"a": None}]]
    assert gains(pool, [{"a": 1.0}, {"a": 0.0}, {"a": None}]) == {"a": {"pool": 0.25, "winners": 0.5}}


def test_a_watcher_that_falls_and_a_length_that_drifts_are_told_of():
    gained = {
        "summac": {"pool": 0.5, "winners": 0.7},
        "oracle": {"pool": 0.6, "winners": 0.55},
        "coverage": {"pool": 0.6, "winners": 0.8},
        LENGTH: {"pool": 20.0, "winners": 30.0},
    }
    assert warnings(gained, ["summac"]) == [
        "oracle fell from 0.600 to 0.550 while summac rose",
        "answers went from 20.0 to 30.0 tokens while summac rose",
    ]
    assert warnings(gained, ["oracle"]) == []
