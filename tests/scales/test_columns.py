"""The columns of a file are guessed by their names and first records, and can be said otherwise."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reset.errors import ResetError
from reset.scales.answers import data
from reset.scales.columns import given, guessed
from reset.scales.files import Look, look

PASSAGE = "Pump 1 stands in hall 2."


def seen(folder: Path, *records: Mapping[str, Any], name: str = "a.jsonl") -> Look:
    (folder / name).write_text("\n".join(map(json.dumps, records)))
    return look(str(folder / name))


@pytest.mark.parametrize(
    ("record", "guess"),
    [
        ({"instruction": "Go.", "output": "Gone."}, "instruction, instruction=instruction, output=references"),
        (
            {"instruction": "Go.", "input": PASSAGE, "output": "Gone."},
            "instruction, instruction=instruction, input=passages, output=references",
        ),
        ({"Prompt": "Go.", "Completion": "Gone."}, "instruction, Prompt=instruction, Completion=references"),
        ({"question": "Who?", "answer": "Me."}, "instruction, question=instruction, answer=references"),
        (
            {"id": "q1", "query": "Where?", "ctxs": [{"text": PASSAGE}], "answers": ["hall 2"]},
            "extractive_qa, id=id, query=question, ctxs=passages, answers=references",
        ),
        (
            {"question": "Where?", "context": PASSAGE, "answers": {"text": ["hall 2"], "answer_start": [1]}},
            "extractive_qa, question=question, context=passages, answers.text=references",
        ),
        (
            {"question": "Where?", "context": PASSAGE, "answer": "Beside the others."},
            "abstractive_qa, question=question, context=passages, answer=references",
        ),
        ({"article": PASSAGE, "highlights": "A pump."}, "summarization, article=passages, highlights=references"),
        ({"document": PASSAGE, "summary": "A pump."}, "summarization, document=passages, summary=references"),
        (
            {"split": "Test", "document": PASSAGE, "summary": "A pump."},
            "summarization, split=split, document=passages, summary=references",
        ),
        ({"split": "b", "text": PASSAGE, "summary": "A."}, "summarization, text=passages, summary=references"),
    ],
)
def test_usual_names_are_known(tmp_path: Path, record: Mapping[str, Any], guess: str) -> None:
    assert str(guessed(seen(tmp_path, record))) == guess


def test_what_is_said_comes_before_the_guess_and_the_rest_is_still_guessed(tmp_path: Path) -> None:
    one = seen(tmp_path, {"question": "Where?", "context": "old", "better": PASSAGE, "answer": "hall 2"})
    assert guessed(one, "better=passage").fields == {
        "question": "question",
        "passages": "better",
        "references": "answer",
    }
    assert guessed(one, "abstractive_qa").task == "abstractive_qa"
    assert guessed(one, "context=, better=").task == "instruction"


def test_a_name_and_a_colon_speak_of_one_data_set_and_a_column_of_all_that_have_it(tmp_path: Path) -> None:
    seen_ones = [seen(tmp_path, {"x": "1", "y": "2"}, name="a.jsonl"), seen(tmp_path, {"x": "1"}, name="b.jsonl")]
    said = given(["x=question", "a: y=references, abstractive_qa", "y=id"], seen_ones)
    assert said == {"a": "x=question, y=references, abstractive_qa, y=id", "b": "x=question"}


def test_a_task_for_a_data_set_that_there_is_not_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ResetError, match=r"There is no data set 'manual'\. Did you mean 'manuals'\?"):
        given(["manual: extractive_qa, x=question"], [seen(tmp_path, {"x": "1"}, name="manuals.jsonl")])


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([{"a": "x", "b": "y"}], "its columns a, b suggest no task; say what they are"),
        ([{"question": "Where?", "context": PASSAGE}], "suggest no task"),
        ([{"instruction": 3}], "none of its first 1 records is instruction, instruction=instruction (the first: "),
    ],
)
def test_a_file_that_fits_no_task_is_one_line(tmp_path: Path, records: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ResetError) as raised:
        guessed(seen(tmp_path, *records))
    assert message in raised.value.message


def test_a_file_without_a_record_that_can_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("no json\n")
    with pytest.raises(ResetError, match="holds no record that can be read, the first is: "):
        look(str(tmp_path / "a.jsonl"))


def test_splits_come_from_file_names_then_from_a_column_then_from_shares(tmp_path: Path) -> None:
    record = {"document": PASSAGE, "summary": "A pump."}
    by_name = seen(tmp_path, record, name="news-train.jsonl")
    by_column = seen(tmp_path, {**record, "split": "train"}, {**record, "split": "validation"}, name="b.jsonl")
    by_shares = seen(tmp_path, record)
    found = [data(one, guessed(one)) for one in (by_name, by_column, by_shares)]
    assert [one.splits for one in found[:2]] == [{"train"}, {"train", "dev"}]
    assert [one.drawn for one in found] == [False, False, True]
    assert [one.splits_from for one in found] == [
        "train, by names of files",
        "dev, train, by column 'split'",
        "drawn by shares",
    ]


def test_two_files_of_one_name_are_two_data_sets(tmp_path: Path) -> None:
    (tmp_path / "My data.v2.jsonl").write_text('{"instruction": "Go."}')
    assert look(str(tmp_path / "My data.v2.jsonl"), ["my_data", "my_data_2"]).name == "my_data_3"


def test_a_folder_is_one_data_set_whose_files_say_the_splits(tmp_path: Path) -> None:
    (tmp_path / "News").mkdir()
    for split in ("train", "test"):
        seen(tmp_path / "News", {"document": PASSAGE, "summary": split}, name=f"{split}.jsonl")
    one = look(str(tmp_path / "News"))
    assert (one.name, one.splits, len(one.records)) == ("news", {"train", "test"}, 2)
