import pytest

from reset.errors import ResetError
from reset.model.prompts import INSTRUCTIONS
from reset.sources.nq import NaturalQuestions


def passage(text: str) -> dict[str, object]:
    return {"id": "wiki:1", "title": "T", "text": text, "score": "81.2", "has_answer": False}


ROW = {"question": "who wrote it", "answers": ["Ada", "Lovelace"], "ctxs": [passage("By Lovelace."), passage("Other.")]}


def test_retriever_result_becomes_an_extractive_question(example):
    made = example(NaturalQuestions(), ROW)
    assert (made.task, made.question, made.passages, made.references) == (
        "extractive_qa",
        "who wrote it",
        ["By Lovelace.", "Other."],
        ["Ada", "Lovelace"],
    )
    assert made.instruction == INSTRUCTIONS["extractive_qa"]


def test_question_without_its_answer_in_a_passage_is_set_aside(reason):
    assert reason(NaturalQuestions(), {**ROW, "answers": ["Byron"]}) == "no passage holds the answer"


def test_at_most_five_passages_stay(example):
    row = {**ROW, "ctxs": [passage(f"Ada {number}") for number in range(9)]}
    assert len(example(NaturalQuestions(), row).passages) == 5
    assert len(example(NaturalQuestions(max_passages=2), row).passages) == 2


def test_biencoder_item_lists_positive_then_hard_negative_then_negative_passages(example):
    item = {
        "question": "who",
        "answers": ["Ada"],
        "negative_ctxs": [passage("n")],
        "hard_negative_ctxs": [passage("h")],
        "positive_ctxs": [passage("Ada")],
    }
    assert example(NaturalQuestions(), item).passages == ["Ada", "h", "n"]


def test_own_id_goes_before_a_hash_of_the_question(example):
    assert example(NaturalQuestions(), {**ROW, "example_id": 52257547639}).id == "52257547639"
    assert len(example(NaturalQuestions(), ROW).id) == 16


def test_missing_passages_are_named():
    with pytest.raises(ResetError) as caught:
        list(NaturalQuestions().outcomes([{"question": "who", "answers": ["Ada"]}]))
    assert caught.value.message == "lacks the field 'ctxs' (has: question, answers)"
