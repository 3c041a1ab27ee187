"""A model's own chat template: what stands before and behind a user's message, and the token that ends a reply.

The template is rendered once, with a message that stands for all. So it may not depend on what the message says, nor
on the day: a clock it asks for stands still. Tokens that it writes are special ones; what looks like them in data is
text (`reset.model.tokens`).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from reset.errors import ResetError
from reset.files import tables
from reset.model.prompts import CHAT

if TYPE_CHECKING:  # transformers takes seconds
    from transformers import PreTrainedTokenizerBase

DAY = datetime(2024, 7, 26)  # that of Llama 3.1's template where it is told no other
ASKED, SAID = "reset-asks-this", "reset-hears-this"


@dataclass(frozen=True)
class Frame:
    """What a chat template writes round one message; `special` are the ids that only it may write."""

    head: str
    tail: str
    bos: bool  # whether it writes a BOS itself
    end: int  # the first special token behind a reply: its last trained one
    special: frozenset[int]


def frame(tokenizer: "PreTrainedTokenizerBase", template: str) -> Frame | None:
    """The frame of `tokenizer`'s chat template; None for the templates of `reset.model.prompts`, which need none.

    Raises `ResetError` where there is no chat template, or one that does not render a message as it is, once.
    """
    if template != CHAT:
        return None
    if tokenizer.chat_template is None:
        raise ResetError(f"{tokenizer.name_or_path}: its tokenizer has no chat template, which template: {CHAT} takes")
    head, tail = _around(tokenizer, ASKED, answered=False)
    special = frozenset(int(id) for id, token in tokenizer.added_tokens_decoder.items() if token.special)
    return Frame(
        head, tail, tokenizer.bos_token_id in _special_ids(tokenizer, head, special), _end(tokenizer, special), special
    )


def ends(model: Path) -> list[int]:
    """The ids at which every engine stops, as the folder of whole weights `model` says."""
    path = model / "generation_config.json"
    known = tables.read_json(path if path.is_file() else model / "config.json").get("eos_token_id")
    return known if isinstance(known, list) else [] if known is None else [known]


def stop_at(model: Path, end: int) -> None:
    """Let every engine stop at `end` too."""
    path = model / "generation_config.json"
    tables.write_json(path, {**tables.read_json(path), "eos_token_id": list(dict.fromkeys([*ends(model), end]))})


def require_end(model: Path, chat: Frame, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Raise `ResetError` unless every engine stops at the end of a reply when the weights of `model` answer."""
    if chat.end not in ends(model):
        raise ResetError(
            f"{model}: generation_config.json does not stop at '{tokenizer.decode([chat.end])}', which ends a reply in "
            "the chat template. Training adds it to whole weights, so `adapter.merge: true` does; or add it there"
        )


def _end(tokenizer: "PreTrainedTokenizerBase", special: frozenset[int]) -> int:
    """The first special token behind a reply, or else the tokenizer's end token."""
    _, behind = _around(tokenizer, SAID, answered=True)
    return next(iter(_special_ids(tokenizer, behind, special)), int(tokenizer.eos_token_id))


def _special_ids(tokenizer: "PreTrainedTokenizerBase", text: str, special: frozenset[int]) -> list[int]:
    return [id for id in tokenizer(text, add_special_tokens=False)["input_ids"] if id in special]


def _around(tokenizer: "PreTrainedTokenizerBase", mark: str, *, answered: bool) -> tuple[str, str]:
    """What a conversation has before and behind `mark`, which is its message, or the reply to it."""
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
    if text.count(mark) != 1:
        raise ResetError(f"{where} renders a message {text.count(mark)} times, must render it once")
    before, _, behind = text.partition(mark)
    return before, behind
