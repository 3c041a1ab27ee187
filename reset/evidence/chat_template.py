"""A Jinja chat template that gives the prompts of training (`reset.model.prompts`), for tools that work on messages.

With a system message, that is the task's instruction and the user message is the question; without one, the user
message is the instruction. `documents` (each with `text`) are the passages. Conversations of more than one question
and one answer were not trained on and are refused. A model trained with its own chat template keeps that template.
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
{{- raise_exception('expected [system,] user[, assistant]: the model was not trained on longer conversations') -}}
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
    """Return prompt template `template` as a Jinja chat template; for `chat` the tokenizer's own, with one BOS."""
    if chat := frame(tokenizer, template):
        own = tokenizer.get_chat_template()
        return own if chat.bos or tokenizer.bos_token_id is None else "{{- bos_token -}}" + own
    chosen = TEMPLATES[template]
    before, _, tail = chosen.text.partition("{input}")
    head, _, middle = before.partition("{instruction}")
    parts = {"head": head, "middle": middle, "tail": tail, "question_last": chosen.question_last}
    return "".join(f"{{%- set {name} = {json.dumps(value)} -%}}\n" for name, value in parts.items()) + _BODY


def messages(example: dict[str, Any], template: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return one row of the examples table as messages and documents; for template `chat` as one message."""
    if template == CHAT:
        return [{"role": "user", "content": render(example, CHAT).text}], []
    texts = [example["instruction"], example["question"]] if example["question"] else [example["instruction"]]
    roles = ["system", "user"][-len(texts) :]
    turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
    return turns, [{"text": text} for text in example["passages"]]


def agrees(tokenizer: PreTrainedTokenizerBase, template: str) -> bool:
    """Check that the tokenizer's chat template gives the token ids of training, for prompts of each kind."""
    task = INSTRUCTIONS["extractive_qa"]
    probes: list[dict[str, Any]] = [
        {"instruction": "Name a colour.", "question": "", "passages": []},
        {"instruction": task, "question": "Who lives here?", "passages": ["Mira lives here.", "Tom does not."]},
        {"instruction": INSTRUCTIONS["summarization"], "question": "", "passages": ["Mira lives here."]},
    ]
    for probe in probes:
        turns, documents = messages(probe, template)
        ids = tokenizer.apply_chat_template(turns, documents=documents, add_generation_prompt=True, return_dict=False)
        trained = prompt_ids(tokenizer, render(probe, template), 1 << 20, frame(tokenizer, template))
        if trained is None or list(ids) != trained[0]:
            return False
    return True
