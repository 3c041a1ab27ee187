"""Claim-level faithfulness: how claims and windows are cut, which claims count, and what is kept as evidence."""

import numpy as np
import pytest

from reset.errors import ResetError
from reset.judges import Answer
from reset.judges.claims import Claims, clauses
from reset.judges.sentences.nli import Nli
from reset.judges.sentences.texts import windows
from reset.registry import JUDGES, build
from tests.judges import test_summac

PASSAGES = ["the cat sat on the mat all day . it was warm .", "a bird sat on a tree ."]


def answer(text, passages=PASSAGES, question=""):
    return Answer("a", text, "summarization", "test", "Sum up.", question, passages, [], None)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(test_summac.save(tmp_path_factory.mktemp("nli"), "bert"))


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The mill is red.", ["The mill is red."]),
        ("The mill is red, and it was built here.", ["The mill is red", "and it was built here."]),
        ("It ground rye; the flood of 1903 ended that.", ["It ground rye", "the flood of 1903 ended that."]),
        ("It ground rye, wheat, and oats.", ["It ground rye, wheat, and oats."]),
        ("Red, but the other mill is blue.", ["Red, but the other mill is blue."]),
        ("", [""]),
    ],
)
def test_a_sentence_is_split_at_marks_unless_a_clause_would_be_too_short(sentence, expected):
    assert clauses(sentence) == expected


def test_windows_are_sentences_in_a_row():
    assert windows(["a", "b", "c"], 2) == ["a b", "b c"]
    assert windows(["a", "b"], 3) == ["a b"]
    assert windows([], 2) == []
    assert windows(["a", "b"], 1) == ["a", "b"]


def test_the_score_is_the_share_of_claims_that_a_window_entails(model, monkeypatch):
    by = Claims(name="claims", model=model, batch_tokens=256, threshold=0.7, window=2)
    said = {"the cat sat on the mat .": 0.7, "a bird slept on the roof .": 0.69}

    def probabilities(self, pairs):
        return {pair: np.array([said[pair[1]] if "bird" in pair[0] else 0.1, 0, 0]) for pair in pairs}

    monkeypatch.setattr(Nli, "probabilities", probabilities)
    (verdict,) = by.verdicts([answer("the cat sat on the mat . a bird slept on the roof .")])
    last = "it was warm . a bird sat on a tree ."
    assert (verdict.name, verdict.score) == ("claims", 0.5)
    assert verdict.detail == {
        "sentences": [
            {"sentence": "the cat sat on the mat .", "source": last, "entailment": 0.7, "supported": True},
            {"sentence": "a bird slept on the roof .", "source": last, "entailment": 0.69, "supported": False},
        ]
    }


def test_it_is_the_best_window_of_the_model(model):
    by, nli = Claims(name="claims", model=model, batch_tokens=256, window=1), Nli(model, batch_tokens=256)
    (verdict,) = by.verdicts([answer("the dog slept all night long .")])
    (claim,) = verdict.detail["sentences"]
    sources = ["the cat sat on the mat all day .", "it was warm .", "a bird sat on a tree ."]
    all_said = nli.probabilities((source, claim["sentence"]) for source in sources)
    assert claim["entailment"] == max(float(said[0]) for said in all_said.values())
    assert verdict.score == float(claim["entailment"] >= 0.5)


def test_clauses_are_claims_of_their_own_if_asked_for(model):
    text = "the cat sat on the mat, and a bird sat on a tree ."
    counts = [
        len(
            next(Claims(name="c", model=model, batch_tokens=256, clauses=on).verdicts([answer(text)])).detail[
                "sentences"
            ]
        )
        for on in (False, True)
    ]
    assert counts == [1, 2]


def test_an_empty_answer_is_0_and_what_cannot_be_told_null(model):
    by = Claims(name="claims", model=model, batch_tokens=256)
    verdicts = [next(by.verdicts([one])) for one in (answer(""), answer("..."), answer("the cat", passages=[]))]
    assert [(v.score, v.reason) for v in verdicts] == [
        (0.0, "empty answer"),
        (None, "the answer has no words"),
        (None, "the example has no passage"),
    ]


def test_a_threshold_of_none_is_refused():
    with pytest.raises(ResetError, match=r"judges\.c\.options\.threshold: Input should be greater than 0"):
        build(JUDGES, "claims", "judges.c.options", name="c", model="m", batch_tokens=1, threshold=0.0)
