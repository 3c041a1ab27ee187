"""Encode text to token ids and decode them: the only place that does so, for training and for all engines."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from reset.errors import ResetError
from reset.model.chat_frame import Frame
from reset.model.prompts import Prompt

# The characters of a special token in data are ordinary text: "</s>" is four characters, not an end token.
AS_TEXT = {"add_special_tokens": False, "split_special_tokens": True}

Edges = tuple[int, int]  # the characters [start, end) of a token
Encoded = tuple[list[int], list[Edges]]  # tokens, by id and by their characters


def load_tokenizer(model: Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer saved with `model`; remote code is never run.

    Raises `ResetError` if there is no tokenizer, if it has no end token, and if it gives no character offsets (is not a
    fast one).
    """
    if not (model / "tokenizer_config.json").is_file():
        raise ResetError(f"{model}: no tokenizer there")
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(model, trust_remote_code=False)  # nosec B615: a folder under models/
    if tokenizer.eos_token_id is None:
        raise ResetError(f"{model}: its tokenizer has no end token (eos_token), so no answer could end")
    if not tokenizer.is_fast:
        raise ResetError(f"{model}: its tokenizer is not a fast one (tokenizer.json), so prompts cannot be cut to fit")
    return tokenizer


@lru_cache(maxsize=8)
def in_front(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """Return the ids that the tokenizer itself puts in front of a text: mostly one BOS, or none."""
    alone, whole = (
        tokenizer("a", **{**AS_TEXT, "add_special_tokens": special})["input_ids"] for special in (False, True)
    )
    starts = range(len(whole) - len(alone) + 1)
    return tuple(whole[: next((start for start in starts if whole[start : start + len(alone)] == alone), 0)])


def prompt_ids(
    tokenizer: PreTrainedTokenizerBase, prompt: Prompt, max_tokens: int, frame: Frame | None = None
) -> tuple[list[int], bool] | None:
    """Return the ids of `prompt`, and whether its context was cut to fit into `max_tokens`.

    In front stands what the tokenizer itself puts there. With a chat template, `prompt` is the user's message and
    `frame` is put around it, and nothing else. Only the context, characters [start, end), is cut, from its end and
    between tokens. Returns None if the prompt does not fit without any context.
    """
    start = () if frame else in_front(tokenizer)
    end = prompt.end
    while True:
        text = prompt.text[:end] + prompt.text[prompt.end :]
        encoded, edges = _encode_message(tokenizer, text, frame) if frame else _encode(tokenizer, text)
        ids = [*start, *encoded]
        over = len(ids) - max_tokens
        if over <= 0:
            return ids, end < prompt.end
        if end <= prompt.start:
            return None
        inside = [first for first, last in edges if prompt.start <= first < last <= end]
        end = min(inside[-over:], default=prompt.start)


def response_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Return the ids of a response and its end token, without a chat template."""
    return response(tokenizer, text)[0]


def response(tokenizer: PreTrainedTokenizerBase, text: str) -> Encoded:
    """Return the tokens of a response and its end token, without a chat template; their edges are places in `text`."""
    ids, edges = _encode(tokenizer, text)
    return [*ids, int(tokenizer.eos_token_id)], [*edges, (len(text), len(text))]


def reply_ids(tokenizer: PreTrainedTokenizerBase, message: str, reply: str, frame: Frame) -> list[int] | None:
    """Return the ids of `reply_to`, or None where it does."""
    found = reply_to(tokenizer, message, reply, frame)
    return None if found is None else found[0]


def reply_to(tokenizer: PreTrainedTokenizerBase, message: str, reply: str, frame: Frame) -> Encoded | None:
    """Return the tokens that stand behind the prompt of `message` in the whole conversation, up to the reply's end.

    Their edges are places in `reply`: those of what the chat template writes are before its start or behind its end.
    Returns None if the tokenizer joins the reply with the end of the prompt, so that no answer to the prompt has these
    ids.
    """
    shown, said = frame.asked(message), frame.said(reply)
    before = frame.head + shown + frame.tail
    whole = before + frame.lead + said + frame.close
    asked_at, said_at = len(frame.head), len(before + frame.lead)
    data = [(asked_at, asked_at + len(shown)), (said_at, said_at + len(said))]
    ids, edges = _encode_around(tokenizer, whole, data, frame)
    prompt, _ = _encode_around(tokenizer, before, data[:1], frame)
    if ids[: len(prompt)] != prompt:
        return None
    if not frame.written and _encode_around(tokenizer, whole + frame.after, data, frame)[0][: len(ids)] != ids:
        return None
    shift = frame.said.taken(reply) - said_at
    own = [(first + shift, last + shift) for first, last in edges[len(prompt) :]]
    if frame.written:
        return ids[len(prompt) :], own
    return [*ids[len(prompt) :], frame.end], [*own, (len(reply), len(reply))]


def answer_text(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    """Return the text of generated ids, without special tokens."""
    text = tokenizer.decode(list(ids), skip_special_tokens=True)
    assert isinstance(text, str)  # `decode` returns a list only for several sequences  # nosec B101
    return text


def _encode(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[list[int], list[Edges]]:
    """Encode data. A tokenizer of words or of Unigram may have a special token's text among its words: not so here."""
    encoded = tokenizer(text, **AS_TEXT, return_offsets_mapping=True)
    ids, edges = encoded["input_ids"], encoded["offset_mapping"]
    if _special_ids(tokenizer).isdisjoint(ids):
        return ids, edges
    pairs = (pair for id, edge in zip(ids, edges, strict=True) for pair in _as_characters(tokenizer, text, id, edge))
    return tuple(map(list, zip(*pairs, strict=True)))  # type: ignore[return-value]


def _as_characters(tokenizer: PreTrainedTokenizerBase, text: str, id: int, edge: Edges) -> Iterator[tuple[int, Edges]]:
    """Yield a token, or, of one that is special, the tokens of its characters."""
    if id not in _special_ids(tokenizer):
        yield id, edge
        return
    for at in range(*edge):
        for one in tokenizer(text[at], **AS_TEXT)["input_ids"]:
            yield one, (at, at + 1)


@lru_cache(maxsize=8)
def _special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Return the ids of the special tokens, except that of what the tokenizer does not know."""
    added = {id for id, token in tokenizer.added_tokens_decoder.items() if token.special}
    return frozenset({*added, *tokenizer.all_special_ids} - {tokenizer.unk_token_id})


def _encode_message(tokenizer: PreTrainedTokenizerBase, text: str, frame: Frame) -> tuple[list[int], list[Edges]]:
    """Encode a message with what the chat template writes around it; the edges are positions in `text`."""
    shown = frame.asked(text)
    at = len(frame.head)
    ids, edges = _encode_around(tokenizer, frame.head + shown + frame.tail, [(at, at + len(shown))], frame)
    shift = frame.asked.taken(text) - at
    return ids, [(first + shift, last + shift) for first, last in edges]


def _encode_around(
    tokenizer: PreTrainedTokenizerBase, whole: str, data: Sequence[Edges], frame: Frame
) -> tuple[list[int], list[Edges]]:
    """Encode the text of a chat template as one string, as the tokenizer's own method does.

    Special tokens are recognised outside of `data`, the characters [start, end) of messages; inside, their characters
    are encoded as ordinary text. A token may take the blanks beside it, which belong to neither.
    """
    encoded = tokenizer(whole, add_special_tokens=False, split_special_tokens=False, return_offsets_mapping=True)
    if not any(token in whole[start:end] for token in frame.special.values() for start, end in data):
        return encoded["input_ids"], encoded["offset_mapping"]
    ids: list[int] = []
    edges: list[Edges] = []
    for id, (first, last) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
        if _written_in(whole, (first, last), frame.special.get(id), data):
            own, inner = _encode(tokenizer, whole[first:last])
        else:
            own, inner = [id], [(0, last - first)]
        ids += own
        edges += [(a + first, b + first) for a, b in inner]
    return ids, edges


def _written_in(whole: str, edges: Edges, token: str | None, data: Sequence[Edges]) -> bool:
    """Return whether the text of a special `token` at `edges` stands in `data`; a letter read as `<unk>` is none."""
    if token is None or (at := whole.find(token, *edges)) < 0:
        return False
    return any(at < end and at + len(token) > start for start, end in data)
