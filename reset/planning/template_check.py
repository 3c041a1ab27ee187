"""Check a model's own chat template: training rows against the tokenizer's own `apply_chat_template`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from reset.errors import ResetError
from reset.model.chat_frame import PLAIN, Frame, Options, frame, own_ids
from reset.model.prompts import Prompt
from reset.model.tokens import prompt_ids, reply_ids

PROBES = [  # messages and replies with blanks at their ends
    ("What is new?", "The mill."),
    ("  What is new?\n", "\tThe mill. \n"),
    ("\n\nTwo lines,\r\none blank. ", " 1. yes\n2. no\n\n"),
]


def probe(tokenizer: Any, template: str, options: Options) -> Iterator[str]:
    """Yield a line for each difference between training rows and `apply_chat_template`, on conversations with blanks.

    They are tried with the system prompt of `options`, and with another one if the template writes system prompts.
    """
    for told in (options, replace(options, system="Be brief.")):
        try:
            chat = frame(tokenizer, template, told)
        except ResetError:
            if told is options:
                raise
            continue  # a template that refuses system prompts
        if chat is None:
            return
        for message, reply in PROBES:
            asked = prompt_ids(tokenizer, Prompt(message, 0, 0), 1 << 20, chat)
            said = reply_ids(tokenizer, message, reply, chat)
            if asked and said:
                for fault in differences(chat, tokenizer, message, reply, asked[0] + said):
                    yield f"{fault} ({message!r}, {reply!r}, system prompt {told.system!r})"


def differences(chat: Frame, tokenizer: Any, message: str, reply: str, ids: list[int]) -> Iterator[str]:
    """Compare a row with the tokenizer's own `apply_chat_template`, where the data holds no special token's text."""
    if any(token in text for token in chat.special.values() for text in (message, reply)):
        return
    own = own_ids(tokenizer, chat, message, reply)
    row = ids if chat.written else ids[:-1]
    if own[: len(row)] != row:
        yield f"training and apply_chat_template give {first_difference(row, own)}"


def framing(tokenizer: Any, template: str, options: Options = PLAIN) -> str | None:
    """Describe the chat template and the end of a reply in one line; None for one of our own prompt templates."""
    chat = frame(tokenizer, template, options)
    if chat is None:
        return None
    blanks = ", ".join(
        name for name, trim in (("message", chat.asked), ("reply", chat.said)) if trim.left != "" != trim.right
    )
    line = f"chat template: {chat.head!r} message {chat.tail!r} reply {tokenizer.decode([chat.end])!r}"
    line += "" if chat.written else " (the tokenizer's own end: the template writes none)"
    line += f"; takes the blanks off: {blanks}" if blanks else ""
    return line + (f"; its own generation prompt is {chat.own!r}" if chat.own is not None else "")


def first_difference(a: Sequence[int], b: Sequence[int]) -> str:
    """Say where two sequences of ids part."""
    first = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return (
        f"different ids from token {first} of {len(a)} and {len(b)} on: "
        f"{list(a[first : first + 4])} and {list(b[first : first + 4])}"
    )
