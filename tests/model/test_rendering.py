"""A header that opens a thought before a reply is known by its mark."""

import pytest

from reset.model.rendering import open_thought


@pytest.mark.parametrize(
    ("header", "mark"),
    [
        ("<|assistant|><think>\n", "<think>"),
        ("<|assistant|><scratchpad>", "<scratchpad>"),
        ("<|assistant|>\u25c1think\u25b7", "\u25c1think\u25b7"),
        ("<|assistant|><seed:think>", "<seed:think>"),
        ("<|assistant|><think>\n\n</think>\n", None),
        ("<|assistant|>\u25c1think\u25b7\u25c1/think\u25b7", None),
        ("<|assistant|>", None),
    ],
)
def test_a_thought_that_is_left_open_is_found(header: str, mark: str | None) -> None:
    assert open_thought(header) == mark
