"""Conversations as token ids, for judges that are language models: by the tokenizer's own chat template."""

from collections.abc import Mapping, Sequence
from typing import Any

from reset.errors import ResetError


def require_template(tokenizer: Any, model: str) -> None:
    """Raise `ResetError` if the tokenizer of `model` has no chat template."""
    if not tokenizer.chat_template:
        raise ResetError(f"{model}: its tokenizer has no chat template, so no reply can be shown to it")


def ids(tokenizer: Any, turns: Sequence[str], arguments: Mapping[str, Any], *, prompt: bool) -> list[int]:
    """Return the ids of a conversation whose `turns` are the user's and the assistant's by turns.

    With `prompt`, a reply is to follow. Text cannot leave its turn: a space parts the characters of special tokens in
    it, so that they are read as text.
    """
    special = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    messages = [
        {"role": "assistant" if number % 2 else "user", "content": _plain(text, special)}
        for number, text in enumerate(turns)
    ]
    encoded = tokenizer.apply_chat_template(
        messages, tokenize=True, add_generation_prompt=prompt, return_dict=True, **arguments
    )
    rendered: list[int] = encoded["input_ids"]
    return rendered


def _plain(text: str, special: Sequence[str]) -> str:
    text = text.encode("utf-8", "replace").decode()  # halves of surrogate pairs
    for token in special:
        text = text.replace(token, f"{token[:1]} {token[1:]}")
    return text
