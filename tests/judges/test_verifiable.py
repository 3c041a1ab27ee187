"""Judge `verifiable`: four verdicts per answer of the instructions that its record carries."""

import pytest

from reset.errors import ResetError
from reset.judges import Answer
from reset.judges.instructions import languages
from reset.judges.instructions.checks import LANGUAGE
from reset.judges.verifiable import NAMES, NONE, Verifiable
from reset.registry import JUDGES, build

COMMA, QUOTED = {"id": "punctuation:no_comma", "kwargs": {}}, {"id": "startend:quotation", "kwargs": {}}
GERMAN = {"id": "language:response_language", "kwargs": {"language": "de"}}
UNKNOWN = {"id": "keywords:rhymes", "kwargs": {}}


def said(text, *instructions, task="instruction"):
    checks = {"instructions": list(instructions)} if instructions else None
    answer = Answer("a", text, task, "test", "", "", [], [], checks)
    return {one.name: one for one in Verifiable(name="rules", languages="none").verdicts([answer])}


def scores(text, *instructions):
    return [said(text, *instructions)[name].score for name in NAMES]


def test_prompt_level_needs_every_instruction_and_instruction_level_is_the_share():
    assert scores('"one two"', COMMA, QUOTED) == [1.0, 1.0, 1.0, 1.0]
    assert scores("one two", COMMA, QUOTED) == [0.0, 0.0, 0.5, 0.5]
    assert scores('Sure, here:\n"one two"', COMMA, QUOTED) == [0.0, 1.0, 0.0, 1.0]


def test_what_cannot_be_told_makes_the_prompt_null_only_where_all_else_is_followed():
    assert scores("one", COMMA, UNKNOWN) == [None, None, 1.0, 1.0]
    assert scores("one, two", COMMA, UNKNOWN) == [0.0, 0.0, 0.0, 0.0]
    assert scores("one", UNKNOWN) == [None] * 4
    assert said("one", COMMA, UNKNOWN)["prompt_strict"].reason == "unknown instruction keywords:rhymes"
    assert said("one", GERMAN)["instruction_strict"].reason == LANGUAGE


def test_an_answer_without_instructions_is_null_for_a_reason_that_stops_no_stage():
    assert {one.reason for one in said("one", task="summarization").values()} == {NONE}
    other = Answer("a", "one", "extractive_qa", "test", "", "", [], [], {"answerable": False})
    assert {one.score for one in Verifiable(name="rules", languages="none").verdicts([other])} == {None}
    assert {NONE, LANGUAGE} <= Verifiable.expected_nulls


def test_the_evidence_names_each_instruction_and_what_came_of_it():
    detail = said("one, two", COMMA, UNKNOWN)["prompt_strict"].detail
    assert [(one["id"], one["strict"]) for one in detail["instructions"]] == [
        ("punctuation:no_comma", False),
        ("keywords:rhymes", None),
    ]


def test_langdetect_is_asked_for_by_name_and_its_absence_is_told(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(languages, "import_module", absent)
    languages.langdetect.cache_clear()
    with pytest.raises(ResetError, match="langdetect, which is not installed: `pip install langdetect`"):
        Verifiable(name="rules", languages="langdetect")
    with pytest.raises(ResetError, match=r"judges\.rules\.options\.languages"):
        build(JUDGES, "verifiable", "judges.rules.options", name="rules", languages="any")


def test_langdetect_tells_the_language():
    pytest.importorskip("langdetect")
    judge = Verifiable(name="rules", languages="langdetect")
    texts = ["Der Hund schläft heute lange unter dem Baum.", "The dog sleeps under the tree.", "12 34"]
    answers = [Answer("a", text, "instruction", "test", "", "", [], [], {"instructions": [GERMAN]}) for text in texts]
    assert [one.score for one in judge.verdicts(answers) if one.name == "prompt_strict"] == [1.0, 0.0, None]
