"""Fine-tuning of one system: rows to token ids, checks before the first step, then `reset.trainer`."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from reset import registry, tables
from reset.accounts import Account
from reset.errors import ResetError
from reset.prompts import Prompt
from reset.tokens import load_tokenizer, prompt_ids, response_ids
from reset.trainer import IGNORED, Recipe, fit

Encoded = dict[str, Any]  # lists of token ids, and of a row of several answers what its method needs

SCHEMAS = {"sft": tables.MIXTURES, "weighted_sft": tables.WEIGHTED, "dpo": tables.PAIRS, "kto": tables.LABELLED}
ANSWERS = ("chosen_ids", "rejected_ids", "completion_ids")
CHOSEN_BY_DEV = ("sft", "weighted_sft")  # dev rows have one response each, and tell nothing of a preference


def encode(
    rows: Iterable[Mapping[str, Any]], tokenizer: Any, max_tokens: int, account: Account, method: str = "sft"
) -> tuple[list[Encoded], int]:
    """Turn training rows into what the trainer of `method` takes; only responses and their end tokens are trained.

    An over-long prompt is cut at the end of its context; a row whose response (of two the longer) then still does not
    fit is set aside. Returns the rows and how many prompts were cut.
    """
    encoded, cut_prompts = [], 0
    for row in rows:
        response = response_ids(tokenizer, row["response"])
        rejected = response_ids(tokenizer, row["rejected"]) if method == "dpo" else []
        prompt = Prompt(row["prompt"], row["context_start"], row["context_end"])
        room = max_tokens - max(len(response), len(rejected))
        fitted = prompt_ids(tokenizer, prompt, room) if room > 0 else None
        if fitted is None:
            account.leave("longer than max_tokens")
            continue
        ids, cut = fitted
        cut_prompts += cut
        if method == "dpo":
            encoded.append({"prompt_ids": ids, "chosen_ids": response, "rejected_ids": rejected})
        elif method == "kto":
            encoded.append({"prompt_ids": ids, "completion_ids": response, "label": row["desirable"]})
        else:
            weight = {"weight": row["weight"]} if method == "weighted_sft" else {}
            encoded.append({"input_ids": [*ids, *response], "labels": [IGNORED] * len(ids) + response, **weight})
        account.keep()
    return encoded, cut_prompts


def sequences(rows: Iterable[Encoded]) -> Iterator[Encoded]:
    """Every sequence of `rows` that is trained on, as `input_ids` and `labels`: two of a pair, else one of a row."""
    for row in rows:
        if "input_ids" in row:
            yield row
        for answer in (row[name] for name in ANSWERS if name in row):
            prompt = row["prompt_ids"]
            yield {"input_ids": [*prompt, *answer], "labels": [IGNORED] * len(prompt) + answer}


def check(rows: list[Encoded], bos: int | None, where: Path) -> None:
    """Refuse rows that would train nothing or the wrong thing: none at all, two BOS, an all-masked row."""
    if not rows:
        raise ResetError(f"{where}: no rows to train on")
    for number, row in enumerate(rows):
        if bos is not None and (count := row["input_ids"].count(bos)) != 1:
            raise ResetError(f"{where}: row {number} has {count} BOS tokens, must have one")
        if all(label == IGNORED for label in row["labels"]):
            raise ResetError(f"{where}: row {number} trains no token")


def train(data: Path, dev: Path, init: Path, work: Path, *, recipe: Recipe, max_tokens: int, seed: int) -> None:
    """Fine-tune the model of `init` on the rows of `data`; `work` then holds model/, figures.json and log.json.

    Killed, the same call goes on from the last checkpoint in `work`. With several processes each of them calls this.
    """
    if not (init / "config.json").is_file():
        raise ResetError(f"{init}: no model there")
    tokenizer = load_tokenizer(init)
    account = Account()
    rows, cut = encode(tables.read(data, SCHEMAS[recipe.method]), tokenizer, max_tokens, account, recipe.method)
    trained = list(sequences(rows))
    check(trained, tokenizer.bos_token_id, data)
    dev_rows: list[Encoded] = []
    if recipe.method in CHOSEN_BY_DEV:
        dev_rows, _ = encode(tables.read(dev, tables.MIXTURES), tokenizer, max_tokens, Account())
    model = AutoModelForCausalLM.from_pretrained(
        init, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
    )
    build = registry.load(registry.METHODS, recipe.method, "method")
    log = fit(model, tokenizer, rows, dev_rows, recipe, work / "model", work=work, seed=seed, build=build)
    dev_losses = [entry["dev_loss"] for entry in log if "dev_loss" in entry]
    figures = {
        "steps": int(log[-1]["step"]),
        "cut_prompts": cut,
        "tokens": sum(len(row["input_ids"]) for row in trained),
        "trained_tokens": sum(label != IGNORED for row in trained for label in row["labels"]),
        "dev_perplexity": math.exp(min(dev_losses)) if dev_losses else None,
    }
    if os.environ["RANK"] == "0":
        tables.write_json(work / "figures.json", {**account.as_dict(), **figures})
        tables.write_json(work / "log.json", log)
