"""The lexical judge: tables by hand, and rouge_score's own figures."""

import pytest

from reset.judges import Answer
from reset.judges.lexical import Lexical, coverage, exact_match, rouge_l, span_coverage

PASSAGES = ["The well-known poet's house stands in Oslo.", "He moved there in 1891 / 1892."]


def answer(text, *, task="extractive_qa", references=("Oslo",), passages=PASSAGES):
    return Answer("a", text, task, "test", "", "where?", list(passages), list(references), None)


def scores(one):
    return {verdict.name: verdict.score for verdict in Lexical(name="lexical").verdicts([one])}


@pytest.mark.parametrize(
    ("text", "references", "expected"),
    [
        ("Oslo", ["Oslo"], 1),
        ("the Oslo.", ["oslo"], 1),
        ("Oslo city", ["Oslo"], 0),
        ("Bergen", ["Oslo", "Bergen"], 1),
        ("", ["Oslo"], 0),
        ("", ["the"], 0),  # both are empty after normalisation
        ("well - known", ["well-known"], 1),
    ],
)
def test_exact_match_compares_normalised_text_with_every_reference(text, references, expected):
    assert exact_match(text, references) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("poet 's house", 1),
        ("THE POET'S HOUSE", 1),
        ("1891/1892", 1),
        ("poet house", 0),
        ("Osl", 0),  # part of a word is no span
        ("Oslo He", 0),  # a span does not cross passages
        ("", 0),
        ("the", 0),  # nothing is left of it after normalisation
    ],
)
def test_span_coverage_finds_whole_tokens_within_one_passage(text, expected):
    assert span_coverage(text, PASSAGES) == expected


@pytest.mark.parametrize(
    ("text", "unigrams", "bigrams"),
    [
        ("house stands", 1, 1),
        ("stands house", 1, 0),
        ("house burns in Oslo", 3 / 4, 1 / 3),
        ("Oslo moved", 1, 0),
        ("Oslo he", 1, 0),  # the pair would reach over the end of a passage
        ("Oslo", 1, 1),  # one word has no pair
        ("Rome", 0, 0),
        ("", 0, 0),
    ],
)
def test_coverage_is_the_share_of_the_answers_words_and_pairs_in_the_passages(text, unigrams, bigrams):
    assert coverage(text, PASSAGES, 1) == pytest.approx(unigrams)
    assert coverage(text, PASSAGES, 2) == pytest.approx(bigrams)


@pytest.mark.parametrize(
    ("text", "references", "expected"),
    [
        # rouge_score's own test: rouge_scorer_test.py, testRougeL (targets "testing one two", prediction "testing")
        ("testing", ["testing one two"], 0.5),
        ("the cat sat on the mat", ["the cat lay on a mat"], 4 / 6),  # LCS the, cat, on, mat
        ("the cat sat", ["dogs bark", "the cat sat"], 1),  # the best reference counts
        ("", ["the cat"], 0),
        ("cats", ["cat"], 0),  # no stemming
    ],
)
def test_rouge_l_is_the_f_measure_against_the_best_reference(text, references, expected):
    assert rouge_l(text, references) == pytest.approx(expected)


def test_extractive_answers_get_exact_match_and_three_coverages():
    assert scores(answer("Oslo")) == {
        "exact_match": 1,
        "span_coverage": 1,
        "unigram_coverage": 1,
        "bigram_coverage": 1,
    }


@pytest.mark.parametrize("task", ["abstractive_qa", "summarization"])
def test_abstractive_answers_get_rouge_l_and_two_coverages(task):
    assert scores(answer("Oslo", task=task)) == {"rouge_l": 1, "unigram_coverage": 1, "bigram_coverage": 1}


def test_example_without_reference_or_passage_is_null_with_a_reason():
    verdicts = list(Lexical(name="lexical").verdicts([answer("Oslo", references=(), passages=())]))
    assert {(v.name, v.score, v.reason) for v in verdicts} == {
        ("exact_match", None, "the example has no reference"),
        ("span_coverage", None, "the example has no passage"),
        ("unigram_coverage", None, "the example has no passage"),
        ("bigram_coverage", None, "the example has no passage"),
    }


def test_empty_answer_covers_nothing_and_is_not_null():
    assert set(scores(answer("  ")).values()) == {0.0}
