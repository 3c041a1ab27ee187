"""What a reasoning model writes before its answer is left out, however many thoughts it has and who opened them."""

import pytest

from reset.thoughts import without_thoughts


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("An answer.", "An answer."),
        ("<think>Hm.</think>An answer.", "An answer."),
        (" \n<THINK>Hm.</Think> An answer.", " An answer."),
        ("<think>Hm.</think> <analysis>So.</analysis>An answer.", "An answer."),
        ("<analysis>Hm.</analysis><think>So.</think>An answer.", "An answer."),
        ("opened by the template</think>An answer.", "An answer."),
        ("opened by the template</think><analysis>So.</analysis>An answer.", "An answer."),
        ("<think>Not </analysis> closed yet.</think>An answer.", "An answer."),
        ("<think>Hm.", None),
        ("<think>Hm.</think><analysis>So.", None),
        ("<analysis>Hm.</think>An answer.", None),
        ("An answer about <think> tags.", "An answer about <think> tags."),
        ("<|channel|>analysis<|message|>Hm.<|end|><|channel|>final<|message|>An answer.", "An answer."),
    ],
)
def test_thoughts_are_left_out_and_an_open_one_leaves_no_answer(text, left):
    assert without_thoughts(text) == left
