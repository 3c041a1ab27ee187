"""The judge `reference`: likeness to a reference, null where there is none."""

import pytest

from reset.judges import Answer
from reset.judges.reference import Reference

POEM = "Ibsen wrote plays, and the plays were read."


def said(text, references):
    one = Answer("a", text, "instruction", "test", "Tell me of Ibsen.", "", [], list(references), None)
    return {verdict.name: (verdict.score, verdict.reason) for verdict in Reference(name="rater").verdicts([one])}


@pytest.mark.parametrize(
    ("text", "references", "rating", "weak"),
    [
        (POEM, [POEM], 1, 1),
        (POEM, ["Something else", POEM], 1, 1),
        ("plays", [POEM], 2 / 9, 1 / 6),  # one word of eight; six are distinct and no articles
        ("read were plays", [POEM], 2 / 11, 3 / 6),  # the order counts for the rating alone
        ("", [POEM], 0, 0),
    ],
)
def test_the_rating_is_rouge_l_and_the_weak_one_the_recall_of_words(text, references, rating, weak):
    scores = said(text, references)
    assert scores["rating"] == (pytest.approx(rating), None)
    assert scores["rating_weak"] == (pytest.approx(weak), None)


@pytest.mark.parametrize(
    ("references", "reason"), [([], "the example has no reference"), (["..."], "the reference has no words")]
)
def test_without_words_to_compare_with_both_are_null(references, reason):
    assert said("Of course!", references) == {"rating": (None, reason), "rating_weak": (None, reason)}


def test_words_of_other_scripts_count():
    scores = said("\u6771\u4eac\u306e\u5de5\u5834", ["\u6771\u4eac\u306e\u5de5\u5834\u3002"])
    assert scores == {"rating": (1, None), "rating_weak": (1, None)}
