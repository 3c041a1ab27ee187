"""Winners worth learning from: doubles once, prompts on which judges disagree, length, several answers to a prompt."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reset.choosing import exclusions
from reset.choosing.candidates import Bars, Candidate
from reset.choosing.combining import Rule
from reset.files.tables import Row
from reset.objectives import Speaker
from tests.choosing.test_select import Pool, qa
from tests.support.paper_objectives import OBJECTIVES

Kept = tuple[Any, dict[str, Any], list[Row]]


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return Pool(tmp_path)  # type: ignore[no-untyped-call]


def keep(pool: Pool, **options: Any) -> Kept:
    kept: Kept = pool.keep(**options)  # type: ignore[no-untyped-call]
    return kept


def add(pool: Pool, example_id: str, *answers: tuple[str, float, float], dataset: str = "nq") -> None:
    """Answers as text, exact match and span coverage."""
    said = [(text, qa(match, span), 0) for text, match, span in answers]  # type: ignore[no-untyped-call]
    pool.add(example_id, said, dataset)  # type: ignore[no-untyped-call]


def texts(rows: list[Row]) -> list[str]:
    return [row["response"] for row in rows]


def test_near_identical_answers_count_once_and_the_best_stays(pool: Pool) -> None:
    add(pool, "q", ("The hall is blue.", 0, 1), ("the hall is blue", 1, 1), ("a red hall", 0, 0.5))
    _, figures, rows = keep(pool, per_prompt=3)
    assert len(rows) == 3
    _, figures, rows = keep(pool, per_prompt=3, bars=Bars(near_identical=1.0))
    assert texts(rows) == ["the hall is blue", "a red hall"]
    assert figures["candidates_barred"] == {exclusions.NEAR_IDENTICAL: 1}


@pytest.mark.parametrize(("bound", "rows"), [(0.74, 1), (0.75, 2)])
def test_answers_above_the_bound_of_common_words_are_near_identical(pool: Pool, bound: float, rows: int) -> None:
    add(pool, "q", ("red blue green", 1, 1), ("green blue red grey", 0, 1))
    assert exclusions.overlap(Counter("abc"), Counter("cbad")) == 0.75
    assert len(keep(pool, per_prompt=2, bars=Bars(near_identical=bound))[2]) == rows


def test_a_barred_answer_pushes_no_other_out(pool: Pool) -> None:
    add(pool, "q", ("red blue", 1, 0.2), ("blue red", 0, 0.6))
    found = keep(pool, bars=Bars(floor={"faithfulness": 0.5}, near_identical=0.5))[2]
    assert texts(found) == ["blue red"]


def test_winners_stay_the_same_when_doubles_count_once(pool: Pool) -> None:
    for number in range(20):
        add(pool, f"q{number}", ("x y", 1, 1), ("y x", 1, 1), ("X Y.", 1, 1), ("z", 0, 0))
    assert texts(keep(pool)[2]) == texts(keep(pool, bars=Bars(near_identical=1.0))[2])


def test_several_answers_to_a_prompt_are_its_best_of_different_texts(pool: Pool) -> None:
    add(pool, "q", ("a", 1, 1), ("a", 1, 1), ("b", 0, 1), ("c", 0, 0))
    add(pool, "r", ("d", 0, 0))
    account, _, rows = keep(pool, per_prompt=2)
    assert [(row["response"], row["repeat"]) for row in rows] == [("a", 0), ("b", 1), ("d", 0)]
    assert account.as_dict() == {"rows_in": 2, "rows_out": 2, "set_aside": {}}
    random = keep(pool, per_prompt=2, pick="random")[2]
    assert len({row["response"] for row in random if row["example_id"] == "q"}) == 2


def test_best_overall_takes_the_best_answers_whatever_their_prompt(pool: Pool) -> None:
    add(pool, "q", ("a", 1, 1), ("b", 1, 0.9), ("c", 1, 0.8))
    add(pool, "r", ("d", 0, 0.1), ("e", 0, 0), ("f", 0, 0))
    add(pool, "s", ("g", 1, 0.7), ("h", 0, 0), ("i", 0, 0), dataset="bioasq")
    account, _, rows = keep(pool, pick="best_overall", share=0.34, per_prompt=2)
    assert texts(rows) == ["a", "b", "g"]  # 2 of nq's 6 answers, 1 of bioasq's 3
    assert account.as_dict()["set_aside"] == {"outside the kept share": 1}
    assert texts(keep(pool, pick="best_overall", share=0.34, per_prompt=1)[2]) == ["a", "d", "g"]


def test_a_prompt_on_which_judges_disagree_is_dropped_and_counted(pool: Pool) -> None:
    verdicts = ("span_coverage", "unigram_coverage")
    jury = replace(OBJECTIVES["faithfulness"], verdicts={"extractive_qa": Speaker(verdicts)})
    for name, other in (("q", 0.2), ("r", 0.9)):
        said = {**qa(1.0, 1.0), "unigram_coverage": other}  # type: ignore[no-untyped-call]
        pool.add(name, [("Ann", said, 0)])  # type: ignore[no-untyped-call]
    objectives = {**OBJECTIVES, "faithfulness": jury}
    account, figures, rows = keep(pool, objectives=objectives, bars=Bars(disagreement=0.5))
    assert [row["example_id"] for row in rows] == ["r"]
    assert account.as_dict()["set_aside"] == {f"no answer can win: {exclusions.DISAGREE}": 1}
    assert figures["candidates_barred"] == {exclusions.DISAGREE: 1}
    assert len(keep(pool, objectives=objectives)[2]) == 2


def test_disagreement_is_the_mean_spread_of_the_verdicts_that_speak_for_an_objective() -> None:
    answers = [Candidate({"answer_id": name}, {}, score, None) for name, score in (("a", 1.0), ("b", 1.0), ("c", None))]
    scores = {"a": {"x": 0.1, "y": 0.5}, "b": {"x": 0.2, "y": None}, "c": {"x": 0.0, "y": 1.0}}
    one, both = {"k": Speaker(("x",))}, {"k": Speaker(("x", "y"))}
    assert exclusions.disagreement(answers, scores, one) == 0.0
    assert exclusions.disagreement(answers, scores, both) == pytest.approx(0.4)  # b has one verdict, c no score


def test_a_penalty_per_word_lets_the_shorter_of_two_good_answers_win(pool: Pool) -> None:
    add(pool, "q", ("in the long blue hall", 1, 1), ("blue hall", 0.8, 1))
    assert texts(keep(pool)[2]) == ["in the long blue hall"]
    _, figures, (row,) = keep(pool, rule=Rule(length_penalty=0.1))
    assert (row["response"], row["score"]) == ("blue hall", 2.6)
    assert figures["rule"] == {"combine": "weighted_sum", "normalise": "none", "length_penalty": 0.1}
    assert "rule" not in keep(pool)[1]


def test_winners_with_the_value_0_and_below_a_bound_are_counted(pool: Pool) -> None:
    add(pool, "q", ("a", 0, 0))
    add(pool, "r", ("b", 0.4, 0.6))
    add(pool, "s", ("c", 1, 0.3), dataset="bioasq")
    figures = keep(pool, counted_below=0.5)[1]
    assert figures["datasets"]["nq"]["low"] == {
        "faithfulness": {"zero": 1, "below": 1},
        "task": {"zero": 1, "below": 2},
    }
    assert figures["datasets"]["bioasq"]["low"]["faithfulness"] == {"zero": 0, "below": 1}
    assert figures["objectives"]["faithfulness"] == {"winners": 0.3, "pool": 0.3}  # the mean of 0.3 and 0.3
