"""Conditions on a comparison: an average that no changed system has is told, and a limit itself does not fail."""

import pytest

from reset.errors import ResetError
from reset.evidence import gate


def row(system: str, score: str, difference: float | None) -> dict[str, object]:
    interval = {"low": None, "high": None, "prompts": 9}
    return {"system": system, "score": score, "dataset": None, "difference": difference, **interval}


def condition(below: bool = True, system: str | None = None) -> gate.Condition:
    return gate.Condition("task < -0.1", system, "task", below, -0.1)


def test_a_condition_holds_beyond_its_limit_and_not_at_it() -> None:
    found = gate.results({"scores": [row("a", "task", -0.2), row("b", "task", -0.1)]}, [condition()])
    assert [(one["system"], one["fails"]) for one in found] == [("a", True), ("b", False)]
    above = gate.results({"scores": [row("a", "task", -0.2), row("b", "task", 0.0)]}, [condition(below=False)])
    assert [(one["system"], one["fails"]) for one in above] == [("a", False), ("b", True)]


@pytest.mark.parametrize("other", [row("a", "style", 0.1), row("a", "task", None)])
def test_an_average_that_no_system_of_both_runs_has_is_told(other: dict[str, object]) -> None:
    with pytest.raises(ResetError, match=r"^'task < -0.1': no system of both runs has the average task$"):
        list(gate.results({"scores": [other]}, [condition()]))


def test_a_system_that_did_not_change_has_no_row_and_is_no_error() -> None:
    assert list(gate.results({"scores": [row("a", "task", -0.2)]}, [condition(system="b")])) == []
    assert list(gate.results({"scores": []}, [condition()])) == []
