"""The lexical judge: tables by hand, and rouge_score's own figures."""

import json
import random
import re
import string
from collections import Counter

import pytest
from rouge_score.rouge_scorer import RougeScorer

from reset.errors import ResetError
from reset.judges import Answer
from reset.judges.lexical import Lexical, coverage, exact_match, k_precision, rouge_l, span_coverage
from tests.support import SHARED

REAL = SHARED / "data/real/nq.jsonl"

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
        ("A", ["A"], 1),  # a choice: nothing is left of it after normalisation, so the texts are compared
        ("A", ["B"], 0),
        ("(a)", ["A"], 1),
        ("...", ["..."], 1),
        ("\u5317\u4eac\u3002", ["\u5317\u4eac"], 1),
        ("\uff2f\uff53\uff4c\uff4f", ["Oslo"], 1),
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
        (
            "\u0437\u0430\u0432\u043e\u0434 1950",
            ["\u043d\u0430\u0441\u043e\u0441 1950"],
            0.5,
        ),  # words of any script count, not digits alone
        ("\u5de5\u5834\u306f\u6771\u4eac", ["\u6771\u4eac\u306e\u5de5\u5834"], 2 / 5),
        ("\u5317\u4eac", ["\u5317\u4eac"], 1),
        ("the cat", ["...", "the cat"], 1),
        ("...", ["the cat"], 0),
        ("the cat", ["..."], None),  # nothing to compare with
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


def squad_normalise(text):
    """normalize_answer of SQuAD's evaluate-v1.1.py."""
    text = "".join(letter for letter in text.lower() if letter not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def squad_exact_match(text, references):
    return max(float(squad_normalise(text) == squad_normalise(one)) for one in references)


WORDS = "The the a an house Oslo, in 1891 poet. Norway! of moved; theory another (and) it's Anna".split()


@pytest.mark.parametrize("seed", range(40))
def test_exact_match_is_squads_on_text_that_both_treat_alike(seed):
    draw = random.Random(seed)
    said = " ".join(draw.choices(WORDS, k=draw.randint(1, 4)))
    references = [" ".join(draw.sample(said.split(), len(said.split()))), said.upper().replace("THE ", "")]
    if squad_normalise(said):  # SQuAD matches an answer of nothing but articles with an empty reference; we do not
        assert exact_match(said, references) == squad_exact_match(said, references)


@pytest.mark.parametrize(
    ("text", "reference", "ours", "squads"),
    [
        ("well - known", "well-known", 1, 0),  # A.2: blanks around hyphens
        ("1891 / 1892", "1891/1892", 1, 0),  # and around slashes
        ("poet 's house", "poet's house", 1, 0),  # and before 's
        ("\u201cOslo\u201d", "Oslo", 1, 0),  # typographic punctuation
        ("the", "a", 0, 1),  # both are empty: no answer
    ],
)
def test_where_the_paper_differs_from_squad(text, reference, ours, squads):
    assert exact_match(text, [reference]) == ours
    assert squad_exact_match(text, [reference]) == squads


@pytest.mark.parametrize("seed", range(20))
def test_rouge_l_is_rouge_scores_with_several_references(seed):
    draw = random.Random(seed)
    texts = [" ".join(draw.choices(WORDS, k=draw.randint(1, 12))) for _ in range(4)]
    golden = RougeScorer(["rougeL"]).score_multi(texts[1:], texts[0])["rougeL"].fmeasure
    assert rouge_l(texts[0], texts[1:]) == pytest.approx(golden, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("house house", 0.5),  # the passages say it once; the unigram coverage is 1
        ("Oslo house", 1),
        ("Oslo Rome Bergen Paris", 1 / 4),
        ("the", 0),
        ("", 0),
    ],
)
def test_k_precision_counts_a_word_of_the_passages_once(text, expected):
    assert k_precision(text, PASSAGES) == expected


@pytest.mark.parametrize("seed", range(20))
def test_k_precision_is_the_papers_own_count(seed):
    """`compute precision` of McGill-NLP/instruct-qa: shared tokens, as multisets, over the answer's."""
    draw = random.Random(seed)
    said, given = (" ".join(draw.choices(WORDS, k=draw.randint(1, 9))) for _ in range(2))
    ours, theirs = squad_normalise(said).split(), squad_normalise(given).split()
    if ours:
        assert k_precision(said, [given]) == sum((Counter(ours) & Counter(theirs)).values()) / len(ours)


def test_the_best_reference_counts_or_the_first_alone():
    said = answer("Bergen", references=("Oslo", "Bergen"))
    first = {v.name: v.score for v in Lexical(name="lexical", references="first").verdicts([said])}
    assert (scores(said)["exact_match"], first["exact_match"]) == (1, 0)
    with pytest.raises(ResetError, match=r"Unknown references 'all' \(judges\.lexical\.options\.references\)"):
        Lexical(name="lexical", references="all")


def test_k_precision_is_told_on_request_alone():
    names = [v.name for v in Lexical(name="lexical", more=["k_precision"]).verdicts([answer("Oslo")])]
    assert names == ["exact_match", "span_coverage", "unigram_coverage", "bigram_coverage", "k_precision"]
    assert "k_precision" not in scores(answer("Oslo"))
    with pytest.raises(ResetError, match=r"Unknown verdict 'rouge_2' \(judges\.lexical\.options\.more\)"):
        Lexical(name="lexical", more=["rouge_2"])


@pytest.mark.skipif(not REAL.is_file(), reason="the real records are not here")
def test_on_real_questions_gold_answers_match_themselves_and_passages_hold_their_own_spans():
    records = [json.loads(line) for line in REAL.read_text().splitlines()]
    assert len(records) > 40
    spans = 0
    for record in records:
        for reference in record["answers"]:
            assert exact_match(reference, record["answers"]) == 1
        for passage in record["ctxs"]:
            words = passage["text"].split()
            if not re.search(r"[-/'\u2010-\u2019]", passage["text"]):  # A.2 joins words around these
                assert span_coverage(" ".join(words[3:8]), [passage["text"]]) == 1
                spans += 1
            assert (
                coverage(passage["text"], [passage["text"]], 2) == 1 == k_precision(passage["text"], [passage["text"]])
            )
    assert spans > 20


def test_a_choice_that_is_an_article_is_a_word_where_the_reference_is_one():
    passages = ["Key A alone opens it."]
    right = scores(answer("A", references=["A"], passages=passages))
    assert set(right.values()) == {1.0}
    wrong = scores(answer("B", references=["A"], passages=passages))
    assert set(wrong.values()) == {0.0}
    lazy = scores(answer("the", references=["Oslo"]))  # no choice, and no answer either
    assert set(lazy.values()) == {0.0}


def test_what_has_no_words_to_compare_with_is_null_with_a_reason():
    one = answer("Oslo", task="summarization", references=["?"], passages=["..."])
    assert {(v.name, v.score, v.reason) for v in Lexical(name="lexical").verdicts([one])} == {
        ("rouge_l", None, "the reference has no words"),
        ("unigram_coverage", None, "the passages have no words"),
        ("bigram_coverage", None, "the passages have no words"),
    }


OTHERS = SHARED / "cases/text/other_scripts.jsonl"


@pytest.mark.skipif(not OTHERS.is_file(), reason="the cases are not here")
def test_answers_in_other_scripts_match_themselves_and_their_contexts_and_nothing_unrelated():
    for record in map(json.loads, OTHERS.read_text().splitlines()):
        said, context = record["answer"], record["context"]
        assert exact_match(said, [said]) == rouge_l(said, [said]) == span_coverage(said, [context]) == 1
        assert coverage(said, [context], 1) == coverage(said, [context], 2) == k_precision(said, [context]) == 1
        assert rouge_l(context, [record["unrelated_with_same_digits"]]) < 0.5
