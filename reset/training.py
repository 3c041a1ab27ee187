"""Fine-tuning of one system: rows to token ids, checks before the first step, then `reset.trainer`."""

import logging
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from reset import adapters, disk, kept, precision, registry, shapes, tables
from reset.accounts import Account
from reset.divergence import Limits
from reset.errors import ResetError
from reset.frames import Frame, frame, require_end, stop_at
from reset.prompts import Prompt
from reset.tokens import load_tokenizer, prompt_ids, response_ids
from reset.trainer import IGNORED, Recipe, fit

log = logging.getLogger(__name__)

Encoded = dict[str, Any]  # example_id, lists of token ids, and of a row of several answers what its method needs

SCHEMAS = {"sft": tables.MIXTURES, "weighted_sft": tables.WEIGHTED, "dpo": tables.PAIRS, "kto": tables.LABELLED}
ANSWERS = ("chosen_ids", "rejected_ids", "completion_ids")
CHOSEN_BY_DEV = ("sft", "weighted_sft")  # dev rows have one response each, and tell nothing of a preference


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


def train(
    data: Path,
    dev: Path,
    init: Path,
    work: Path,
    *,
    recipe: Recipe,
    keep: Sequence[float],
    max_tokens: int,
    max_cut: float,
    template: str,
    limits: Limits,
    seed: int,
    adapter: adapters.Adapter | None = None,
) -> None:
    """Fine-tune the model of `init` on the rows of `data`; `work` then holds model/, figures.json and log.json.

    All weights are trained, or an `adapter`. `template` is that of the rows; of a chat, the models then stop where its
    replies end (generation_config.json). Below model/ are the models at the shares `keep` of the training. Killed,
    the same call goes on from the last checkpoint in `work`. With several processes each of them calls this. Raises
    `ResetError`, before the first step, for rows that `check` refuses and for want of disk space.
    """
    if not adapters.exists(init):
        raise ResetError(f"{init}: no model there")
    tokenizer = load_tokenizer(init)
    account, chat = Account(), frame(tokenizer, template)
    rows, cut = encode(tables.read(data, SCHEMAS[recipe.method]), tokenizer, max_tokens, account, recipe.method, chat)
    trained = list(sequences(rows))
    check(trained, tokenizer, data, chat)
    if chat and adapter and not adapter.merge:  # which leaves the folder of the weights as it is
        require_end(adapters.weights(init), chat, tokenizer)
    check_cut(cut, account, max_cut, data)
    if os.environ["RANK"] == "0":
        disk.require(_written(init, recipe, adapter, len(keep)), work)
    dev_rows: list[Encoded] = []
    if recipe.method in CHOSEN_BY_DEV:
        dev_rows, _ = encode(tables.read(dev, tables.MIXTURES), tokenizer, max_tokens, Account(), chat=chat)
    model = adapters.start(init, adapter, seed) if adapter else adapters.load(init, torch.float32)
    build = registry.load(registry.METHODS, recipe.method, "method")
    options: dict[str, Any] = {"work": work, "seed": seed, "limits": limits, "build": build, "keep": keep}
    history = fit(model, tokenizer, rows, dev_rows, recipe, work / "model", **options)
    dev_losses = {int(entry["step"]): entry["dev_loss"] for entry in history if "dev_loss" in entry}
    steps = int(history[-1]["step"])
    figures = {
        "steps": steps,
        "best_step": min(dev_losses, key=lambda step: dev_losses[step], default=steps),
        "cut_prompts": cut,
        "tokens": sum(len(row["input_ids"]) for row in trained),
        "trained_tokens": sum(label != IGNORED for row in trained for label in row["labels"]),
        "dev_perplexity": math.exp(min(dev_losses.values())) if dev_losses else None,
    }
    if os.environ["RANK"] == "0":
        for folder in (work / "model" / place for place in ("", *map(kept.folder, keep))):
            if adapter:
                adapters.finish(folder, init, adapter, precision.dtype(recipe.dtype))
            if chat and not adapters.apart(folder):
                stop_at(folder, chat.end)
        tables.write_json(work / "figures.json", {**account.as_dict(), **figures})
        tables.write_json(work / "log.json", by_step(history))


def by_step(log: Sequence[Mapping[str, float]]) -> list[dict[str, float | None]]:
    """One row per step with the same columns, None where it has none: DVC plots rows of equal keys alone."""
    names = dict.fromkeys(name for entry in log for name in ("step", "loss", "dev_loss", *entry))
    rows: dict[float, dict[str, float | None]] = {}
    for entry in log:
        rows.setdefault(entry["step"], dict.fromkeys(names)).update(entry)
    return list(rows.values())


def _written(init: Path, recipe: Recipe, adapter: adapters.Adapter | None, beside: int) -> int:
    """Bytes of the checkpoints that there are at once, and of the finished models here and where the stage copies them.

    `beside` is how many models stay beside the one that the dev loss chooses.
    """
    dtype, shape = precision.dtype(recipe.dtype), shapes.shape(adapters.weights(init))
    return shape.checkpoints(adapter, dtype) + 2 * (1 + beside) * shape.disk(adapter, dtype)
