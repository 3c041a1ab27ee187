"""Training rows as token ids, and checks on them before the first step."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.model.chat_frame import Frame, agrees
from reset.model.prompts import Prompt
from reset.model.tokens import Edges, in_front, prompt_ids, reply_to, response
from reset.model.tokens import Encoded as Reply
from reset.training.recipe import IGNORED

log = logging.getLogger(__name__)

Encoded = dict[str, Any]  # example_id, token ids, and method-specific fields

SCHEMAS = {"sft": schemas.MIXTURES, "weighted_sft": schemas.WEIGHTED, "dpo": schemas.PAIRS, "kto": schemas.LABELLED}
TOO_LONG = "longer than max_tokens"
CHANGED = "the chat template does not write its text as it is"
MASKED = "all of its answer is masked"
JOINED = "the tokenizer joins its reply with what the chat template writes before it"
ANSWERED = ("response", "rejected")  # columns with the answers of a row
WHOLE = ("dpo", "kto")  # methods that train whole answers
ANSWERS = ("chosen_ids", "rejected_ids", "completion_ids")


def schema(data: Path, method: str) -> pa.Schema:
    """Return the columns of the training rows `data` that `method` reads, with `untrained` if the table has it.

    Raises `ResetError` if it has it and `method` trains whole answers.
    """
    columns = SCHEMAS[method]
    if not tables.has(data, schemas.UNTRAINED):
        return columns
    if method in WHOLE:
        raise ResetError(f"{data}: {method} trains whole answers, but sentences of these are masked")
    return pa.schema([*columns, *schemas.UNTRAINED])


def encode(
    rows: Iterable[Mapping[str, Any]],
    tokenizer: Any,
    max_tokens: int,
    account: Account,
    method: str = "sft",
    chat: Frame | None = None,
) -> tuple[list[Encoded], int]:
    """Encode training rows for the trainer of `method`; only responses and their end tokens are trained.

    Of a row with `untrained` characters, [start, end) of its response, no token is trained that holds one of them; its
    `masked` counts these tokens.

    With `chat`, a row has the ids that the tokenizer's own chat template gives for the whole conversation. A prompt
    that is too long is cut at the end of its context. A row that the template would write in another way, or that still
    exceeds `max_tokens` (with the longer response of a pair), is set aside. Returns the encoded rows and how many
    prompts were cut.
    """
    encoded, cut_prompts = [], 0
    for row in rows:
        prompt = Prompt(row["prompt"], row["context_start"], row["context_end"])
        answers = [row[name] for name in (ANSWERED if method == "dpo" else ANSWERED[:1])]
        replies = _replies(tokenizer, prompt.text, answers, chat)
        if isinstance(replies, str):
            account.leave(replies)
            continue
        labels = _labels(*replies[0], row.get("untrained") or ())
        if row.get("untrained") and not _trains(labels, replies[0][1], len(answers[0])):
            account.leave(MASKED)
            continue
        room = max_tokens - max(len(ids) for ids, _ in replies)
        fitted = prompt_ids(tokenizer, prompt, room, chat) if room > 0 else None
        if fitted is None:
            account.leave(TOO_LONG)
            continue
        ids, cut = fitted
        cut_prompts += cut
        encoded.append({"example_id": row["example_id"], **_ids(method, row, ids, [own for own, _ in replies], labels)})
        account.keep()
    return encoded, cut_prompts


def _replies(tokenizer: Any, message: str, answers: Sequence[str], chat: Frame | None) -> list[Reply] | str:
    """Return each answer with its end token, or why the row cannot be what the chat template makes of it."""
    if chat is None:
        return [response(tokenizer, answer) for answer in answers]
    found = []
    for answer in answers:
        if not agrees(tokenizer, chat, message, answer):
            return CHANGED
        if (reply := reply_to(tokenizer, message, answer, chat)) is None:
            return JOINED
        found.append(reply)
    return found


def _labels(ids: Sequence[int], edges: Sequence[Edges], untrained: Iterable[Sequence[int]]) -> list[int]:
    """Return the ids of an answer as labels, without the tokens that hold one of the `untrained` characters."""
    spans = list(untrained)
    return [
        IGNORED if any(first < end and start < last for start, end in spans) else id
        for id, (first, last) in zip(ids, edges, strict=True)
    ]


def _trains(labels: Sequence[int], edges: Sequence[Edges], length: int) -> bool:
    """Whether a token that holds one of the `length` characters of an answer is trained."""
    return any(one != IGNORED and first < length and last > 0 for one, (first, last) in zip(labels, edges, strict=True))


def _ids(
    method: str, row: Mapping[str, Any], prompt: list[int], answers: list[list[int]], labels: list[int]
) -> dict[str, Any]:
    """Return the columns that the trainer of `method` reads; `labels` are those of the first of the `answers`."""
    if method == "dpo":
        return {"prompt_ids": prompt, "chosen_ids": answers[0], "rejected_ids": answers[1]}
    if method == "kto":
        return {"prompt_ids": prompt, "completion_ids": answers[0], "label": row["desirable"]}
    weight = {"weight": row["weight"]} if method == "weighted_sft" else {}
    masked = {"masked": labels.count(IGNORED)} if "untrained" in row else {}
    return {"input_ids": [*prompt, *answers[0]], "labels": [IGNORED] * len(prompt) + labels, **weight, **masked}


def sequences(rows: Iterable[Encoded]) -> Iterator[Encoded]:
    """Yield every trained sequence of `rows` as `input_ids` and `labels`: two for a pair, else one per row."""
    for row in rows:
        if "input_ids" in row:
            yield row
        for answer in (row[name] for name in ANSWERS if name in row):
            ids, labels = [*row["prompt_ids"], *answer], [IGNORED] * len(row["prompt_ids"]) + answer
            yield {"example_id": row["example_id"], "input_ids": ids, "labels": labels}


def check(rows: Sequence[Encoded], tokenizer: Any, where: Path, chat: Frame | None = None) -> None:
    """Raise `ResetError` for the first row that would train nothing or the wrong tokens, or if there is no row.

    Without a chat template, a row must begin with what the tokenizer puts in front of a text; `encode` has held a row
    with `chat` to the template. Its labels must cover its last tokens up to the end token (with `chat`, that of the
    chat template), but for those that it says are `masked`, and nothing else. It must not be a test example
    (`dataset/test/...`); stage `screen` finds training prompts that repeat the text of a test.
    """
    if not rows:
        raise ResetError(f"{where}: no rows to train on")
    end = chat.end if chat else tokenizer.eos_token_id
    front = [] if chat else list(in_front(tokenizer))
    for row in rows:
        if problem := _problem(row, front, end):
            raise ResetError(f"{where}: row '{row['example_id']}' {problem}")


def _problem(row: Encoded, front: list[int], end: int) -> str | None:
    ids, labels = row["input_ids"], row["labels"]
    trained = sum(label != IGNORED for label in labels)
    if trained == 0:
        return "trains no token"
    first = len(ids) - trained - row.get("masked", 0)
    pairs = zip(labels[first:], ids[first:], strict=True)
    if (
        any(label not in (IGNORED, id) for label, id in pairs)
        or labels[:first] != [IGNORED] * first
        or labels[-1] != end
    ):
        return "must train exactly its last tokens, up to and including its end token"
    if first == 0 or ids[: len(front)] != front:
        return f"must begin with {front or 'a prompt'}, which is not trained"
    if row["example_id"].split("/")[1:2] == ["test"]:
        return "is a test example"
    return None


def check_fit(
    rows: Sequence[Encoded], where: Path, *, embeddings: int, positions: int | None, padding: int | None
) -> None:
    """Raise `ResetError` for the first row that the model cannot read: a token or a position that it does not have.

    `embeddings` is the size of its vocabulary, `positions` that of its longest text (None: no limit), `padding` the id
    that fills up a batch.
    """
    if padding is not None and padding >= embeddings:
        raise ResetError(
            f"{where}: the tokenizer's pad token is {padding}, but the model has only {embeddings} embeddings; set "
            "pad_token in the starting model's tokenizer_config.json to a token that it has, such as its eos_token"
        )
    for row in rows:
        name = f"{where}: row '{row['example_id']}'"
        if (largest := max(row["input_ids"])) >= embeddings:
            raise ResetError(
                f"{name} has token {largest} of the tokenizer, but the model has only {embeddings} embeddings"
            )
        if positions is not None and len(row["input_ids"]) > positions:
            raise ResetError(
                f"{name} has {len(row['input_ids'])} tokens, but the model has {positions} positions; set "
                f"train.max_tokens to {positions} at most"
            )


def check_cut(cut: int, account: Account, max_cut: float, where: Path) -> None:
    """Warn of rows that were cut or set aside; raise `ResetError` for a fraction above `max_cut`."""
    counts = account.as_dict()
    set_aside = sum(counts["set_aside"].values())
    fraction = (cut + set_aside) / max(counts["rows_in"], 1)
    reasons = ", ".join(f"{count} rows set aside ({reason})" for reason, count in counts["set_aside"].items())
    message = f"{where}: {cut} prompts cut to keep within max_tokens{', ' if reasons else ''}{reasons}"
    message = f"{message}: {fraction:.2%} of the rows"
    if fraction > max_cut:
        raise ResetError(f"{message}, more than train.max_cut = {max_cut}")
    if fraction:
        log.warning(message)
