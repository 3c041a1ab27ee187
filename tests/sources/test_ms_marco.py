import pytest

from reset.errors import ResetError
from reset.sources.ms_marco import MsMarco

PASSAGES = {"is_selected": [0, 1], "passage_text": ["One.", "Two."], "url": ["u", "v"]}
ROW = {
    "query": "what is two",
    "query_id": 12,
    "query_type": "NUMERIC",
    "answers": ["2"],
    "wellFormedAnswers": ["Two is a number.", "It is a number."],
    "passages": PASSAGES,
}


def test_a_row_that_one_column_of_an_original_file_lacks_is_told_whichever_it_is():
    columns = {"query": {"0": "q"}, "passages": {"0": [], "1": []}, "wellFormedAnswers": {"0": ["a"], "1": ["b"]}}
    with pytest.raises(ResetError, match="row 1 is missing from one of the columns query, passages, wellFormedAnswers"):
        list(MsMarco().unpack(columns))


def test_well_formed_answers_are_the_references(example):
    made = example(MsMarco(), ROW)
    assert (made.id, made.task, made.references) == ("12", "abstractive_qa", ["Two is a number.", "It is a number."])


@pytest.mark.parametrize("answers", [[], "[]", [""], ["No Answer Present."]])
def test_row_without_well_formed_answer_is_set_aside(reason, answers):
    assert reason(MsMarco(), {**ROW, "wellFormedAnswers": answers}) == "no well-formed answer"


def test_passages_are_read_in_both_forms(example):
    listed = [
        {"is_selected": 0, "passage_text": "One.", "url": "u"},
        {"is_selected": 1, "passage_text": "Two.", "url": "v"},
    ]
    assert (
        example(MsMarco(), ROW).passages == example(MsMarco(), {**ROW, "passages": listed}).passages == ["One.", "Two."]
    )


def test_all_passages_stay_unless_a_number_is_set(example):
    row = {**ROW, "passages": [{"passage_text": str(number)} for number in range(10)]}
    assert len(example(MsMarco(), row).passages) == 10
    assert len(example(MsMarco(max_passages=5), row).passages) == 5


def test_lists_of_unequal_length_are_an_error():
    with pytest.raises(ResetError, match="the field 'passages' holds lists of unequal length"):
        list(MsMarco().outcomes([{**ROW, "passages": {"is_selected": [1], "passage_text": ["One.", "Two."]}}]))


def test_ready_made_subset_names_its_answer_field(example):
    row = {"query": "q", "query_id": 1, "answers": ["A sentence."], "passages": [{"passage_text": "p"}]}
    assert example(MsMarco(answer_field="answers"), row).references == ["A sentence."]


def test_original_file_is_unpacked_row_by_row():
    columns = {name: {"0": value, "1": value} for name, value in ROW.items()}
    assert list(MsMarco().unpack(columns)) == [ROW, ROW]


def test_original_file_with_a_gap_is_an_error():
    with pytest.raises(ResetError, match="row 1 is missing from one of the columns query, answers"):
        list(MsMarco().unpack({"query": {"0": "a", "1": "b"}, "answers": {"0": ["c"]}}))


def test_a_query_that_nobody_could_answer_has_the_reply_that_is_asked_for(example, reason):
    source = MsMarco(unanswerable="Not said.")
    nobody = {**ROW, "wellFormedAnswers": "[]", "answers": ["No Answer Present."]}
    made = example(source, nobody)
    assert (made.references, made.checks) == (["Not said."], '{"answerable": false}')
    assert example(source, ROW).checks is None
    assert reason(source, {**ROW, "wellFormedAnswers": []}) == "no well-formed answer"  # it has a short one
    assert reason(MsMarco(), nobody) == "no well-formed answer"
