"""The rows by which the page filters: scores per objective, disagreement of judges, kept answers."""

from typing import Any

from reset.objectives import by_task
from reset.report import browser_index
from reset.report.browser_index import Names
from tests.support.paper_objectives import OBJECTIVES

NAMES = Names(["mtl", "mtl_reset"], ["faithfulness", "instruction", "task"], ["reset", "random"])


def answer(pool: str, id_: str, text: str = "It is so.", **scores: float | None) -> dict[str, Any]:
    return {
        "pool": pool,
        "id": id_,
        "text": text,
        "verdicts": [["j", name, score, ""] for name, score in scores.items()],
    }


def row(*answers: dict[str, Any], task: str = "summarization", picked: Any = ()) -> list[Any]:
    record = {
        "id": "a/test/1",
        "dataset": "a",
        "task": task,
        "question": "",
        "instruction": "Do.",
        "passages": ["One."],
    }
    record |= {"answers": list(answers), "picked": picked}
    return browser_index.row(record, ["test", 0, 3], by_task(OBJECTIVES)[task], NAMES)


def test_scores_are_means_per_objective_and_null_where_nobody_told() -> None:
    found = row(answer("mtl", "1", summac=0.5, rouge_l=None), answer("mtl", "2", summac=0.7), answer("mtl_reset", "3"))
    assert found[:6] == ["a/test/1", "test", "a", "One.", 0, 3]
    assert found[6] == {0: [0.6, None, None]}


def test_judges_disagree_on_one_thing_and_not_on_two() -> None:
    other_thing = row(answer("mtl", "1", summac=0.9, rouge_l=0.1))  # faithful and of little use: no disagreement
    assert other_thing[7] == {}
    second_opinion = row(answer("mtl", "1", summac=0.9, oracle=0.2), answer("mtl", "2", summac=0.5, oracle=0.5))
    assert second_opinion[7] == {0: 0.7}
    assert row(answer("mtl", "1", summac=None, oracle=0.2))[7] == {}


def test_a_stand_ins_verdict_counts_under_its_name() -> None:
    assert row(answer("mtl", "1", **{"summac (stand-in)": 0.4}))[6] == {0: [0.4, None, None]}


def test_equal_texts_are_the_same_winner() -> None:
    picks = [{"curated": "reset", "pool": "mtl", "answer": "1"}, {"curated": "random", "pool": "mtl", "answer": "2"}]
    same = row(answer("mtl", "1", "So."), answer("mtl", "2", "So."), picked=picks)
    assert same[8] == {0: 0, 1: 0}
    other = row(answer("mtl", "1", "So."), answer("mtl", "2", "No."), picked=picks)
    assert other[8] == {0: 0, 1: 1}
