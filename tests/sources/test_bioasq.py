import pytest

from reset.errors import ResetError
from reset.sources.bioasq import BioAsq

ROW = {
    "id": "5a1",
    "type": "factoid",
    "body": "Which gene causes it?",
    "exact_answer": [["CFTR", "cystic fibrosis gene"]],
    "ideal_answer": ["The gene is CFTR."],
    "snippets": [{"text": "Nothing here."}, {"text": "Mutations of CFTR."}, {"text": "Nothing here."}],
}


def test_golden_question_takes_its_snippets_as_passages_once_each(example):
    made = example(BioAsq(), ROW)
    assert (made.id, made.passages) == ("5a1", ["Nothing here.", "Mutations of CFTR."])
    assert made.references == ["CFTR", "cystic fibrosis gene"]


def test_question_is_lowered_unless_switched_off(example):
    assert example(BioAsq(), ROW).question == "which gene causes it?"
    assert example(BioAsq(lower_case=False), ROW).question == "Which gene causes it?"


@pytest.mark.parametrize("kind", ["yesno", "summary"])
def test_other_types_of_question_are_set_aside(reason, kind):
    assert reason(BioAsq(), {**ROW, "type": kind, "exact_answer": "yes"}) == f"{kind} question"


def test_question_without_its_answer_in_a_snippet_is_set_aside(reason):
    assert reason(BioAsq(), {**ROW, "exact_answer": [["BRCA1"]]}) == "no passage holds the answer"


def test_golden_file_is_unpacked_into_its_questions():
    assert list(BioAsq().unpack({"questions": [ROW, ROW]})) == [ROW, ROW]


def test_retrieval_results_are_read_as_well(example):
    row = {"question": "Which gene?", "answers": ["CFTR"], "ctxs": [{"text": "CFTR it is."}]}
    assert example(BioAsq(), row).passages == ["CFTR it is."]


def test_factoid_question_without_exact_answer_is_an_error():
    row = {name: value for name, value in ROW.items() if name != "exact_answer"}
    with pytest.raises(ResetError, match="lacks the field 'exact_answer'"):
        list(BioAsq().outcomes([row]))
