"""Where text becomes token ids, and ids text again: the only place, for training and for every engine alike."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from reset.errors import ResetError
from reset.prompts import Prompt


def load_tokenizer(model: Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer saved with `model`; never remote code.

    Raises `ResetError` where there is none, or one that has no end token or does not say where its tokens stand.
    """
    if not (model / "tokenizer_config.json").is_file():
        raise ResetError(f"{model}: no tokenizer there")
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
    if tokenizer.eos_token_id is None:
        raise ResetError(f"{model}: its tokenizer has no end token (eos_token), so no answer could end")
    if not tokenizer.is_fast:
        raise ResetError(f"{model}: its tokenizer is not a fast one (tokenizer.json), so prompts cannot be cut to fit")
    return tokenizer


def prompt_ids(tokenizer: PreTrainedTokenizerBase, prompt: Prompt, max_tokens: int) -> tuple[list[int], bool] | None:
    """Return the ids of `prompt` behind one BOS, and whether its context was cut to keep within `max_tokens`.

    Only characters [start, end) are cut, from their end, at a token's edge. None if it does not fit even without them.
    """
    start = [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]
    end = prompt.end
    while True:
        text = prompt.text[:end] + prompt.text[prompt.end :]
        encoded = _encode(tokenizer, text, return_offsets_mapping=True)
        ids = [*start, *encoded["input_ids"]]
        over = len(ids) - max_tokens
        if over <= 0:
            return ids, end < prompt.end
        if end <= prompt.start:
            return None
        edges = [first for first, last in encoded["offset_mapping"] if prompt.start <= first < last <= end]
        end = min(edges[-over:], default=prompt.start)


def response_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Return the ids of a response and its end token."""
    return [*_encode(tokenizer, text)["input_ids"], int(tokenizer.eos_token_id)]


def answer_text(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    """Return the text of generated ids, special tokens left out."""
    text = tokenizer.decode(list(ids), skip_special_tokens=True)
    assert isinstance(text, str)  # a list only for several sequences
    return text


def _encode(tokenizer: PreTrainedTokenizerBase, text: str, **options: bool) -> dict[str, Any]:
    """Encode data as text: a "</s>" that stands in it is five characters, not an end token."""
    encoded: dict[str, Any] = tokenizer(text, add_special_tokens=False, split_special_tokens=True, **options)
    return encoded
