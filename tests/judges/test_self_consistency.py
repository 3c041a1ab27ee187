"""Self-consistency: an answer's agreement with the other answers of its pool to the same prompt."""

from dataclasses import replace

import pytest

from reset.errors import ResetError
from reset.judges import Answer
from reset.judges.self_consistency import FEW, SelfConsistency
from reset.registry import JUDGES, build
from tests.judges import test_summac
from tests.judging.test_judge import Case, answer, example


def said(texts, *, by=None, example_id="x"):
    answers = [
        Answer(
            f"{example_id}{n}", text, "summarization", "train", "Sum up.", "", ["p"], [], None, 0, example_id, copies
        )
        for n, (text, copies) in enumerate(texts.items())
    ]
    return list((by or SelfConsistency(name="agrees")).verdicts(answers))


def test_the_score_is_the_mean_rouge_l_with_the_others_where_copies_count():
    verdicts = said({"the mill is red": 2, "the mill is old": 1, "nobody knows": 1})
    assert [round(v.score, 4) for v in verdicts] == [round((1 + 0.75 + 0) / 3, 4), 0.5, 0.0]
    assert verdicts[0].detail == {"others": 3, "equal": 1}


def test_the_answer_that_most_others_give_agrees_most_and_equal_answers_agree_wholly():
    assert [v.score for v in said({"red mill": 5})] == [1.0]
    scores = [v.score for v in said({"a red mill": 3, "a blue mill": 2, "the sea": 1})]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("texts", [{"red": 1}, {"red": 1, "blue": 1, "green": 1}, {"red": 3}])
def test_fewer_than_three_other_answers_are_null(texts):
    assert {(v.score, v.reason) for v in said(texts)} == {(None, FEW)}


def test_an_empty_answer_is_0_and_one_without_words_null():
    empty, dots, *_ = said({" ": 1, "...": 1, "red": 1, "red mill": 1})
    assert (empty.score, empty.reason) == (0.0, "empty answer")
    assert (dots.score, dots.reason) == (None, "the answer has no words")


def test_prompts_are_told_apart():
    answers = [Answer(f"a{n}", "red", "summarization", "dev", "", "", [], [], None, 0, f"e{n % 2}") for n in range(6)]
    judged = SelfConsistency(name="agrees").verdicts([replace(one, text=f"red {n}") for n, one in enumerate(answers)])
    assert {v.reason for v in judged} == {FEW}  # two others each


def test_a_pool_that_answers_once_is_null_and_stops_nothing(tmp_path):
    case, by = Case(tmp_path), SelfConsistency(name="agrees")
    rows = [answer("x", n, text) for n, text in enumerate(["red", "red", "red mill", "sea"])] + [answer("y", 0, "red")]
    case.write(rows, [example("x"), example("y")])
    _, figures = case.judge(by, max_null=0.0)
    scores = case.scores()
    assert scores["y|0"] is None and scores["x|0"] == scores["x|1"] == pytest.approx((1 + 2 / 3) / 3)
    assert figures["agrees"]["null_reasons"] == {FEW: 1}


def test_with_an_nli_model_a_sentence_that_others_contradict_agrees_less(tmp_path, monkeypatch):
    model = str(test_summac.save(tmp_path / "nli", "bert"))
    by = SelfConsistency(name="agrees", model=model, batch_tokens=256)
    asked = []

    def probabilities(pairs):
        asked.extend(pairs)
        return {pair: (0.2, 0.6, 0.2) if "blue" in pair[0] + pair[1] else (0.6, 0.0, 0.4) for pair in pairs}

    texts = {"The mill is red. It is old.": 1, "It is blue all over.": 1, "The mill is red, they say.": 2}
    real = said(texts, by=by)
    assert all(0 <= v.score <= 1 for v in real)
    monkeypatch.setattr(by._contradictions._nli, "probabilities", probabilities)
    first, second, third = (v.score for v in said(texts, by=by))
    assert (first, second, third) == pytest.approx(((0.25 + 2) / 3, 0.25, (1 + 1 + 0.25) / 3), abs=1e-6)
    assert ("It is blue all over.", "The mill is red.") in asked


def test_its_tasks_are_a_parameter():
    assert SelfConsistency(name="a", tasks=["instruction"]).tasks == {"instruction"}
    with pytest.raises(
        ResetError, match=r"judges\.a\.options\.tasks\.0: Input should be 'instruction', 'extractive_qa'"
    ):
        build(JUDGES, "self_consistency", "judges.a.options", name="a", tasks=["summary"])
