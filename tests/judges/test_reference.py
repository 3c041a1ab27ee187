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


@pytest.mark.parametrize("references", [[], ["..."]])
def test_without_words_to_compare_with_both_are_null(references):
    null = (None, "the example has no reference")
    assert said("Of course!", references) == {"rating": null, "rating_weak": null}
