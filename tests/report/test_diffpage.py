"""The comparison of two runs in a sentence: every tested difference is counted once."""

from pathlib import Path
from typing import Any

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


def compared(*conditions: dict[str, Any]) -> dict[str, Any]:
    empty: dict[str, Any] = {name: [] for name in ("params", "scores", "tables", "winners", "judges")}
    return {**empty, "a": "main", "b": ".", "rounds": None, "conditions": conditions}


def condition(text: str, difference: float, *, fails: bool) -> dict[str, Any]:
    figures = {"difference": difference, "low": difference - 0.02, "high": difference + 0.02, "prompts": 300}
    return {"condition": text, "system": "mtl", **figures, "least": 0.0286, "fails": fails}


def test_page_says_which_conditions_fail_and_what_difference_could_be_shown(tmp_path: Path) -> None:
    rows = [condition("task < -0.02", -0.05, fails=True), condition("faithfulness < -0.02", 0.01, fails=False)]
    diffpage.write(tmp_path / "diff.html", compared(*rows))
    text = (tmp_path / "diff.html").read_text()
    assert '<p class="warn">Conditions of the gate: 1 fail, 1 pass.</p>' in text
    failed, passed = text.partition("<tbody>")[2].partition("</tbody>")[0].split("</tr>")[:2]
    assert "task &lt; -0.02" in failed and '<td class="words down">FAILS</td>' in failed
    assert "faithfulness &lt; -0.02" in passed and '<td class="words">passes</td>' in passed
    assert "<td>0.029</td>" in failed and "<td>[−0.070, −0.030]</td>" in failed  # noqa: RUF001


def test_page_without_conditions_says_nothing_of_them(tmp_path: Path) -> None:
    diffpage.write(tmp_path / "diff.html", compared())
    assert "onditions" not in (tmp_path / "diff.html").read_text()
    diffpage.write(tmp_path / "diff.html", compared(condition("task < -0.02", 0.01, fails=False)))
    assert "<p>Conditions of the gate: 0 fail, 1 pass.</p>" in (tmp_path / "diff.html").read_text()
