"""What speaks for an objective: a verdict or a combination of verdicts, nulls, transformations, averages."""

import pytest

from reset import objectives
from reset.choosing.candidates import Bars, barred
from reset.objectives import Objective, Speaker
from tests.support.paper_objectives import OBJECTIVES, PLAIN

SAID = {"a": 0.2, "b": 0.9, "c": 0.4, "null": None}


@pytest.mark.parametrize(
    ("take", "of", "value"),
    [
        ("mean", "ab", 0.55),
        ("min", "abc", 0.2),
        ("max", "abc", 0.9),
        ("median", "abc", 0.4),
        ("vote", "abc", 0.0),
        ("vote", "ab", 0.5),
        ("vote", "bb", 1.0),
        ("deviation", "ab", 0.35),
        ("deviation", "bb", 0.0),
        ("dissent", "abc", 1 / 3),
        ("dissent", "abbb", 0.25),
        ("dissent", "ab", 0.5),
        ("dissent", "ac", 0.0),
    ],
)
def test_several_verdicts_speak_together(take: str, of: str, value: float) -> None:
    assert Speaker(tuple(of), take).value(SAID) == pytest.approx(value)


def test_a_combination_is_null_if_any_verdict_is_or_if_all_are() -> None:
    assert Speaker(("a", "null"), "mean", "any").value(SAID) is None
    assert Speaker(("a", "null"), "mean", "all").value(SAID) == 0.2
    assert Speaker(("null", "not given"), "mean", "all").value(SAID) is None
    assert Speaker(("null",)).value(SAID) is None


def test_one_verdict_alone_disagrees_with_none_and_is_null() -> None:
    for take in objectives.DIFFERENCES:
        assert Speaker(("a", "null"), take, "all").value(SAID) is None
        assert Speaker(("a", "null", "b"), take, "any").value(SAID) is None
    assert Speaker(("a", "null", "b"), "deviation", "all", "invert").value(SAID) == pytest.approx(0.65)


def test_answers_on_which_the_jury_disagrees_are_barred_by_a_floor_of_its_agreement() -> None:
    jury = {"take": "deviation", "of": ["a", "b"], "null_if": "any"}
    row = {**PLAIN, "weight": 0.0, "floor": 0.8, "transform": "invert", "verdicts": {"summarization": jury}}
    declared = objectives.read({"agreement": row})
    bars = Bars(floor=objectives.floors(declared, {}))
    speaker = declared["agreement"].verdicts["summarization"]
    answer = {"text": "A mill.", "finish_reason": "stop"}
    said = [{"a": 0.2, "b": 0.9}, {"a": 0.8, "b": 0.9}, {"a": 0.8, "b": None}]
    assert [barred(answer, {"agreement": speaker.value(scores)}, bars) for scores in said] == [
        "agreement below 0.8",
        None,
        "no agreement score",
    ]


def test_a_value_may_be_turned_round_or_held_against_a_threshold() -> None:
    assert Speaker(("b",), transform="invert").value(SAID) == pytest.approx(0.1)
    assert [Speaker((name,), transform={"at_least": 0.4}).value(SAID) for name in "abc"] == [0.0, 1.0, 1.0]
    assert Speaker(("null",), transform="invert").value(SAID) is None


def test_what_rests_on_a_stand_in_is_left_out_and_its_task_kept() -> None:
    row = {**PLAIN, "verdicts": {"instruction": {"take": "min", "of": ["rating", "safe"], "null_if": "any"}}}
    declared = objectives.read({"safety": row})
    assert objectives.by_task(declared, "rating_weak")["instruction"]["safety"].verdicts == ("rating_weak", "safe")
    assert objectives.by_task(declared, "rating", {"safe"}) == {"instruction": {}}


def test_a_floor_of_its_own_takes_the_place_of_the_objectives() -> None:
    declared = {"safety": Objective({}, floor=0.5), "task": Objective({}, floor=0.1)}
    assert objectives.floors(declared, {"safety": None, "score": 2.0}) == {"task": 0.1, "score": 2.0}


def test_the_papers_objectives_are_compared_and_summed_up_as_its_tables_do() -> None:
    assert objectives.measures(OBJECTIVES) == {
        "seen faithfulness": ("faithfulness", "seen"),
        "unseen faithfulness": ("faithfulness", "unseen"),
        "instruction": ("instruction", None),
        "task": ("task", None),
    }
    parts = ("seen", "unseen", "abstractive", "extractive")
    assert objectives.overview(OBJECTIVES) == [*(f"faithfulness_{part}" for part in parts), "instruction", "task"]
    assert objectives.by_kind(OBJECTIVES) == [
        *("faithfulness_abstractive", "faithfulness_extractive", "task_abstractive", "task_extractive", "instruction"),
    ]


def test_an_objective_of_instructions_and_contexts_has_averages_of_both() -> None:
    speaker = Speaker(("short",))
    both = {"brevity": Objective(dict.fromkeys(("instruction", "extractive_qa"), speaker), compare=("all", "seen"))}
    assert objectives.by_kind(both) == ["brevity_extractive", "brevity_instruction"]
    assert objectives.overview(both) == ["brevity", "brevity_seen", "brevity_extractive", "brevity_instruction"]
    assert objectives.by_kind({"brevity": Objective({"instruction": speaker})}) == ["brevity"]
