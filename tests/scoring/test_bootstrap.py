"""Bootstrap intervals: their centre, their width, their pairing and their speed."""

import numpy as np
import pytest

from reset.scoring.bootstrap import Difference, Interval, holm, interval, macro_difference, macro_mean
from tests.support.pace import at_most

pytestmark = pytest.mark.slow


def run(values, *, seed=0, dataset="nq"):
    return {dataset: {(seed, str(number)): float(value) for number, value in enumerate(values)}}


def test_interval_of_one_stratum_is_that_of_its_mean():
    values = np.random.default_rng(0).normal(0.5, 0.2, 400)
    found = interval([values], resamples=4000, seed=1)
    error = 1.96 * values.std() / 20
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - error, abs=0.1 * error)
    assert found.high == pytest.approx(values.mean() + error, abs=0.1 * error)


def test_macro_mean_gives_each_data_set_the_same_weight():
    found = interval([[1.0, 0.9] * 50, [0.0, 0.1] * 5], resamples=100, seed=0)
    assert found.mean == pytest.approx(0.5)


@pytest.mark.parametrize("strata", [[[1.0]], [[0.1, 0.9] * 4], [[0.1, 0.9] * 50, [0.1, 0.9]]])
def test_a_mean_of_too_few_prompts_of_a_data_set_has_no_interval(strata):
    assert interval(strata, resamples=10, seed=0) == Interval(
        pytest.approx(np.mean([np.mean(s) for s in strata])), None, None
    )


def test_scores_that_are_all_equal_have_no_interval():
    assert interval([[0.3] * 50], resamples=100, seed=0) == Interval(pytest.approx(0.3), None, None)


@pytest.mark.parametrize("prompts", [1, 2, 9])
def test_a_difference_on_too_few_prompts_has_neither_interval_nor_p_value(prompts):
    found = macro_difference(run([0.9] * prompts), run(np.arange(prompts) / 10), resamples=100, seed=0)
    assert (found.low, found.high, found.p, found.prompts) == (None, None, None, prompts)
    assert found.mean is not None


def test_differences_that_are_equal_but_for_rounding_have_neither_interval_nor_p_value():
    values = np.random.default_rng(0).random(200)
    found = macro_difference(run(values + 0.1), run(values), resamples=100, seed=0)
    assert found == Difference(pytest.approx(0.1), None, None, None, 200)
    assert macro_difference(run(values), run(values), resamples=100, seed=0) == Difference(0.0, None, None, None, 200)


def test_prompts_are_those_of_the_smallest_data_set():
    a = run(np.random.default_rng(0).random(30)) | run(np.random.default_rng(1).random(12), dataset="small")
    b = {name: {key: 0.0 for key in scores} for name, scores in a.items()}
    found = macro_difference(a, b, resamples=100, seed=0)
    assert found.prompts == 12 and found.p is not None


def test_interval_of_nothing_is_null():
    assert interval([[], []], resamples=10, seed=0) == Interval(None, None, None)
    assert macro_difference(run([1.0]), run([1.0], dataset="other"), resamples=10, seed=0).mean is None


def test_same_seed_gives_the_same_interval_and_order_of_prompts_does_not_matter():
    a, b = run([0.1, 0.9, 0.4, 0.7] * 3), run([0.2, 0.5, 0.4, 0.1] * 3)
    turned = {"nq": dict(reversed(a["nq"].items()))}
    first = macro_difference(a, b, resamples=200, seed=3)
    assert first == macro_difference(turned, b, resamples=200, seed=3)
    assert first != macro_difference(a, b, resamples=200, seed=4)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(2000):
        found = interval([rng.normal(size=60) for _ in range(4)], resamples=500, seed=trial)
        hits += found.low <= 0 <= found.high
    assert 0.93 <= hits / 2000 <= 0.96  # 0.943 in 6,000 trials: percentile intervals are a little narrow


def test_difference_is_paired_by_prompt():
    rng = np.random.default_rng(0)
    hard = rng.normal(0.5, 0.3, 200)  # prompts differ much more than the systems do
    better = run(hard + 0.02 + rng.normal(0, 0.01, 200))
    found = macro_difference(better, run(hard), resamples=1000, seed=0)
    assert 0.015 < found.low < found.mean < found.high < 0.025


def test_prompts_that_one_system_lacks_take_no_part():
    a, b = run([1.0, 0.5] * 6), run([0.0] * 12)
    a["nq"][0, "only in a"], b["nq"][0, "only in b"] = 100.0, 100.0
    found = macro_difference(a, b, resamples=10, seed=0)
    assert (found.mean, found.prompts) == (0.75, 12)


def test_difference_over_seeds_is_the_mean_of_the_seeds_and_wider_where_they_disagree():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, (3, 300))

    def systems(shifts):
        scores = {(s, str(n)): shifts[s] + noise[s, n] for s in range(3) for n in range(300)}
        return {"nq": scores}, {"nq": dict.fromkeys(scores, 0.0)}

    agreed = macro_difference(*systems([0.1, 0.1, 0.1]), resamples=2000, seed=0)
    torn = macro_difference(*systems([0.0, 0.1, 0.2]), resamples=2000, seed=0)
    assert agreed.mean == pytest.approx(0.1 + noise.mean())
    assert torn.mean == pytest.approx(agreed.mean)
    assert agreed.high - agreed.low < 0.05 < 0.15 < torn.high - torn.low


def test_seeds_may_differ_in_their_prompts():
    a = {"nq": {(0, f"x{n}"): 1.0 for n in range(6)} | {(1, f"z{n}"): 0.0 for n in range(6)}}
    b = {"nq": dict.fromkeys(a["nq"], 0.0)}
    found = macro_difference(a, b, resamples=500, seed=0)
    assert (found.mean, found.low, found.high) == (0.5, 0.0, 1.0)


@pytest.mark.parametrize("seeds", [1, 3])
def test_ten_thousand_resamples_of_six_thousand_prompts_take_about_a_second(seeds):
    rng = np.random.default_rng(0)
    keys = [(s, str(n)) for s in range(seeds) for n in range(1000)]
    a, b = ({f"set {d}": dict(zip(keys, rng.random(len(keys)), strict=True)) for d in range(6)} for _ in range(2))
    with at_most(4):  # one where nothing else runs
        macro_difference(a, b, resamples=10_000, seed=0)


def test_p_of_a_difference_follows_its_distance_from_zero():
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.1, 400)
    noise -= noise.mean()
    found = [
        macro_difference(run(noise + shift), run(np.zeros(400)), resamples=2000, seed=0).p for shift in (0, 0.01, 0.1)
    ]
    assert found[0] == pytest.approx(1.0)
    assert found[1] == pytest.approx(0.0455, abs=0.015)  # two standard errors
    assert found[2] < 1e-10


def test_holm_is_that_of_a_worked_example_and_leaves_nulls_out():
    assert holm([0.01, None, 0.04, 0.03, 0.005]) == [0.03, None, 0.06, 0.06, 0.02]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_systems_without_a_data_set_in_common_have_no_difference():
    other = run([0.5] * 30, dataset="mrqa")
    assert macro_difference(run([0.5] * 30), other, resamples=10, seed=0) == Difference(None, None, None, None, 0)


def test_systems_that_are_equal_on_average_have_a_p_value_of_one():
    found = macro_difference(run([0.0, 1.0] * 50), run([1.0, 0.0] * 50), resamples=200, seed=0)
    assert (found.mean, found.p) == (0.0, 1.0)
    assert found.low < 0 < found.high


def test_the_mean_of_a_system_is_that_of_its_seeds_and_prompts():
    noise = np.random.default_rng(1).normal(0.5, 0.1, 60)
    scores = {"nq": {(seed, str(n)): value + seed / 10 for seed in (0, 1) for n, value in enumerate(noise)}}
    found = macro_mean(scores, resamples=500, seed=3)
    assert found.mean == pytest.approx(noise.mean() + 0.05)
    assert found.low < found.mean < found.high
    assert found == macro_mean(scores, resamples=500, seed=3) != macro_mean(scores, resamples=500, seed=4)


@pytest.mark.filterwarnings("error")
def test_intervals_are_those_that_they_always_were():
    """As in the metrics that are published; nothing is divided by zero where a seed lacks prompts."""
    strata = [[n * 7 % 10 / 10 for n in range(40)], [n * 3 % 10 / 10 + 0.05 for n in range(30)]]
    found = interval(strata, resamples=1000, seed=0)
    assert (found.mean, found.low, found.high) == pytest.approx((0.475, 0.40873958, 0.53834375))
    first = {(seed, str(n)): n * 7 % 10 / 10 for seed in (0, 1) for n in range(40) if (n + seed) % 5}
    second = {(seed, str(n)): n * 3 % 10 / 20 + seed / 10 for seed in (0, 1) for n in range(40)}
    difference = macro_difference({"nq": first}, {"nq": second}, resamples=1000, seed=0)
    told = (difference.mean, difference.low, difference.high, difference.p, difference.prompts)
    assert told == pytest.approx((0.175, 0.00805645, 0.35461039, 0.04579297, 40))
    sparse = {"nq": {(seed, str(n)): n / 10 for n in range(12) for seed in ([0, 1] if n == 0 else [0])}}
    assert macro_mean(sparse, resamples=200, seed=0).mean == pytest.approx((0.55 + 0.0) / 2)
