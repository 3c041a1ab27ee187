"""Prompts: the paper's templates and task instructions (Tables 2, 3, 6 and 9 to 15), and user messages for chat models.

`render` also returns which characters are context, so that a prompt that is too long is cut only there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reset.errors import ResetError, nearest

# Table 3
INSTRUCTIONS = {
    "extractive_qa": "Answer to the question by extracting a specific text span from the given passages. "
    "Do not include new information beyond the given passages.",
    "abstractive_qa": "Answer the question with well-formed sentences. Paraphrase the context in the passages if "
    "necessary. Do not include new information beyond the given passages.",
    "summarization": "Summarize the text in a few sentences. Using original phrases or paraphrasing them if "
    "necessary. Do not include new information beyond the given passages.",
}


# The template that renders a user's message; the model's own chat template goes around it (`reset.model.chat_frame`).
CHAT = "chat"


@dataclass(frozen=True)
class Template:
    """A template with the fields `{instruction}` and `{input}`."""

    text: str
    question_last: bool = False  # after the passages, as in section 2.3; Tables 9 to 13 put it first (docs/choices.md)


TEMPLATES = {
    # Table 2 (LLaMA-7B)
    "alpaca": Template(
        "Below is an instruction that describes a task, paired with an input that provides further context. "
        "Write a response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n### Input:\n"
        "{input}\n\n### Response:\n"
    ),
    # Table 6 (Vicuna-7B)
    "vicuna": Template(
        "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
        "detailed, and polite answers to the user's questions.\n\n### USER: {instruction}\n{input}\n### ASSISTANT:"
    ),
    # Table 2 without its header, which is longer than most contexts of the micro world
    "micro": Template("### Instruction: {instruction} ### Input: {input} ### Response:", question_last=True),
    CHAT: Template("{instruction}\n\n{input}"),
}


@dataclass(frozen=True)
class Prompt:
    """A rendered prompt; characters [start, end) are context that may be cut from its end."""

    text: str
    start: int
    end: int


def render(example: Mapping[str, Any], template: str) -> Prompt:
    """Render a row of the examples table; an example without context has an empty input (Table 15).

    Raises `ResetError` for an unknown template name.
    """
    if template not in TEMPLATES:
        raise ResetError(f"Unknown template '{template}'. {nearest(template, TEMPLATES)}")
    chosen = TEMPLATES[template]
    before, _, after = chosen.text.partition("{input}")
    before = before.replace("{instruction}", example["instruction"])
    passages: list[str] = example["passages"]
    if example["question"]:
        passages = [f"Passage: {passage}" for passage in passages]
        if chosen.question_last:
            after = f"\nQuestion: {example['question']}{after}"
        else:
            before += f"Question: {example['question']}\n"
    context = "\n".join(passages)
    if template == CHAT and not (example["question"] or context):
        before = example["instruction"]
    return Prompt(before + context + after, len(before), len(before) + len(context))
