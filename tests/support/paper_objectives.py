"""The objectives of the paper (2.2, 5.1): those of the default run, as declared in params.yaml."""

from typing import Any

from reset import objectives

PLAIN: dict[str, Any] = {"weight": 1.0, "floor": None, "transform": "none", "compare": ["all"]}


def declared(**changes: dict[str, Any]) -> dict[str, Any]:
    """The table `objectives`; `changes` maps an objective to keys that differ, or to a row of its own."""
    rows: dict[str, Any] = {
        "faithfulness": {
            **PLAIN,
            **{"weight": 2.0, "compare": ["seen", "unseen"]},
            "verdicts": {"extractive_qa": "span_coverage", "abstractive_qa": "summac", "summarization": "summac"},
        },
        "instruction": {**PLAIN, "weight": 2.0, "verdicts": {"instruction": "rating"}},
        "task": {
            **PLAIN,
            "verdicts": {"extractive_qa": "exact_match", "abstractive_qa": "rouge_l", "summarization": "rouge_l"},
        },
    }
    return {name: {**PLAIN, **rows.get(name, {}), **changes.get(name, {})} for name in {**rows, **changes}}


def paper(**changes: dict[str, Any]) -> dict[str, objectives.Objective]:
    """The same, read."""
    return objectives.read(declared(**changes))


OBJECTIVES = paper()
