"""Render conversations with a tokenizer's own chat template, as transformers does."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import jinja2

from reset.errors import ResetError
from reset.model.prompts import CHAT

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase

DAY = datetime(2024, 7, 26)  # the default date in Llama 3.1's template
ASKED, SAID = "reset-asks-this", "reset-hears-this"  # placeholders for the user's message and the reply
RESERVED = ("messages", "add_generation_prompt")
THOUGHT = re.compile(
    r"[<\[\u25c1][^<>\[\]\s]{0,40}?(?:think|thought|reason|reflect|scratchpad)[^<>\[\]\s]{0,40}?[>\]\u25b7]",
    re.IGNORECASE,
)

Turns = Sequence[Mapping[str, str]]


def render(
    tokenizer: "PreTrainedTokenizerBase", turns: Turns, arguments: Mapping[str, Any], *, prompt: bool = False
) -> str:
    """Return the text of a conversation; with `prompt`, the template's generation prompt stands at its end.

    Raises `ResetError` if the template refuses the conversation.
    """
    text = _apply(tokenizer, turns, arguments, tokenize=False, add_generation_prompt=prompt)
    assert isinstance(text, str)  # nosec B101: tells mypy alone
    return text


def ids(tokenizer: "PreTrainedTokenizerBase", turns: Turns, arguments: Mapping[str, Any]) -> list[int]:
    """Return the token ids of a conversation, as the tokenizer's own method gives them."""
    return list(_apply(tokenizer, turns, arguments, tokenize=True, return_dict=False))


def _apply(tokenizer: "PreTrainedTokenizerBase", turns: Turns, arguments: Mapping[str, Any], **how: Any) -> Any:
    clock = {"strftime_now": DAY.strftime}
    try:
        return tokenizer.apply_chat_template([dict(turn) for turn in turns], **{**clock, **arguments}, **how)
    except (jinja2.TemplateError, TypeError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        roles = ", ".join(turn["role"] for turn in turns)
        raise ResetError(
            f"{tokenizer.name_or_path}: its chat template cannot render a conversation of {roles} ({reason})"
        ) from error


def check_arguments(tokenizer: "PreTrainedTokenizerBase", arguments: Mapping[str, Any]) -> None:
    """Raise `ResetError` if the tokenizer has no chat template, or the template does not mention one of `arguments`."""
    jinja = source(tokenizer)
    where = "(params.yaml: template_options.arguments)"
    for name in arguments:
        if name in RESERVED:
            raise ResetError(f"'{name}' is not for you to set in a chat template {where}")
        if not re.search(rf"\b{re.escape(name)}\b", jinja):
            raise ResetError(f"{tokenizer.name_or_path}: its chat template knows no argument '{name}' {where}")


def source(tokenizer: "PreTrainedTokenizerBase") -> str:
    """Return the tokenizer's chat template; `ResetError` if it has none, or several and none called `default`."""
    if not tokenizer.chat_template:
        raise ResetError(f"{tokenizer.name_or_path}: its tokenizer has no chat template, which template: {CHAT} needs")
    try:
        return str(tokenizer.get_chat_template())
    except ValueError as error:
        raise ResetError(f"{tokenizer.name_or_path}: {str(error).splitlines()[0]}") from error


def around(tokenizer: "PreTrainedTokenizerBase", turns: Turns, arguments: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return what the template writes before `ASKED`, between it and `SAID`, and after that.

    Raises `ResetError` if it does not write both once, unchanged and in this order.
    """
    text = render(tokenizer, turns, arguments)
    where = f"{tokenizer.name_or_path}: its chat template"
    for what, placeholder in (("message", ASKED), ("reply", SAID)):
        if text.count(placeholder) != 1:
            raise ResetError(f"{where} renders a {what} {text.count(placeholder)} times, must render it once")
    before, _, rest = text.partition(ASKED)
    between, found, after = rest.partition(SAID)
    if not found:
        raise ResetError(f"{where} writes a reply before the message")
    return before, between, after


def open_thought(header: str) -> str | None:
    """Return the mark that opens a thought in `header`, the text before a reply, if no mark closes it there."""
    marks = THOUGHT.findall(header)
    closing = bool(marks) and re.search(r"/|end", marks[-1], re.IGNORECASE)
    return None if not marks or closing else str(marks[-1])
