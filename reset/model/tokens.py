"""Encode text to token ids and decode them: the only place that does so, for training and for all engines."""

from collections.abc import Sequence
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from reset.errors import ResetError
from reset.model.chat_frame import Frame
from reset.model.prompts import Prompt

# The characters of a special token in data are ordinary text: "</s>" is four characters, not an end token.
AS_TEXT = {"add_special_tokens": False, "split_special_tokens": True}

Edges = tuple[int, int]  # the characters [start, end) of a token


def load_tokenizer(model: Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer saved with `model`; remote code is never run.

    Raises `ResetError` if there is no tokenizer, if it has no end token, and if it gives no character offsets (is not a
    fast one).
    """
    if not (model / "tokenizer_config.json").is_file():
        raise ResetError(f"{model}: no tokenizer there")
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
    if tokenizer.eos_token_id is None:
        raise ResetError(f"{model}: its tokenizer has no end token (eos_token), so no answer could end")
    if not tokenizer.is_fast:
        raise ResetError(f"{model}: its tokenizer is not a fast one (tokenizer.json), so prompts cannot be cut to fit")
    return tokenizer


def prompt_ids(
    tokenizer: PreTrainedTokenizerBase, prompt: Prompt, max_tokens: int, frame: Frame | None = None
) -> tuple[list[int], bool] | None:
    """Return the ids of `prompt` after one BOS, and whether its context was cut to fit into `max_tokens`.

    With a chat template, `prompt` is the user's message and `frame` is put around it. Only the context, characters
    [start, end), is cut, from its end and between tokens. Returns None if the prompt does not fit without any context.
    """
    start = [] if tokenizer.bos_token_id is None or (frame and frame.bos) else [int(tokenizer.bos_token_id)]
    end = prompt.end
    while True:
        text = prompt.text[:end] + prompt.text[prompt.end :]
        encoded, edges = _encode_in_frame(tokenizer, text, frame) if frame else _encode(tokenizer, text)
        ids = [*start, *encoded]
        over = len(ids) - max_tokens
        if over <= 0:
            return ids, end < prompt.end
        if end <= prompt.start:
            return None
        inside = [first for first, last in edges if prompt.start <= first < last <= end]
        end = min(inside[-over:], default=prompt.start)


def response_ids(tokenizer: PreTrainedTokenizerBase, text: str, frame: Frame | None = None) -> list[int]:
    """Return the ids of a response and its end token; with a chat template, the token that ends a reply there."""
    ids: list[int] = tokenizer(text, **AS_TEXT)["input_ids"]
    return [*ids, frame.end if frame else int(tokenizer.eos_token_id)]


def answer_text(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    """Return the text of generated ids, without special tokens."""
    text = tokenizer.decode(list(ids), skip_special_tokens=True)
    assert isinstance(text, str)  # `decode` returns a list only for several sequences
    return text


def _encode(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[list[int], list[Edges]]:
    encoded = tokenizer(text, **AS_TEXT, return_offsets_mapping=True)
    return encoded["input_ids"], encoded["offset_mapping"]


def _encode_in_frame(tokenizer: PreTrainedTokenizerBase, text: str, frame: Frame) -> tuple[list[int], list[Edges]]:
    """Encode head, `text` and tail of a chat template as one string, as the tokenizer's own method does.

    Special tokens are recognised in head and tail; in `text` their characters are encoded as ordinary text. The edges
    are positions in `text`.
    """
    whole, before = frame.head + text + frame.tail, len(frame.head)
    encoded = tokenizer(whole, add_special_tokens=False, split_special_tokens=False, return_offsets_mapping=True)
    ids: list[int] = []
    edges: list[Edges] = []
    for id, (first, last) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
        if id in frame.special and first < before + len(text) and last > before:
            own, inner = _encode(tokenizer, whole[first:last])
            shift = first - before
        else:
            own, inner, shift = [id], [(first, last)], -before
        ids += own
        edges += [(a + shift, b + shift) for a, b in inner]
    return ids, edges
