"""A Jinja chat template that gives the prompts of training (`reset.model.prompts`), for tools that work on messages.

With a system message, that is the task's instruction and the user message is the question; without one, the user
message is the instruction. `documents` (each with `text`) are the passages. Conversations of more than one question
and one answer were not trained on and are refused. A model trained with its own chat template keeps that template, with
the arguments, the system prompt and the generation prompt that it was trained with as its defaults.
"""

import json
from typing import Any

from transformers import PreTrainedTokenizerBase

from reset.model import rendering
from reset.model.chat_frame import PLAIN, Frame, Options, frame, turns
from reset.model.prompts import CHAT, INSTRUCTIONS, TEMPLATES, render
from reset.model.tokens import in_front, prompt_ids

_BODY = """\
{%- set asked = messages[0].role == 'system' -%}
{%- set turns = messages[1:] if asked else messages -%}
{%- if turns | length not in (1, 2) or turns[0].role != 'user' or (turns[1:] and turns[1].role != 'assistant') -%}
{{- raise_exception('expected [system,] user[, assistant]: the model was not trained on longer conversations') -}}
{%- endif -%}
{{- front ~ head ~ messages[0].content ~ middle -}}
{%- if asked and not question_last -%}{{- 'Question: ' ~ turns[0].content ~ '\\n' -}}{%- endif -%}
{%- for document in documents | default([], true) -%}
{{- ('' if loop.first else '\\n') ~ ('Passage: ' if asked else '') ~ document.text -}}
{%- endfor -%}
{%- if asked and question_last -%}{{- '\\nQuestion: ' ~ turns[0].content -}}{%- endif -%}
{{- tail -}}
{%- if turns[1:] -%}{{- turns[1].content ~ eos_token -}}{%- endif -%}
"""


def jinja(template: str, tokenizer: PreTrainedTokenizerBase, options: Options = PLAIN) -> str:
    """Return prompt template `template` as a Jinja chat template; for `chat` the tokenizer's own, told `options`."""
    if chat := frame(tokenizer, template, options):
        return _told(tokenizer, chat)
    chosen = TEMPLATES[template]
    before, _, tail = chosen.text.partition("{input}")
    head, _, middle = before.partition("{instruction}")
    front = "".join(map(str, tokenizer.convert_ids_to_tokens(list(in_front(tokenizer)))))
    parts = {"front": front, "head": head, "middle": middle, "tail": tail, "question_last": chosen.question_last}
    return "".join(f"{{%- set {name} = {json.dumps(value)} -%}}\n" for name, value in parts.items()) + _BODY


def _told(tokenizer: PreTrainedTokenizerBase, chat: Frame) -> str:
    """Return the tokenizer's own chat template; its arguments, system and generation prompt are those of training."""
    before = [f"{{% set {name} = {_literal(value)} %}}" for name, value in chat.options.arguments.items()]
    if chat.options.system is not None:
        system = _literal([{"role": "system", "content": chat.options.system}])
        before.append(
            f"{{% if messages[0].role != 'system' %}}{{% set messages = {system} + messages | list %}}{{% endif %}}"
        )
    after = ""
    if chat.own is not None:  # its generation prompt is another one than was trained
        asked = turns(chat.options, rendering.ASKED)
        _, silent = rendering.render(tokenizer, asked, chat.options.arguments).split(rendering.ASKED)
        if chat.tail.startswith(silent):
            before.append("{% set wants_reply = add_generation_prompt %}{% set add_generation_prompt = false %}")
            after = f"{{% if wants_reply %}}{{{{ {_literal(chat.tail.removeprefix(silent))} }}}}{{% endif %}}"
    return (
        "".join(before) + ("{{ '' }}" if before else "") + rendering.source(tokenizer) + after
    )  # else a line end in front would be lost


def _literal(value: Any) -> str:
    """Return `value` as a Jinja expression."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(name)}: {_literal(one)}" for name, one in value.items()) + "}"
    return "none" if value is None else json.dumps(value)


def messages(example: dict[str, Any], template: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return one row of the examples table as messages and documents; for template `chat` as one message."""
    if template == CHAT:
        return [{"role": "user", "content": render(example, CHAT).text}], []
    texts = [example["instruction"], example["question"]] if example["question"] else [example["instruction"]]
    roles = ["system", "user"][-len(texts) :]
    turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
    return turns, [{"text": text} for text in example["passages"]]


def agrees(
    tokenizer: PreTrainedTokenizerBase,
    template: str,
    options: Options = PLAIN,
    *,
    trained: PreTrainedTokenizerBase | None = None,
) -> bool:
    """Check that the tokenizer's chat template gives the token ids of training, for prompts of each kind.

    `trained` is the tokenizer of training, with the chat template of that time; None: `tokenizer` itself.
    """
    trained = trained or tokenizer
    task = INSTRUCTIONS["extractive_qa"]
    probes: list[dict[str, Any]] = [
        {"instruction": "Name a colour.", "question": "", "passages": []},
        {"instruction": task, "question": "Who lives here?", "passages": ["Mira lives here.", "Tom does not."]},
        {"instruction": INSTRUCTIONS["summarization"], "question": "", "passages": ["Mira lives here."]},
        {"instruction": " Name a colour.\n\n", "question": "", "passages": []},  # with blanks at its ends
    ]
    chat = frame(trained, template, options)
    for probe in probes:
        asked, documents = messages(probe, template)
        ids = tokenizer.apply_chat_template(asked, documents=documents, add_generation_prompt=True, return_dict=False)
        ours = prompt_ids(trained, render(probe, template), 1 << 20, chat)
        if ours is None or list(ids) != ours[0]:
            return False
    return True
