"""Abstention: which answers say that the passages do not tell, and the verdicts on answerable and other prompts."""

import pytest

from reset.errors import ResetError
from reset.judges import Answer
from reset.judges.abstention import TOLD, UNTOLD, Abstention
from reset.registry import JUDGES, build

PHRASES = ["do not say", "not in the passages", "unanswerable"]


def judge(**options):
    return Abstention(name="abstains", **{"phrases": PHRASES, "most_words": 12, **options})


def said(text, checks=None, **options):
    one = Answer("a", text, "extractive_qa", "test", "", "q", ["p"], [], checks)
    return {verdict.name: verdict for verdict in judge(**options).verdicts([one])}


@pytest.mark.parametrize(
    ("text", "abstains"),
    [
        ("The passages do not say.", 1.0),
        ("Sorry, that is NOT in the passages!", 1.0),
        ("unanswerable", 1.0),
        ("It is red.", 0.0),
        ("They do not saying.", 0.0),  # whole words
        ("", 0.0),
        ("...", 0.0),
        ("The mill is red and stands by the river, though the passages do not say who built it.", 0.0),  # too long
    ],
)
def test_a_short_answer_with_one_of_the_phrases_abstains(text, abstains):
    assert said(text)["abstains"].score == abstains


def test_prudence_is_of_unanswerable_prompts_and_over_refusal_of_the_others():
    scores = {
        (text, should): {name: one.score for name, one in said(text, {"answerable": not should}).items()}
        for text in ("unanswerable", "red")
        for should in (True, False)
    }
    assert scores == {
        ("unanswerable", True): {"abstains": 1.0, "prudence": 1.0, "over_refusal": None, "abstention": 1.0},
        ("red", True): {"abstains": 0.0, "prudence": 0.0, "over_refusal": None, "abstention": 0.0},
        ("unanswerable", False): {"abstains": 1.0, "prudence": None, "over_refusal": 1.0, "abstention": 0.0},
        ("red", False): {"abstains": 0.0, "prudence": None, "over_refusal": 0.0, "abstention": 1.0},
    }
    assert (said("red")["prudence"].reason, said("red", {"answerable": False})["over_refusal"].reason) == (TOLD, UNTOLD)
    assert judge().expected_nulls == {TOLD, UNTOLD}
    assert said("red", {"n": 1}) == said("red")  # other checks say nothing


@pytest.mark.parametrize("options", [{"phrases": []}, {"most_words": 0}, {"phrases": "unknown"}])
def test_options_that_cannot_be_are_named(options):
    with pytest.raises(ResetError, match=r"judges\.abstains\.options"):
        given = {"phrases": PHRASES, "most_words": 5, **options}
        build(JUDGES, "abstention", "judges.abstains.options", name="abstains", **given)
