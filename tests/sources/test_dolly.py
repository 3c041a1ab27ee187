import pytest

from reset.errors import ResetError
from reset.sources.dolly import Dolly

ROW = {"instruction": "Name two rivers.", "context": "", "response": "Elbe, Oder.", "category": "open_qa"}


def test_row_becomes_an_instruction_with_its_response(example):
    made = example(Dolly(), ROW)
    assert (made.task, made.instruction, made.passages, made.references) == (
        "instruction",
        "Name two rivers.",
        [],
        ["Elbe, Oder."],
    )


def test_row_with_a_context_is_set_aside(reason):
    assert reason(Dolly(), {**ROW, "context": "The Elbe is long."}) == "has a context"


@pytest.mark.parametrize("category", ["closed_qa", "information_extraction", "summarization"])
def test_contextual_category_without_its_text_is_set_aside(reason, category):
    assert reason(Dolly(), {**ROW, "category": category}) == "has a context"


def test_kept_context_is_the_only_passage(example):
    assert example(Dolly(keep_context=True), {**ROW, "context": "The Elbe."}).passages == ["The Elbe."]


@pytest.mark.parametrize("field", ["instruction", "response"])
def test_blank_instruction_or_response_is_set_aside(reason, field):
    assert reason(Dolly(), {**ROW, field: " \n"}) == "empty instruction or response"


def test_absent_context_and_category_count_as_none(example):
    assert example(Dolly(), {"instruction": "Hi.", "response": "Hello."}).references == ["Hello."]


def test_missing_response_is_named():
    with pytest.raises(ResetError) as caught:
        list(Dolly().outcomes([{"instruction": "Hi.", "context": ""}]))
    assert caught.value.message == "lacks the field 'response' (has: instruction, context)"


def test_null_instruction_is_a_wrong_type():
    with pytest.raises(ResetError) as caught:
        list(Dolly().outcomes([{**ROW, "instruction": None}]))
    assert caught.value.message == "the field 'instruction' must be text, is null"


def test_half_a_surrogate_pair_is_left_to_prepare_which_counts_it(example):
    assert example(Dolly(), {**ROW, "response": "\ud83d"}).references == ["\ud83d"]
