"""Supervised fine-tuning of one system: rows to token ids, checks before the first step, then `reset.trainer`."""

import logging
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import torch
from transformers import AutoModelForCausalLM

from reset import disk, precision, shapes, tables
from reset.accounts import Account
from reset.divergence import Limits
from reset.errors import ResetError
from reset.prompts import Prompt
from reset.tokens import load_tokenizer, prompt_ids, response_ids
from reset.trainer import IGNORED, Recipe, fit

log = logging.getLogger(__name__)


class Encoded(TypedDict):
    """A row as it is trained: `labels` are `input_ids`, or `IGNORED` where nothing is trained."""

    example_id: str
    input_ids: list[int]
    labels: list[int]


def encode(
    rows: Iterable[Mapping[str, Any]], tokenizer: Any, max_tokens: int, account: Account
) -> tuple[list[Encoded], int]:
    """Turn training rows into `input_ids` and `labels` that train the response and its end token alone.

    An over-long prompt is cut at the end of its context; a row whose response then still does not fit is set aside.
    Returns the rows and how many prompts were cut.
    """
    encoded, cut_prompts = [], 0
    for row in rows:
        response = response_ids(tokenizer, row["response"])
        prompt = Prompt(row["prompt"], row["context_start"], row["context_end"])
        room = max_tokens - len(response)
        fitted = prompt_ids(tokenizer, prompt, room) if room > 0 else None
        if fitted is None:
            account.leave("longer than max_tokens")
            continue
        ids, cut = fitted
        cut_prompts += cut
        labels = [IGNORED] * len(ids) + response
        encoded.append({"example_id": row["example_id"], "input_ids": [*ids, *response], "labels": labels})
        account.keep()
    return encoded, cut_prompts


def check(rows: Sequence[Encoded], tokenizer: Any, where: Path) -> None:
    """Refuse rows that would train nothing or the wrong thing, by the first one's `example_id`.

    A row has one BOS, at its start; its labels cover its last tokens, the end token among them, and nothing else; it
    is no test (`dataset/test/...`). That no training prompt repeats a test's text is what stage `screen` sees to.
    """
    if not rows:
        raise ResetError(f"{where}: no rows to train on")
    for row in rows:
        if problem := _problem(row, tokenizer.bos_token_id, tokenizer.eos_token_id):
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


def train(
    data: Path,
    dev: Path,
    init: Path,
    work: Path,
    *,
    recipe: Recipe,
    max_tokens: int,
    max_cut: float,
    limits: Limits,
    seed: int,
) -> None:
    """Fine-tune the model of `init` on the rows of `data`; `work` then holds model/, figures.json and log.json.

    Killed, the same call goes on from the last checkpoint in `work`. With several processes each of them calls this.
    Raises `ResetError`, before the first step, for rows that `check` refuses and for want of disk space.
    """
    if not (init / "config.json").is_file():
        raise ResetError(f"{init}: no model there")
    tokenizer = load_tokenizer(init)
    account = Account()
    rows, cut = encode(tables.read(data, tables.MIXTURES), tokenizer, max_tokens, account)
    check(rows, tokenizer, data)
    check_cut(cut, account, max_cut, data)
    if os.environ["RANK"] == "0":
        disk.require(_written(init, recipe), work)
    dev_rows, _ = encode(tables.read(dev, tables.MIXTURES), tokenizer, max_tokens, Account())
    model = AutoModelForCausalLM.from_pretrained(
        init, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
    )
    history = fit(model, tokenizer, rows, dev_rows, recipe, work / "model", work=work, seed=seed, limits=limits)
    dev_losses = [entry["dev_loss"] for entry in history if "dev_loss" in entry]
    figures = {
        "steps": int(history[-1]["step"]),
        "cut_prompts": cut,
        "tokens": sum(len(row["input_ids"]) for row in rows),
        "trained_tokens": sum(label != IGNORED for row in rows for label in row["labels"]),
        "dev_perplexity": math.exp(min(dev_losses)) if dev_losses else None,
    }
    if os.environ["RANK"] == "0":
        tables.write_json(work / "figures.json", {**account.as_dict(), **figures})
        tables.write_json(work / "log.json", history)


def _written(init: Path, recipe: Recipe) -> int:
    """Bytes of the checkpoints that there are at once, and of the finished model here and where the stage copies it."""
    dtype, shape = precision.dtype(recipe.dtype), shapes.shape(init)
    return shape.checkpoints(dtype) + 2 * shape.disk(dtype)
