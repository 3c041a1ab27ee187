"""MRQA's form in its layouts; all texts are invented."""

import json

import pytest

from reset.examples import fetch
from reset.sources.mrqa import Mrqa

ROW = {
    "key": "5a",
    "question": "Where is the Pump",
    "answers": ["hall 7"],
    "context": "[PAR] [TLE] Pumps of Ulm [SEP] The pump\nis in hall 7. [PAR] [TLE] Halls [SEP] Hall 9 is cold.",
}


def test_each_paragraph_is_a_passage_on_one_line_without_its_title(example):
    made = example(Mrqa(), ROW)
    assert (made.id, made.task, made.question) == ("5a", "extractive_qa", "Where is the Pump")
    assert (made.passages, made.references) == (["The pump is in hall 7.", "Hall 9 is cold."], ["hall 7"])
    assert example(Mrqa(lower_case=True), ROW).question == "where is the pump"


@pytest.mark.parametrize(
    ("context", "passages"),
    [
        ("A plain text about hall 7.", ["A plain text about hall 7."]),
        ("[DOC] [TLE] Pumps [PAR] In hall 7. [PAR] Old. [DOC] [TLE] Cut o", ["In hall 7.", "Old."]),
        ("[DOC] [TLE] Pumps [PAR] [DOC] [PAR] Hall 7. [DOC] ", ["Hall 7."]),
        ("<P> In <i>hall</i> 7 . </P>", ["In <i>hall</i> 7 ."]),
        ('<Table> <Tr> <Th_colspan="2"> Pump </Th> <Td> hall 7 </Td> </Tr> </Table>', ["Pump hall 7"]),
        ("First [SEP] hall 7", ["First hall 7"]),
    ],
)
def test_marks_part_a_context_and_leave_no_trace(example, context, passages):
    row = {**ROW, "context": context, "answers": ["hall 7", "7"]}
    assert example(Mrqa(), row).passages == passages


def test_rows_of_the_workshop_s_own_set_are_read(example):
    row = {**ROW, "subset": "HotpotQA", "qid": "q9", "detected_answers": {"text": ["hall 7"]}, "context_tokens": {}}
    del row["key"]
    assert example(Mrqa(), row).id == "q9"


def test_answer_outside_the_first_passages_is_looked_for_deeper(example, reason):
    context = " ".join(f"[PAR] Hall {n} is old." for n in range(1, 9))
    assert example(Mrqa(max_passages=2), {**ROW, "context": context}).passages == ["Hall 1 is old.", "Hall 7 is old."]
    assert reason(Mrqa(), {**ROW, "context": "[TLE] hall 7 [SEP] Elsewhere."}) == "no passage holds the answer"


def test_original_file_is_fetched_question_by_question_and_its_header_is_set_aside(tmp_path, reason):
    qas = [{"qid": str(n), "question": f"where {n}", "answers": ["hall 7"], "detected_answers": []} for n in range(2)]
    lines = [{"header": {"dataset": "Pumps", "split": "dev"}}, {"id": "", "context": ROW["context"], "qas": qas}]
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    facts = fetch.fetch(Mrqa(), path=tmp_path / "dev.jsonl", revision=None, into=tmp_path / "raw")
    header, *questions = map(json.loads, (tmp_path / "raw/test.jsonl").read_text().splitlines())
    assert (facts["records"], facts["set_aside"]) == ({"test": 3}, {})
    assert reason(Mrqa(), header) == "header of its file"
    assert [made.id for made in Mrqa().outcomes(questions)] == ["0", "1"]
