"""The doctor compares training rows with what the model's own chat template makes of the whole conversation."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reset.errors import ResetError
from reset.model.chat_frame import PLAIN, Options, Trim, frame
from reset.model.prompts import CHAT
from reset.model.training_rows import training_row
from reset.planning import template_check
from reset.planning.template_check import framing, probe
from reset.planning.token_check import Limits, examine
from tests.support.families import FAMILIES

Row = Callable[..., dict[str, Any]]
CHATTING = [name for name, family in FAMILIES.items() if family.tokenizer().chat_template]


@pytest.mark.parametrize("name", CHATTING)
@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_no_family_has_a_fault(example_row: Row, name: str, method: str) -> None:
    tokenizer = FAMILIES[name].tokenizer()
    row = {**training_row(example_row(), CHAT, response=" The red forest.\t"), "rejected": "(no)  "}
    how: dict[str, Any] = {"template": CHAT, "trained": tokenizer, "sampled": tokenizer, "method": method}
    for answer in range(2 if method == "dpo" else 1):
        found = examine(row, example_row(), Limits(9_000, 8_000), **how, answer=answer)
        assert (found.faults, found.left_out) == ([], None)
    assert list(probe(tokenizer, CHAT, PLAIN)) == []


def test_template_arguments_and_a_system_prompt_are_tried_too() -> None:
    options = Options(system="Be brief.", arguments={"enable_thinking": False})
    assert list(probe(FAMILIES["qwen_3"].tokenizer(), CHAT, options)) == []
    with pytest.raises(ResetError, match="cannot render a conversation of system, user, assistant"):
        list(probe(FAMILIES["gemma_3"].tokenizer(), CHAT, replace(PLAIN, system="Be brief.")))


def test_blanks_that_training_would_keep_and_the_template_does_not_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    keeping = Trim("", "")
    monkeypatch.setattr(
        template_check,
        "frame",
        lambda *told: replace(frame(*told), asked=keeping, said=keeping),  # type: ignore[type-var]
    )
    faults = list(probe(FAMILIES["llama_3"].tokenizer(), CHAT, PLAIN))
    assert len(faults) == 4  # two conversations with blanks, with and without a system prompt
    assert faults[0].startswith("training and apply_chat_template give different ids from token ")
    assert faults[0].endswith("('  What is new?\\n', '\\tThe mill. \\n', system prompt None)")


def test_a_row_that_cannot_be_what_the_template_makes_is_shown_with_its_reason(example_row: Row) -> None:
    tokenizer = FAMILIES["qwen_2"].tokenizer()
    how: dict[str, Any] = {"template": CHAT, "trained": tokenizer, "sampled": tokenizer}
    found = examine(training_row(example_row(), CHAT, response="\nyes"), example_row(), Limits(9_000, 8_000), **how)
    assert (found.input_ids, found.faults) == ([], [])
    assert found.left_out == "the tokenizer joins its reply with what the chat template writes before it"


def test_contexts_that_are_cut_are_compared_as_ever(example_row: Row) -> None:
    tokenizer, long = FAMILIES["gemma_3"].tokenizer(), example_row(passages=["mira lives in red forest. " * 9])
    how: dict[str, Any] = {"template": CHAT, "trained": tokenizer, "sampled": tokenizer}
    cut = examine(training_row(long, CHAT), long, Limits(110, 90), **how)
    assert (cut.training_cut, cut.sampling_cut, cut.faults) == (True, True, [])
    other = FAMILIES["llama_2"].tokenizer()
    (fault,) = examine(training_row(long, CHAT), long, Limits(9_000, 8_000), **{**how, "sampled": other}).faults
    assert fault.startswith("training and sampling read different ids from token ")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "smollm_2_instruct",
            r"chat template: '<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n' message "
            r"'<|im_end|>\n<|im_start|>assistant\n' reply '<|im_end|>'",
        ),
        (
            "gemma_3",
            r"chat template: '<bos><start_of_turn>user\n' message '<end_of_turn>\n<start_of_turn>model\n' reply "
            r"'<end_of_turn>'; takes the blanks off: message, reply",
        ),
        (
            "gpt_2",
            r"chat template: 'user: ' message '\nassistant:' reply '<|endoftext|>' (the tokenizer's own end: the "
            r"template writes none); its own generation prompt is '\n'",
        ),
    ],
)
def test_the_template_is_shown_in_one_line(name: str, line: str) -> None:
    assert framing(FAMILIES[name].tokenizer(), CHAT) == line
    assert framing(FAMILIES[name].tokenizer(), "micro") is None
