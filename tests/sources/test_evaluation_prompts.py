"""Vicuna-eval and Koala-eval: prompts without references."""

import pytest

from reset.errors import ResetError
from reset.sources.koala_eval import KoalaEval
from reset.sources.vicuna_eval import VicunaEval


def test_first_turn_of_a_vicuna_question_is_the_instruction(example):
    made = example(VicunaEval(), {"question_id": 7, "category": "math", "turns": ["Add 1 and 1.", "And 2?"]})
    assert (made.id, made.instruction, list(made.references)) == ("7", "Add 1 and 1.", [])


def test_vicuna_question_without_a_turn_is_an_error():
    with pytest.raises(ResetError, match="the field 'turns' holds no text"):
        list(VicunaEval().outcomes([{"question_id": 7, "turns": []}]))


def test_koala_prompt_is_the_instruction(example):
    made = example(KoalaEval(), {"id": "koala_9", "prompt": "Write a haiku."})
    assert (made.id, made.instruction, list(made.references)) == ("koala_9", "Write a haiku.", [])
