"""IFEval: prompts with the ids and arguments of their instructions, as on the hub and in the authors' file."""

import json

import pytest

from reset.errors import ResetError
from reset.sources.ifeval import IfEval

FLAT = {"key": 7, "prompt": "Name birds.", "instruction_id_list": ["punctuation:no_comma", "startend:end_checker"]}
OWN = [{}, {"end_phrase": "Bye."}]
ALL = [{"end_phrase": None, "num_words": None}, {"end_phrase": "Bye.", "num_words": None}]
COLUMNS = {"end_phrase": [None, "Bye."], "num_words": [None, None]}
WANTED = [
    {"id": "punctuation:no_comma", "kwargs": {}},
    {"id": "startend:end_checker", "kwargs": {"end_phrase": "Bye."}},
]


@pytest.mark.parametrize("kwargs", [OWN, ALL, COLUMNS, json.dumps(OWN)])
def test_instructions_come_with_those_arguments_that_are_set(example, kwargs):
    made = example(IfEval(), {**FLAT, "kwargs": kwargs})
    assert (made.id, made.task, made.instruction, list(made.references)) == ("7", "instruction", "Name birds.", [])
    assert json.loads(made.checks) == {"instructions": WANTED}


def test_a_prompt_without_instructions_is_set_aside(reason):
    assert reason(IfEval(), {**FLAT, "instruction_id_list": [], "kwargs": []}) == "no verifiable instruction"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ([{}], r"has 2 instructions \('instruction_id_list'\), but arguments \('kwargs'\) of 1"),
        ([{}, {}, {}], r"has 2 instructions \('instruction_id_list'\), but arguments \('kwargs'\) of 3"),
        ("none", "the field 'kwargs' is a text, but not JSON"),
        (None, "'kwargs'"),
        (3, "'kwargs'"),
    ],
)
def test_arguments_that_do_not_fit_the_instructions_are_an_error(kwargs, message):
    with pytest.raises(ResetError, match=message):
        list(IfEval().outcomes([{**FLAT, "kwargs": kwargs}]))
