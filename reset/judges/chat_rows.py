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
    special = special_tokens(tokenizer)
    messages = [
        {"role": "assistant" if number % 2 else "user", "content": apart(text, special)}
        for number, text in enumerate(turns)
    ]
    encoded = tokenizer.apply_chat_template(
        messages, tokenize=True, add_generation_prompt=prompt, return_dict=True, **arguments
    )
    rendered: list[int] = encoded["input_ids"]
    return rendered


def special_tokens(tokenizer: Any) -> list[str]:
    """Return the texts that `tokenizer` reads as special tokens, longest first."""
    tokens = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    return sorted(tokens - {""}, key=lambda token: (-len(token), token))


def apart(text: str, special: Sequence[str]) -> str:
    """Return `text` with a space behind the first character of each special token in it, and without half surrogates.

    A token of one character, which no space can part, becomes a space.
    """
    text = text.encode("utf-8", "replace").decode()
    for token in special:
        if token in text:
            text = text.replace(token, f"{token[0]} {token[1:]}" if len(token) > 1 else " ")
    return text
