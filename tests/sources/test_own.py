import pytest

from reset.errors import ResetError
from reset.model.prompts import INSTRUCTIONS
from reset.sources.own import Own

QA = {"question": "q", "passages": "context", "references": "answer"}


@pytest.mark.parametrize("task", ["extractive_qa", "abstractive_qa"])
def test_questions_take_the_paper_s_instruction_and_their_columns(example, task):
    made = example(Own(task=task, fields=QA), {"q": "Who?", "context": "Ada wrote it.", "answer": "Ada"})
    assert (made.task, made.instruction, made.question) == (task, INSTRUCTIONS[task], "Who?")
    assert (list(made.passages), list(made.references), made.split) == (["Ada wrote it."], ["Ada"], None)


def test_summaries_need_no_question(example):
    made = example(
        Own(task="summarization", fields={"passages": "body", "references": "gist"}), {"body": "Long.", "gist": "L"}
    )
    assert (made.instruction, made.question, made.passages) == (INSTRUCTIONS["summarization"], "", ["Long."])


def test_instructions_need_no_answer_and_may_have_a_context(example):
    made = example(
        Own(task="instruction", fields={"instruction": "ask", "passages": "given"}), {"ask": "Sort.", "given": "b a"}
    )
    assert (made.instruction, made.passages, made.references) == ("Sort.", ["b a"], [])


def test_an_instruction_column_replaces_the_paper_s(example):
    source = Own(task="summarization", fields={"instruction": "ask", "passages": "body", "references": "gist"})
    assert example(source, {"ask": "Shorter!", "body": "Long.", "gist": "L"}).instruction == "Shorter!"


@pytest.mark.parametrize(
    ("found", "passages"),
    [
        (["a", " ", "b"], ["a", "b"]),
        ([{"text": "a", "score": 1}, {"text": "b"}], ["a", "b"]),
        ("a || b", ["a", "b"]),
        (None, []),
        ("", []),
    ],
)
def test_a_column_holds_one_text_or_several(example, found, passages):
    source = Own(task="abstractive_qa", fields=QA, separator="||")
    assert example(source, {"q": "Q", "context": found, "answer": "a"}).passages == passages


def test_own_ids_and_splits_are_taken(example):
    source = Own(task="abstractive_qa", fields={**QA, "id": "key", "split": "fold"})
    made = example(source, {"key": 7, "fold": "validation", "q": "Q", "context": "c", "answer": "a"})
    assert (made.id, made.split) == ("7", "dev")


def test_an_unknown_split_is_told(example):
    source = Own(task="abstractive_qa", fields={**QA, "split": "fold"})
    with pytest.raises(
        ResetError, match="'fold' must be one of train, val, valid, validation, dev, test, is 'holdout'"
    ):
        example(source, {"fold": "holdout", "q": "Q", "context": "c", "answer": "a"})


def test_an_extractive_answer_in_no_passage_is_set_aside(reason):
    record = {"q": "Who?", "context": ["Ada wrote it."], "answer": "Bob"}
    assert reason(Own(task="extractive_qa", fields=QA), record) == "no passage holds the answer"


def test_extractive_passages_are_capped_with_the_answer_among_them(example):
    record = {"q": "Who?", "context": ["a one", "b two", "Ada wrote it."], "answer": "Ada"}
    made = example(Own(task="extractive_qa", fields=QA, max_passages=2), record)
    assert made.passages == ["a one", "Ada wrote it."]


def test_a_column_that_is_not_there_is_told(example):
    with pytest.raises(ResetError, match=r"lacks the field 'context' .has: q, answer."):
        example(Own(task="abstractive_qa", fields=QA), {"q": "Q", "answer": "a"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "qa", "fields": QA}, "Unknown task 'qa' (options.task of own)"),
        ({"task": "instruction", "fields": {"answer": "a"}}, "Unknown part 'answer' (options.fields of own)"),
        ({"task": "summarization", "fields": {"passages": "b"}}, "must name a column for references"),
    ],
)
def test_settings_that_make_no_sense_are_told(options, message):
    with pytest.raises(ResetError) as caught:
        Own(**options)
    assert message in caught.value.message
