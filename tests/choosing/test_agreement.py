"""Agreement of judges, their spread, and warnings, by hand and against scipy."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from reset.choosing.agreement import LENGTH, direction, gains, gammas, spreads, warnings


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
    pool = [[{"a": 0.0}, {"a": 1.0}], [{"a": 0.0}] * 8, [{"a": None}], [{"a": 0.25}]]
    move = gains(zip(pool, [{"a": 1.0}, {"a": 0.0}, {"a": None}, None], strict=True))["a"]
    assert (move["pool"], move["winners"], move["change"]) == (0.25, 0.5, 0.25)  # change: +0.5 and 0
    assert (move["low"], move["high"]) == (None, None)  # of two prompts


def moved(changes):
    """The move of a judge whose winner scores 0.5 plus so much, in pools with a mean of 0.5."""
    return gains(([{"a": 0.4}, {"a": 0.6}], {"a": 0.5 + change}) for change in changes)["a"]


def test_a_change_has_the_interval_of_its_mean():
    changes = np.random.default_rng(0).normal(0.1, 0.2, 400)
    move, error = moved(changes), 1.96 * changes.std(ddof=1) / 20
    assert [move[key] for key in ("change", "low", "high")] == pytest.approx(
        [changes.mean(), changes.mean() - error, changes.mean() + error], abs=1e-6
    )
    assert direction(move) == 1
    assert direction(moved(-changes)) == -1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([0.1] * 9 + [0.2], 1),
        ([0.1] * 8 + [0.2], 0),  # nine prompts are too few
        ([-0.01, 0.01] * 50, 0),
        ([0.1] * 50, 0),  # without spread nothing can be told
        ([0.1], 0),
    ],
)
def test_what_lies_within_the_interval_or_has_none_is_no_change(changes, expected):
    assert direction(moved(changes)) == expected


def span(pool, change, error):
    return {"pool": pool, "winners": pool + change, "change": change, "low": change - error, "high": change + error}


def test_a_watcher_that_falls_and_a_length_that_drifts_are_told_of():
    gained = {
        "summac": span(0.5, 0.2, 0.05),
        "oracle": span(0.6, -0.05, 0.02),
        "coverage": span(0.6, 0.2, 0.05),
        LENGTH: span(20.0, 10.0, 2.0),
    }
    assert warnings(gained, ["summac"]) == [
        "oracle fell by 0.050 [0.030, 0.070] while summac rose",
        "answers got longer by 10.0 [8.0, 12.0] tokens while summac rose",
    ]
    assert warnings(gained, ["oracle"]) == []
    assert warnings({**gained, LENGTH: span(20.0, -3.0, 2.0)}, ["summac"])[1:] == [
        "answers got shorter by 3.0 [1.0, 5.0] tokens while summac rose"
    ]


def test_a_fall_within_its_interval_is_no_warning_nor_is_a_rise_that_may_be_chance():
    fell, rose = span(0.27, -0.001, 0.004), span(0.5, 0.2, 0.05)
    assert warnings({"oracle": fell, "summac": rose, LENGTH: span(20.0, 10.0, 11.0)}, ["summac"]) == []
    assert warnings({"oracle": span(0.6, -0.05, 0.02), "summac": span(0.5, 0.01, 0.02)}, ["summac"]) == []
    assert warnings({"summac": rose, LENGTH: span(20.0, 0.9, 0.1)}, ["summac"]) == []  # less than a twentieth


def test_a_random_choice_gives_a_warning_by_chance_alone():
    rng, told = np.random.default_rng(0), 0
    for _ in range(200):
        pools = [[{"a": a, "b": b, LENGTH: n} for a, b, n in rng.random((7, 3))] for _ in range(60)]
        told += bool(warnings(gains((pool, pool[0]) for pool in pools), ["a"]))
    assert told <= 4  # 0.025 of the time `a` rises, and then seldom `b` falls or the length drifts


def test_a_verdict_of_a_stand_in_is_called_so_in_a_warning():
    gained = {"summac": span(0.5, 0.2, 0.05), "oracle": span(0.6, -0.05, 0.02)}
    assert warnings(gained, ["summac"], {"oracle"}) == [
        "oracle (stand-in) fell by 0.050 [0.030, 0.070] while summac rose"
    ]
