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


@pytest.mark.parametrize(
    ("word", "split"),
    [
        ("train", "train"),
        ("Training ", "train"),
        ("validation", "dev"),
        ("valid", "dev"),
        ("val", "dev"),
        ("DEV", "dev"),
        ("TEST", "test"),
        ("", None),
        (None, None),
    ],
)
def test_a_split_is_spelled_in_several_ways_or_missing(example, word, split):
    source = Own(task="abstractive_qa", fields={**QA, "split": "fold"})
    assert example(source, {"fold": word, "q": "Q", "context": "c", "answer": "a"}).split == split
    assert example(source, {"q": "Q", "context": "c", "answer": "a"}).split is None


@pytest.mark.parametrize("word", ["holdout", " Holdout", 0, 0.0, "Test"])
def test_an_option_says_what_other_words_of_the_split_mean(example, word):
    splits = {"holdout": "test", 0: "test", "Test": "test"}
    source = Own(task="abstractive_qa", fields={**QA, "split": "fold"}, splits=splits)
    assert example(source, {"fold": word, "q": "Q", "context": "c", "answer": "a"}).split == "test"


@pytest.mark.parametrize("split", ["eval", "tests", True, 1.5, ["test"]])
def test_a_split_that_is_no_known_word_breaks_the_record(example, split):
    source = Own(task="abstractive_qa", fields={**QA, "split": "fold"})
    with pytest.raises(ResetError, match="the field 'fold' must be"):
        example(source, {"fold": split, "q": "Q", "context": "c", "answer": "a"})


def test_without_an_id_of_its_own_a_record_has_one_of_its_content(example):
    record = {"": "7", "q": "Q", "context": "c", "answer": "a"}
    plain = example(Own(task="abstractive_qa", fields=QA), record).id
    assert plain not in ("", "7")
    named = Own(task="abstractive_qa", fields={**QA, "id": "key"})
    for more in ({}, {"key": None}, {"key": ""}, {"key": " "}):
        assert example(named, {**record, **more}).id == plain
    assert example(named, {**record, "answer": "b"}).id != plain


def test_the_id_of_a_record_does_not_hang_on_the_passages_that_are_kept(example):
    record = {"q": "Who?", "context": ["one", "two", "Ada wrote it."], "answer": "Ada"}
    ids = {example(Own(task="extractive_qa", fields=QA, max_passages=count), record).id for count in (1, 2, 3)}
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("record", "references"),
    [
        ({"a": {"text": ["x", "y"]}}, ["x", "y"]),
        ({"a": [{"text": "x", "n": 1}, {"text": "y"}]}, ["x", "y"]),
        ({"a": {"text": None}}, []),
        ({"a": None}, []),
        ({"a.text": "x", "a": {"text": "y"}}, ["x"]),
    ],
)
def test_dots_lead_into_objects(example, record, references):
    source = Own(task="abstractive_qa", fields={**QA, "references": "a.text"})
    assert example(source, {"q": "Q", "context": "c", **record}).references == references


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"a": "x"}, "the field 'a' must be an object or a list of objects, is text"),
        ({"a": {"txt": "x"}}, "lacks the field 'text' (has: txt)"),
        ({"b": 1}, "lacks the field 'a.text' (has: q, context, b)"),
        ({"a": {"text": [["x"]]}}, "the field 'a.text' must be a list of texts, is a list with a list"),
    ],
)
def test_a_way_that_leads_nowhere_is_told(example, record, message):
    with pytest.raises(ResetError) as caught:
        example(Own(task="abstractive_qa", fields={**QA, "references": "a.text"}), {"q": "Q", "context": "c", **record})
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (7, "a number"),
        (True, "true or false"),
        ([1], "a list with a number"),
        ({"a": 1}, "an object"),
        ([{"a": 1}], "a list with an object"),
        ({"unreadable": "3 bytes, not UTF-8"}, "3 bytes, not UTF-8"),
    ],
)
def test_what_is_no_text_is_never_made_one(example, answer, what):
    with pytest.raises(ResetError) as caught:
        example(Own(task="abstractive_qa", fields=QA), {"q": "Q", "context": "c", "answer": answer})
    assert caught.value.message == f"the field 'answer' must be a list of texts, is {what}"


def test_a_null_among_several_texts_is_none_of_them(example):
    record = {"q": "Q", "context": ["c", None, " "], "answer": "a"}
    assert example(Own(task="abstractive_qa", fields=QA), record).passages == ["c"]


@pytest.mark.parametrize("answer", ["A", "+", "The", "..."])
def test_an_answer_that_normalising_leaves_nothing_of_is_looked_for_as_it_is(example, reason, answer):
    source = Own(task="extractive_qa", fields=QA)
    assert example(source, {"q": "Which?", "context": f"It is {answer} alone.", "answer": answer}).references == [
        answer
    ]
    assert reason(source, {"q": "Which?", "context": "It is B", "answer": answer}) == "no passage holds the answer"


def test_an_unknown_split_is_told(example):
    source = Own(task="abstractive_qa", fields={**QA, "split": "fold"})
    with pytest.raises(
        ResetError, match=r"'fold' must be one of train, .*, testing, is 'holdout' .options.splits gives it a meaning."
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
        (
            {"task": "instruction", "fields": {"instruction": "a"}, "splits": {"x": "tst"}},
            "Unknown split 'tst' (options.splits.x of own). Did you mean 'test'?",
        ),
    ],
)
def test_settings_that_make_no_sense_are_told(options, message):
    with pytest.raises(ResetError) as caught:
        Own(**options)
    assert message in caught.value.message


@pytest.mark.parametrize("word", [False, "no", "False", 0, "0"])
def test_a_question_may_say_that_it_is_unanswerable(example, word):
    source = Own(task="extractive_qa", fields={**QA, "answerable": "ok"})
    made = example(source, {"q": "Who?", "context": "It is old.", "answer": "not stated", "ok": word})
    assert (made.checks, made.references) == ('{"answerable": false}', ["not stated"])
    for told in (True, "yes", 1, None):
        assert example(source, {"q": "Who?", "context": "Ada did.", "answer": "Ada", "ok": told}).checks is None


def test_another_word_for_answerable_is_refused(example):
    source = Own(task="abstractive_qa", fields={**QA, "answerable": "ok"})
    with pytest.raises(ResetError, match="the field 'ok' must be one of true, yes, 1, false, no, 0, is 'perhaps'"):
        example(source, {"q": "Who?", "context": "It is old.", "answer": "x", "ok": "perhaps"})
