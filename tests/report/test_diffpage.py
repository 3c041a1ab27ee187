"""The comparison of two runs in a sentence: every tested difference is counted once."""

import pytest

from reset.report import diffpage


def score(low: float, mean: float, high: float) -> dict[str, float | str]:
    return {
        "system": "mtl",
        "score": "task",
        "difference": mean,
        "low": low,
        "high": high,
        "p_holm": 0.01 if low * high > 0 else 0.6,
    }


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ([], "No system's scores differ."),
        ([score(0.1, 0.2, 0.3)], "Macro averages, B against A: 1 clearly higher."),
        (
            [score(0.1, 0.2, 0.3), score(-0.3, -0.2, -0.1), score(-0.1, 0.1, 0.3), score(0.0, 0.0, 0.0)],
            "Macro averages, B against A: 1 clearly higher, 1 clearly lower, 1 not clear, 1 equal.",
        ),
    ],
)
def test_headline_counts_each_tested_difference_once_and_no_empty_kind(
    scores: list[dict[str, float | str]], sentence: str
) -> None:
    assert diffpage.headline(scores) == sentence
