"""The rubric rates replies by their example's checks, and grounded answers by what their passages entail."""

import pytest

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


def grounded(text, task="summarization"):
    passages = ("mira lives in red forest. tom eats old soup.", "the den of fox is dark tower.")
    return Answer("a", text, task, "test", "", "", passages, (), None)


@pytest.mark.parametrize("task", ["abstractive_qa", "summarization"])
def test_a_grounded_answer_gets_the_share_of_its_sentences_that_the_passages_entail(task):
    text = "the home of mira is red forest. fox sleeps in dark tower. tom eats new soup. nobody knows why."
    assert rate(grounded(text, task)) == [Verdict("a", "oracle", 0.5)]
    assert rate(grounded("the meal of tom is old soup.", task)) == [Verdict("a", "oracle", 1.0)]


def test_an_empty_grounded_answer_is_supported_by_nothing():
    assert rate(grounded(" ")) == [Verdict("a", "oracle", 0.0, "empty answer")]


def test_spans_are_not_put_before_it():
    assert Rubric.tasks == {"instruction", "abstractive_qa", "summarization"}


def test_a_text_of_another_world_is_null_with_a_reason():
    real = Answer("a", "It is old.", "summarization", "test", "", "", ["The house stands in Oslo."], (), None)
    assert rate(real) == [Verdict("a", "oracle", None, "the passages state no fact of the micro world")]
