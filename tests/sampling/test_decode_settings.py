import pytest

from reset.errors import ResetError
from reset.sampling.decode_settings import arms, plan, saved

TEMPERATURES, TOP_KS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], [5, 10, 20, 50, 70, 90, 100]
INTENT, PAPER = arms(TEMPERATURES, TOP_KS, 1.0), arms(TEMPERATURES, TOP_KS, 0.0)
GREEDY = arms([0.0], [], 0.0)
IDS = [f"nq/train/{number}" for number in range(400)]


def names(planned, sweep):
    return [one.setting.name for one in planned if one.sweep == sweep]


def test_one_sweep_walks_the_seven_values_of_one_arm():
    walks = {tuple(names(plan(example_id, INTENT, 1, 0), 0)) for example_id in IDS}
    assert walks == {
        ("t0.1", "t0.2", "t0.3", "t0.4", "t0.5", "t0.6", "t0.7"),
        ("k5", "k10", "k20", "k50", "k70", "k90", "k100"),
    }


def test_the_temperature_arm_has_top_k_off_and_the_top_k_arm_one_temperature():
    assert [(setting.temperature, setting.top_k) for setting in INTENT[0]] == [(t, 0) for t in TEMPERATURES]
    assert [(setting.temperature, setting.top_k) for setting in INTENT[1]] == [(1.0, k) for k in TOP_KS]


def test_about_half_of_the_examples_start_with_either_arm():
    first = [plan(example_id, INTENT, 1, 0)[0].setting.name for example_id in IDS]
    assert 160 < first.count("t0.1") < 240


def test_the_arm_depends_on_the_seed_and_the_example_alone():
    by_seed = [[plan(example_id, INTENT, 1, seed)[0].setting.name for example_id in IDS] for seed in (0, 0, 1)]
    assert by_seed[0] == by_seed[1] != by_seed[2]


def test_a_second_sweep_takes_the_other_arm_and_a_third_the_first_with_other_seeds():
    planned = plan("nq/train/1", INTENT, 3, 0)
    assert names(planned, 0) != names(planned, 1) and names(planned, 0) == names(planned, 2)
    assert len({one.seed for one in planned}) == len(planned) == 21


def test_more_sweeps_leave_the_first_ones_as_they_were():
    assert plan("nq/train/1", INTENT, 2, 0) == plan("nq/train/1", INTENT, 3, 0)[:14]


def test_an_empty_arm_leaves_the_other_to_every_example():
    assert {tuple(names(plan(example_id, GREEDY, 1, 0), 0)) for example_id in IDS} == {("greedy",)}
    assert names(plan("a", arms([], [5], 1.0), 2, 0), 1) == ["k5"]


def test_the_papers_literal_top_k_arm_is_seven_answers_of_one_text():
    for example_id in IDS[:20]:
        planned = plan(example_id, PAPER, 1, 0)
        assert len(planned) == 7
        assert saved(planned) == (6 if planned[0].setting.top_k else 0)
    assert saved(plan("a", PAPER, 2, 0)) == 6 and saved(plan("a", PAPER, 4, 0)) == 13
    assert saved(plan("a", INTENT, 4, 0)) == 0


def test_a_grid_without_settings_or_with_one_twice_or_below_zero_is_refused():
    for grid, message in (
        (([], [], 1.0), "needs a value in temperatures or in top_ks; both are empty"),
        (([0.1, 0.10], [], 1.0), "holds the setting 't0.1' twice"),
        (([-0.5], [], 1.0), "'t-0.5' has a value below 0"),
        (([], [5], -1.0), "'k5' has a value below 0"),
    ):
        with pytest.raises(ResetError, match=message):
            arms(*grid)


def test_a_temperature_of_zero_is_called_greedy_and_other_values_by_their_number():
    first, second = arms([0.0, 1.0, 0.25], [3], 0.5)
    assert [setting.name for setting in first] == ["greedy", "t1", "t0.25"]
    assert [(setting.name, setting.temperature, setting.top_k) for setting in second] == [("k3", 0.5, 3)]


def test_no_two_answers_of_a_pool_have_one_seed():
    seeds = [one.seed for example_id in IDS for one in plan(example_id, arms(TEMPERATURES, TOP_KS, 1.0), 2, 0)]
    assert len(set(seeds)) == len(seeds) == 14 * len(IDS)
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_prompt_has_the_arm_and_the_seeds_that_it_always_had():
    """As in the pools that are published: another seed would be another answer."""
    planned = plan("nq/train/1", arms([0.5], [5], 1.0), 2, 0)
    assert [(one.sweep, one.setting.name, one.seed) for one in planned] == [
        (0, "t0.5", 1425597841),
        (1, "k5", 960462091),
    ]
