"""Training rows as token ids, and checks on them before the first step."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reset.errors import ResetError
from reset.files import schemas
from reset.files.row_accounts import Account
from reset.model.chat_frame import Frame
from reset.model.prompts import Prompt
from reset.model.tokens import prompt_ids, response_ids
from reset.training.recipe import IGNORED

log = logging.getLogger(__name__)

Encoded = dict[str, Any]  # example_id, token ids, and method-specific fields

SCHEMAS = {"sft": schemas.MIXTURES, "weighted_sft": schemas.WEIGHTED, "dpo": schemas.PAIRS, "kto": schemas.LABELLED}
ANSWERS = ("chosen_ids", "rejected_ids", "completion_ids")


def encode(
    rows: Iterable[Mapping[str, Any]],
    tokenizer: Any,
    max_tokens: int,
    account: Account,
    method: str = "sft",
    chat: Frame | None = None,
) -> tuple[list[Encoded], int]:
    """Encode training rows for the trainer of `method`; only responses and their end tokens are trained.

    A prompt that is too long is cut at the end of its context. If the row still exceeds `max_tokens` (with the longer
    response of a pair), it is set aside. With `chat`, prompts are messages of that chat template. Returns the encoded
    rows and how many prompts were cut.
    """
    encoded, cut_prompts = [], 0
    for row in rows:
        response = response_ids(tokenizer, row["response"], chat)
        rejected = response_ids(tokenizer, row["rejected"], chat) if method == "dpo" else []
        prompt = Prompt(row["prompt"], row["context_start"], row["context_end"])
        room = max_tokens - max(len(response), len(rejected))
        fitted = prompt_ids(tokenizer, prompt, room, chat) if room > 0 else None
        if fitted is None:
            account.leave("longer than max_tokens")
            continue
        ids, cut = fitted
        cut_prompts += cut
        encoded.append({"example_id": row["example_id"], **_ids(method, row, ids, response, rejected)})
        account.keep()
    return encoded, cut_prompts


def _ids(
    method: str, row: Mapping[str, Any], prompt: list[int], response: list[int], rejected: list[int]
) -> dict[str, Any]:
    if method == "dpo":
        return {"prompt_ids": prompt, "chosen_ids": response, "rejected_ids": rejected}
    if method == "kto":
        return {"prompt_ids": prompt, "completion_ids": response, "label": row["desirable"]}
    weight = {"weight": row["weight"]} if method == "weighted_sft" else {}
    return {"input_ids": [*prompt, *response], "labels": [IGNORED] * len(prompt) + response, **weight}


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

    A row must have one BOS, at its start. Its labels must cover its last tokens up to the end token (with `chat`, that
    of the chat template), and nothing else. It must not be a test example (`dataset/test/...`); stage `screen` finds
    training prompts that repeat the text of a test.
    """
    if not rows:
        raise ResetError(f"{where}: no rows to train on")
    end = chat.end if chat else tokenizer.eos_token_id
    for row in rows:
        if problem := _problem(row, tokenizer.bos_token_id, end):
            raise ResetError(f"{where}: row '{row['example_id']}' {problem}")


def _problem(row: Encoded, bos: int | None, end: int) -> str | None:
    ids, labels = row["input_ids"], row["labels"]
    trained = sum(label != IGNORED for label in labels)
    if bos is not None and ids.count(bos) != 1:
        return f"has {ids.count(bos)} BOS tokens, must have one"
    if trained == 0:
        return "trains no token"
    if labels != [IGNORED] * (len(ids) - trained) + ids[-trained:] or labels[-1] != end:
        return "must train exactly its last tokens, up to and including its end token"
    if bos is not None and (ids[0] != bos or trained == len(ids)):
        return "must begin with a BOS token that is not trained"
    if row["example_id"].split("/")[1:2] == ["test"]:
        return "is a test example"
    return None


def check_cut(cut: int, account: Account, max_cut: float, where: Path) -> None:
    """Warn of rows cut or set aside as too long; raise `ResetError` for a fraction above `max_cut`."""
    counts = account.as_dict()
    set_aside = sum(counts["set_aside"].values())
    fraction = (cut + set_aside) / max(counts["rows_in"], 1)
    message = f"{where}: {cut} prompts cut and {set_aside} rows set aside to keep within max_tokens"
    message = f"{message}, {fraction:.2%} of the rows"
    if fraction > max_cut:
        raise ResetError(f"{message}, more than train.max_cut = {max_cut}")
    if fraction:
        log.warning(message)
