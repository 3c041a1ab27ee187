"""The rubric rates replies by the checks of their own example; without checks there is nothing to say."""

from reset.judges import Answer, Verdict
from reset.judges.rubric import Rubric

CHECKS = {"family": "count", "low": 2, "high": 4}


def answer(text, checks=CHECKS):
    return Answer("a", text, "instruction", "train", "count from two to four.", "", (), (), checks)


def rate(*answers):
    return list(Rubric(name="rater").verdicts(answers))


def test_a_perfect_reply_gets_the_best_score_from_both_raters():
    assert rate(answer("two, three, four.")) == [
        Verdict("a", "rating", 1.0, None, {"rating": 10}),
        Verdict("a", "rating_weak", 1.0, None, {"rating": 10}),
    ]


def test_the_weak_rater_misses_what_is_partly_good():
    assert [(v.name, v.score) for v in rate(answer("two, four."))] == [("rating", 0.6), ("rating_weak", 0.1)]


def test_an_empty_reply_gets_the_worst_score_and_not_null():
    assert [v.score for v in rate(answer(""))] == [0.1, 0.1]


def test_an_example_without_checks_is_null_with_a_reason():
    assert rate(answer("two.", checks=None)) == [
        Verdict("a", "rating", None, "the example carries no checks"),
        Verdict("a", "rating_weak", None, "the example carries no checks"),
    ]


def test_only_instructions_are_put_before_it():
    assert Rubric.tasks == {"instruction"}
