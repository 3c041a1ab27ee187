"""Ways to make one order of several objectives: sums, AND, lexicographic with floors, the Pareto front."""

from math import exp, log

import pytest

from reset.choosing.candidates import Bars, Candidate, choose, unscored
from reset.choosing.combining import Rule, combined, rule_of

WEIGHTS = {"safety": 2.0, "brevity": 1.0}


def answers(*values: tuple[float, float], example: str = "q", task: str = "instruction") -> list[Candidate]:
    rows = [
        {"answer_id": f"{example}|{n}", "text": f"{example} {n}", "finish_reason": "stop", "task": task}
        for n in range(len(values))
    ]
    return [
        unscored(row, dict(zip(WEIGHTS, pair, strict=True)), WEIGHTS) for row, pair in zip(rows, values, strict=True)
    ]


def winner(candidates: list[Candidate]) -> str:
    best = choose(candidates, "best", 0)
    assert best is not None
    return str(best.row["answer_id"]).partition("|")[2]


def scored(*values: tuple[float, float], bars: Bars | None = None, **rule: object) -> list[Candidate]:
    return combined({"q": answers(*values)}, WEIGHTS, bars or Bars(), Rule(**rule))["q"]  # type: ignore[arg-type]


def test_the_weighted_sum_is_the_papers_and_lets_one_objective_pay_for_another() -> None:
    found = scored((1.0, 0.0), (0.5, 0.5))
    assert [one.score for one in found] == [2.0, 1.5]
    assert winner(found) == "0"


def test_log_sigmoids_ask_for_all_objectives_at_once() -> None:
    found = scored((1.0, 0.0), (0.6, 0.5), (0.0, 0.3), combine="log_sigmoid", reference=0.5, scale=10.0)
    assert winner(found) == "1"
    assert winner(scored((1.0, 0.0), (0.6, 0.5), (0.0, 0.3))) == "0"
    # references, the medians: 0.6 and 0.3
    by_hand = [2 * log(1 / (1 + exp(-10 * (x - 0.6)))) + log(1 / (1 + exp(-10 * (y - 0.3)))) for x, y in [(1.0, 0.0)]]
    assert found[0].score == pytest.approx(by_hand[0], abs=1e-8)


def test_lexicographic_the_first_objective_decides_unless_its_floor_satisfies() -> None:
    values = ((0.95, 0.1), (0.91, 0.9), (0.2, 1.0))
    assert winner(scored(*values, combine="lexicographic")) == "0"
    found = scored(*values, bars=Bars(floor={"safety": 0.9}), combine="lexicographic")
    assert winner(found) == "1"  # safe enough, and short
    assert found[2].why == "safety below 0.9"


def test_of_the_pareto_front_the_weighted_sum_chooses() -> None:
    values = ((0.5, 0.5), (0.6, 0.6), (0.1, 0.9), (0.1, 0.8))
    found = scored(*values, combine="pareto")
    assert [one.rank[0] for one in found] == [0.0, 1.0, 1.0, 0.0]
    assert winner(found) == "1"


def test_an_answer_that_cannot_win_pushes_no_other_off_the_front() -> None:
    found = scored((0.5, 0.5), (0.9, 0.6), bars=Bars(floor={"score": 3.0}), combine="pareto")
    assert [one.rank[0] for one in found] == [0.0, 0.0]
    found = scored((0.5, 0.9), (0.3, 0.95), (0.2, 0.1), bars=Bars(floor={"safety": 0.4}), combine="pareto")
    assert [one.rank[0] for one in found] == [1.0, 0.0, 0.0]


def test_normalised_values_have_mean_0_and_deviation_1_within_the_prompt_or_the_pool() -> None:
    pool = {"q": answers((0.0, 0.5), (1.0, 0.5)), "r": answers((0.4, 0.1), (0.6, 0.3), example="r")}
    within = combined(pool, WEIGHTS, Bars(), Rule(normalise="prompt"))
    assert [dict(one.scaled) for one in within["q"]] == [{"safety": -1, "brevity": 0}, {"safety": 1, "brevity": 0}]
    assert [one.score for one in within["r"]] == pytest.approx([-3.0, 3.0])
    over = combined(pool, WEIGHTS, Bars(), Rule(normalise="pool"))
    assert sum(one.scaled["safety"] or 0.0 for group in over.values() for one in group) == pytest.approx(0.0)
    assert over["q"][1].values == {"safety": 1.0, "brevity": 0.5}  # told as they are


def test_floors_are_asked_of_the_values_as_they_are() -> None:
    found = scored((0.4, 0.5), (0.8, 0.5), bars=Bars(floor={"safety": 0.5}), normalise="prompt")
    assert [one.why for one in found] == ["safety below 0.5", None]


def test_metrics_say_how_unless_it_is_the_papers_way() -> None:
    assert Rule(reference=0.85, scale=10.0).told() == {}
    assert Rule("pareto").told() == {"rule": {"combine": "pareto", "normalise": "none"}}
    assert set(Rule("log_sigmoid").told()["rule"]) == {"combine", "normalise", "reference", "scale"}


def test_lexicographic_answers_that_all_floors_satisfy_go_by_the_weighted_sum() -> None:
    values = ((0.6, 0.7), (0.9, 0.7), (0.7, 0.7))
    bars = Bars(floor={"safety": 0.5, "brevity": 0.5})
    for turn in range(3):
        turned = values[turn:] + values[:turn]
        assert winner(scored(*turned, bars=bars, combine="lexicographic")) == str(turned.index((0.9, 0.7)))


@pytest.mark.parametrize("normalise", ["prompt", "pool"])
def test_normalising_leaves_out_verdicts_that_are_missing(normalise: str) -> None:
    weights = {"safety": 2.0, "brevity": 0.0}
    pairs: tuple[tuple[float, float | None], ...] = ((1.0, None), (0.0, 0.4), (0.5, 0.8))
    rows = [one.row for one in answers((0.0, 0.0), (0.0, 0.0), (0.0, 0.0))]
    pool = [
        unscored(row, dict(zip(weights, pair, strict=True)), weights) for row, pair in zip(rows, pairs, strict=True)
    ]
    found = combined({"q": pool}, weights, Bars(), Rule(normalise=normalise))["q"]  # type: ignore[arg-type]
    assert [one.scaled["brevity"] for one in found] == [None, pytest.approx(-1.0), pytest.approx(1.0)]
    alone = combined({"q": pool[:1]}, weights, Bars(), Rule(normalise=normalise))["q"]  # type: ignore[arg-type]
    assert (alone[0].scaled, alone[0].score) == ({"safety": 0.0, "brevity": None}, 0.0)


def test_a_curated_set_may_have_a_rule_of_its_own_else_that_of_select() -> None:
    select = {"combine": "pareto", "normalise": "pool", "log_sigmoid": {"reference": 0.7, "scale": 3.0}}
    plain = Rule("pareto", "pool", reference=0.7, scale=3.0, length_penalty=0.0)
    assert rule_of(select, {}) == rule_of(select, {"combine": None, "length_penalty": 0.0}) == plain
    own = rule_of(select, {"combine": "log_sigmoid", "length_penalty": 0.01})
    assert own == Rule("log_sigmoid", "pool", reference=0.7, scale=3.0, length_penalty=0.01)
