"""Training rows as token ids, and what is checked of them before the first step."""

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

Encoded = dict[str, Any]  # example_id, lists of token ids, and of a row of several answers what its method needs

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
    """Turn training rows into what the trainer of `method` takes; only responses and their end tokens are trained.

    An over-long prompt is cut at the end of its context; a row whose response (of two the longer) then still does not
    fit is set aside. Of `chat`s the rows' prompts are messages. Returns the rows and how many prompts were cut.
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
    """Every sequence of `rows` that is trained on, as `input_ids` and `labels`: two of a pair, else one of a row."""
    for row in rows:
        if "input_ids" in row:
            yield row
        for answer in (row[name] for name in ANSWERS if name in row):
            ids, masked = [*row["prompt_ids"], *answer], [IGNORED] * len(row["prompt_ids"])
            yield {"example_id": row["example_id"], "input_ids": ids, "labels": masked + answer}


def check(rows: Sequence[Encoded], tokenizer: Any, where: Path, chat: Frame | None = None) -> None:
    """Refuse rows that would train nothing or the wrong thing, by the first one's `example_id`.

    A row has one BOS, at its start; its labels cover its last tokens, the end token (of a `chat`, its own) among
    them, and nothing else; it is no test (`dataset/test/...`). That no training prompt repeats a test's text is what
    stage `screen` sees to.
    """
    if not rows:
        raise ResetError(f"{where}: no rows to train on")
    end = chat.end if chat else tokenizer.eos_token_id
    for row in rows:
        if problem := _problem(row, tokenizer.bos_token_id, end):
            raise ResetError(f"{where}: row '{row['example_id']}' {problem}")


def _problem(row: Encoded, bos: int | None, eos: int) -> str | None:
    ids, labels = row["input_ids"], row["labels"]
    trained = sum(label != IGNORED for label in labels)
    if bos is not None and ids.count(bos) != 1:
        return f"has {ids.count(bos)} BOS tokens, must have one"
    if trained == 0:
        return "trains no token"
    if labels != [IGNORED] * (len(ids) - trained) + ids[-trained:] or labels[-1] != eos:
        return "does not train its last tokens, up to its end token, and nothing else"
    if bos is not None and (ids[0] != bos or trained == len(ids)):
        return "does not begin with a BOS that is not trained"
    if row["example_id"].split("/")[1:2] == ["test"]:
        return "is a test"
    return None


def check_cut(cut: int, account: Account, most: float, where: Path) -> None:
    """Say how many rows are cut or set aside as too long, and refuse a share above `most` (`train.max_cut`)."""
    counts = account.as_dict()
    left = sum(counts["set_aside"].values())
    share = (cut + left) / max(counts["rows_in"], 1)
    said = f"{where}: {cut} prompts cut and {left} rows set aside to keep within max_tokens, {share:.2%} of the rows"
    if share > most:
        raise ResetError(f"{said}; train.max_cut is {most}")
    if share:
        log.warning(said)
