"""What the choice among n answers is expected to bring."""

from itertools import combinations
from statistics import fmean

import pytest

from reset.choosing.candidates import Candidate
from reset.choosing.effects import best_of, figures, unequal_sweeps


def test_best_of_n_is_the_mean_over_all_draws():
    pools = [[0.1, 0.7, 0.4, 0.4], [1.0, 0.0, 0.5, 0.2, 0.9]]
    expected = [fmean(fmean(max(drawn) for drawn in combinations(pool, n)) for pool in pools) for n in range(1, 5)]
    assert best_of(pools) == pytest.approx([*expected, fmean([0.7, 1.0])])  # the first has four alone


def candidates(example_id, by_sweep):
    """Candidates with these scores, a list per sweep."""
    row = {"example_id": example_id, "dataset": "nq", "task": "extractive_qa", "finish_reason": "stop"}
    return [
        Candidate(
            row | {"answer_id": f"{example_id}|{s}|{n}", "setting": f"t{n}", "sweep": s, "text": f"{s} {n} {score}"},
            {"task": score},
            score,
            None,
        )
        for s, scores in enumerate(by_sweep)
        for n, score in enumerate(scores)
    ]


def test_where_prompts_have_unequal_sweeps_the_pool_is_described_by_its_first():
    first = {"easy": candidates("easy", [[0.8, 0.6]]), "hard": candidates("hard", [[0.0, 0.2]])}
    grown = {**first, "hard": candidates("hard", [[0.0, 0.2], [0.4, 0.1]])}
    assert (unequal_sweeps(first), unequal_sweeps(grown)) == ({}, {"1": 1, "2": 1})
    before, after = (
        figures(pool, {key: max(own, key=lambda one: one.score) for key, own in pool.items()}, {"task": 1.0}, 0.5)
        for pool in (first, grown)
    )
    assert after.pop("prompts_by_sweeps") == {"1": 1, "2": 1} and "prompts_by_sweeps" not in before
    assert after["objectives"]["task"]["pool"] == before["objectives"]["task"]["pool"] == 0.4
    for name in ("candidate_score", "best_of", "distinct_texts", "choice_matters"):
        assert after["datasets"]["nq"][name] == before["datasets"]["nq"][name], name
    assert after["datasets"]["nq"]["winner_score"] == pytest.approx(0.6)  # 0.8 and 0.4
    assert after["candidates"] == 6
