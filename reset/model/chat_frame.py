"""A model's own chat template: the text before and after a user's message, and the token that ends a reply.

The template is rendered once, with a placeholder as the message. So its text must not depend on the message, and the
date seen by the template is fixed. Special tokens come from the template alone: the same characters in data are encoded
as text (`reset.model.tokens`).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from reset.errors import ResetError
from reset.files import tables
from reset.model.prompts import CHAT

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase

DAY = datetime(2024, 7, 26)  # the default date in Llama 3.1's template
ASKED, SAID = "reset-asks-this", "reset-hears-this"  # placeholders for the user's message and the reply


@dataclass(frozen=True)
class Frame:
    """What a chat template writes around one message."""

    head: str  # before the message
    tail: str  # after the message, up to the reply
    bos: bool  # whether the template writes a BOS itself
    end: int  # the first special token after a reply, which is the last token trained
    special: frozenset[int]  # ids that may come only from the template


def frame(tokenizer: "PreTrainedTokenizerBase", template: str) -> Frame | None:
    """Return the frame of the tokenizer's chat template if `template` is "chat", else None.

    Raises `ResetError` if there is no chat template, or it does not render a message exactly once and unchanged.
    """
    if template != CHAT:
        return None
    if tokenizer.chat_template is None:
        raise ResetError(f"{tokenizer.name_or_path}: its tokenizer has no chat template, which template: {CHAT} needs")
    head, tail = _text_around(tokenizer, ASKED, answered=False)
    special = frozenset(int(id) for id, token in tokenizer.added_tokens_decoder.items() if token.special)
    return Frame(
        head,
        tail,
        tokenizer.bos_token_id in _special_ids(tokenizer, head, special),
        _end_token(tokenizer, special),
        special,
    )


def ends(model: Path) -> list[int]:
    """Return the ids at which every engine stops: `eos_token_id` in the folder of whole weights `model`."""
    path = model / "generation_config.json"
    eos = tables.read_json(path if path.is_file() else model / "config.json").get("eos_token_id")
    return eos if isinstance(eos, list) else [] if eos is None else [eos]


def stop_at(model: Path, end: int) -> None:
    """Add `end` to the ids at which every engine stops."""
    path = model / "generation_config.json"
    tables.write_json(path, {**tables.read_json(path), "eos_token_id": list(dict.fromkeys([*ends(model), end]))})


def require_end(model: Path, chat: Frame, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Raise `ResetError` unless the ids at which engines stop (`ends`) contain the chat template's end token."""
    if chat.end not in ends(model):
        raise ResetError(
            f"{model}: generation_config.json does not stop at '{tokenizer.decode([chat.end])}', which ends a reply in "
            "the chat template. Add it to eos_token_id there, or set `adapter.merge: true`, with which training adds it"
        )


def _end_token(tokenizer: "PreTrainedTokenizerBase", special: frozenset[int]) -> int:
    """Return the first special token after a reply, or the tokenizer's end token if there is none."""
    _, after = _text_around(tokenizer, SAID, answered=True)
    return next(iter(_special_ids(tokenizer, after, special)), int(tokenizer.eos_token_id))


def _special_ids(tokenizer: "PreTrainedTokenizerBase", text: str, special: frozenset[int]) -> list[int]:
    return [id for id in tokenizer(text, add_special_tokens=False)["input_ids"] if id in special]


def _text_around(tokenizer: "PreTrainedTokenizerBase", placeholder: str, *, answered: bool) -> tuple[str, str]:
    """Render a conversation, with or without a reply; return the text before and after `placeholder`."""
    turns = [{"role": "user", "content": ASKED}]
    turns += [{"role": "assistant", "content": SAID}] if answered else []
    where = f"{tokenizer.name_or_path}: its chat template"
    try:
        text = tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=not answered, strftime_now=DAY.strftime
        )
    except jinja2.TemplateError as error:
        raise ResetError(f"{where} cannot render a user's message alone ({error})") from error
    assert isinstance(text, str)
    if text.count(placeholder) != 1:
        raise ResetError(f"{where} renders a message {text.count(placeholder)} times, must render it once")
    before, _, after = text.partition(placeholder)
    return before, after
