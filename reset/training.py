"""Supervised fine-tuning of one system: rows to token ids, checks before the first step, then `reset.trainer`."""

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from reset import adapters, precision, tables
from reset.accounts import Account
from reset.errors import ResetError
from reset.prompts import Prompt
from reset.tokens import load_tokenizer, prompt_ids, response_ids
from reset.trainer import IGNORED, Recipe, fit

Encoded = dict[str, list[int]]


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
        encoded.append({"input_ids": [*ids, *response], "labels": [IGNORED] * len(ids) + response})
        account.keep()
    return encoded, cut_prompts


def check(rows: list[Encoded], bos: int | None, where: Path) -> None:
    """Refuse rows that would train nothing or the wrong thing: none at all, two BOS, an all-masked row."""
    if not rows:
        raise ResetError(f"{where}: no rows to train on")
    for number, row in enumerate(rows):
        if bos is not None and Counter(row["input_ids"])[bos] != 1:
            raise ResetError(f"{where}: row {number} has {Counter(row['input_ids'])[bos]} BOS tokens, must have one")
        if all(label == IGNORED for label in row["labels"]):
            raise ResetError(f"{where}: row {number} trains no token")


def train(
    data: Path,
    dev: Path,
    init: Path,
    work: Path,
    *,
    recipe: Recipe,
    max_tokens: int,
    seed: int,
    adapter: adapters.Adapter | None = None,
) -> None:
    """Fine-tune the model of `init` on the rows of `data`; `work` then holds model/, figures.json and log.json.

    All weights are trained, or an `adapter`. Killed, the same call goes on from the last checkpoint in `work`. With
    several processes each of them calls this.
    """
    if not adapters.exists(init):
        raise ResetError(f"{init}: no model there")
    tokenizer = load_tokenizer(init)
    account = Account()
    rows, cut = encode(tables.read(data, tables.MIXTURES), tokenizer, max_tokens, account)
    check(rows, tokenizer.bos_token_id, data)
    dev_rows, _ = encode(tables.read(dev, tables.MIXTURES), tokenizer, max_tokens, Account())
    model = adapters.start(init, adapter, seed) if adapter else adapters.load(init, torch.float32)
    log = fit(model, tokenizer, rows, dev_rows, recipe, work / "model", work=work, seed=seed)
    dev_losses = [entry["dev_loss"] for entry in log if "dev_loss" in entry]
    figures = {
        "steps": int(log[-1]["step"]),
        "cut_prompts": cut,
        "tokens": sum(len(row["input_ids"]) for row in rows),
        "trained_tokens": sum(label != IGNORED for row in rows for label in row["labels"]),
        "dev_perplexity": math.exp(min(dev_losses)) if dev_losses else None,
    }
    if os.environ["RANK"] == "0":
        if adapter:
            adapters.finish(work / "model", init, adapter, precision.dtype(recipe.dtype))
        tables.write_json(work / "figures.json", {**account.as_dict(), **figures})
        tables.write_json(work / "log.json", log)
