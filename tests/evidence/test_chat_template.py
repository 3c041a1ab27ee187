"""An export's chat template gives the prompts that were trained, whatever the model's own generation prompt is."""

import copy
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from reset.evidence import chat_template
from reset.model.chat_frame import PLAIN, Options, frame
from reset.model.prompts import CHAT, Prompt
from reset.model.tokens import prompt_ids
from tests.support import chat_templates as templates
from tests.support.families import FAMILIES
from tests.support.tiny_tokenizers import tokenizer_of

CHATTING = [name for name, family in FAMILIES.items() if family.tokenizer().chat_template]


def exported(tokenizer: PreTrainedTokenizerFast, template: str, options: Options = PLAIN) -> PreTrainedTokenizerFast:
    made = copy.deepcopy(tokenizer)
    made.chat_template = chat_template.jinja(template, tokenizer, options)
    return made


def asked(tokenizer: PreTrainedTokenizerFast, text: str, *system: dict[str, str], **how: Any) -> list[int]:
    turns = [*system, {"role": "user", "content": text}]
    return list(tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False, **how))


@pytest.mark.parametrize("name", CHATTING)
def test_a_chat_asks_as_training_did(name: str) -> None:
    tokenizer = FAMILIES[name].tokenizer()
    made = exported(tokenizer, CHAT)
    assert chat_template.agrees(made, CHAT, trained=tokenizer)
    changed = frame(tokenizer, CHAT).own is not None  # type: ignore[union-attr]
    assert (made.chat_template != tokenizer.chat_template) == changed
    assert chat_template.agrees(tokenizer, CHAT) == (not changed)


def test_conversations_beside_the_prompt_stay_the_template_s_own() -> None:
    tokenizer = FAMILIES["qwen_3"].tokenizer()
    made = exported(tokenizer, CHAT)
    turns = [{"role": role, "content": role} for role in ("system", "user", "assistant", "user", "assistant")]
    for length in (2, 3, 5):
        ours, theirs = (one.apply_chat_template(turns[:length], tokenize=False) for one in (made, tokenizer))
        assert ours == theirs


def test_arguments_and_the_system_prompt_of_training_are_the_defaults() -> None:
    tokenizer = FAMILIES["qwen_3"].tokenizer()
    options = Options(
        system='Say "no"\nor {none}.', arguments={"enable_thinking": False, "tools": None, "n": [1, {"a": "b"}]}
    )
    tokenizer.chat_template = "{{- '' if tools else n -}}\n" + tokenizer.chat_template
    made = exported(tokenizer, CHAT, options)
    assert chat_template.agrees(made, CHAT, options, trained=tokenizer)
    trained = prompt_ids(tokenizer, Prompt("Who?", 0, 0), 1000, frame(tokenizer, CHAT, options))
    assert trained
    assert asked(made, "Who?") == trained[0]
    other = {"role": "system", "content": "Say yes."}
    assert asked(made, "Who?", other) == asked(tokenizer, "Who?", other, **options.arguments)


@pytest.mark.parametrize("start", ["\n", "\n\n  ", "text\n"])
def test_a_template_that_begins_with_a_line_end_keeps_it(start: str) -> None:
    tokenizer = FAMILIES["qwen_3"].tokenizer()
    tokenizer.chat_template = start + tokenizer.chat_template.replace("{%-", "{%", 1)
    assert chat_template.agrees(exported(tokenizer, CHAT), CHAT, trained=tokenizer)


def test_an_export_whose_template_writes_the_day_is_found_out() -> None:
    tokenizer = FAMILIES["qwen_2"].tokenizer()
    tokenizer.chat_template = templates.CLOCK
    assert not chat_template.agrees(exported(tokenizer, CHAT), CHAT, trained=tokenizer)


@pytest.mark.parametrize("name", ["gpt_2", "opt", "qwen_3", "llama_2"])
@pytest.mark.parametrize("template", ["alpaca", "vicuna"])
def test_a_template_of_the_paper_puts_in_front_what_the_tokenizer_does(name: str, template: str) -> None:
    tokenizer = FAMILIES[name].tokenizer()
    assert chat_template.agrees(exported(tokenizer, template), template)


def test_a_tokenizer_without_a_template_of_its_own_gets_one_of_the_paper_s() -> None:
    tokenizer = tokenizer_of("byte", bos=None, eos="</s>", template=None)
    assert chat_template.agrees(exported(tokenizer, "alpaca"), "alpaca")
