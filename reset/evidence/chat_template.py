"""A Jinja chat template that renders what training rendered (`reset.model.prompts`), for tools that know only messages.

A system message is the task's instruction and the user's message then the question; without one the user's message is
the instruction. `documents` (each with `text`) are the passages. One question and one answer: longer conversations were
not trained on and are refused. A model that was trained in its own chat template keeps that one.
"""

import json
from typing import Any

from transformers import PreTrainedTokenizerBase

from reset.model.chat_frame import frame
from reset.model.prompts import CHAT, INSTRUCTIONS, TEMPLATES, render
from reset.model.tokens import prompt_ids

_BODY = """\
{%- set asked = messages[0].role == 'system' -%}
{%- set turns = messages[1:] if asked else messages -%}
{%- if turns | length not in (1, 2) or turns[0].role != 'user' or (turns[1:] and turns[1].role != 'assistant') -%}
{{- raise_exception('one user message, after a system message or none: this model was trained on nothing longer') -}}
{%- endif -%}
{{- bos_token ~ head ~ messages[0].content ~ middle -}}
{%- if asked and not question_last -%}{{- 'Question: ' ~ turns[0].content ~ '\\n' -}}{%- endif -%}
{%- for document in documents | default([], true) -%}
{{- ('' if loop.first else '\\n') ~ ('Passage: ' if asked else '') ~ document.text -}}
{%- endfor -%}
{%- if asked and question_last -%}{{- '\\nQuestion: ' ~ turns[0].content -}}{%- endif -%}
{{- tail -}}
{%- if turns[1:] -%}{{- turns[1].content ~ eos_token -}}{%- endif -%}
"""


def jinja(template: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """Return prompt template `template` as a Jinja chat template; for `chat` the tokenizer's own, after one BOS."""
    if chat := frame(tokenizer, template):
        own = tokenizer.get_chat_template()
        return own if chat.bos or tokenizer.bos_token_id is None else "{{- bos_token -}}" + own
    chosen = TEMPLATES[template]
    before, _, tail = chosen.text.partition("{input}")
    head, _, middle = before.partition("{instruction}")
    parts = {"head": head, "middle": middle, "tail": tail, "question_last": chosen.question_last}
    return "".join(f"{{%- set {name} = {json.dumps(value)} -%}}\n" for name, value in parts.items()) + _BODY


def messages(example: dict[str, Any], template: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """One row of the examples table as messages and documents; of a chat as one message."""
    if template == CHAT:
        return [{"role": "user", "content": render(example, CHAT).text}], []
    asked = [example["instruction"], example["question"]] if example["question"] else [example["instruction"]]
    roles = ["system", "user"][-len(asked) :]
    turns = [{"role": role, "content": text} for role, text in zip(roles, asked, strict=True)]
    return turns, [{"text": text} for text in example["passages"]]


def agrees(tokenizer: PreTrainedTokenizerBase, template: str) -> bool:
    """Whether the tokenizer's chat template gives the ids that training read, asked with and without a question."""
    task = INSTRUCTIONS["extractive_qa"]
    probes: list[dict[str, Any]] = [
        {"instruction": "Name a colour.", "question": "", "passages": []},
        {"instruction": task, "question": "Who lives here?", "passages": ["Mira lives here.", "Tom does not."]},
        {"instruction": INSTRUCTIONS["summarization"], "question": "", "passages": ["Mira lives here."]},
    ]
    for probe in probes:
        turns, documents = messages(probe, template)
        read = tokenizer.apply_chat_template(turns, documents=documents, add_generation_prompt=True, return_dict=False)
        trained = prompt_ids(tokenizer, render(probe, template), 1 << 20, frame(tokenizer, template))
        if trained is None or list(read) != trained[0]:
            return False
    return True
