"""Fine-tuning of one system: rows encoded and checked, then `reset.training.loop`, then what the run says of itself."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from reset import checkpoint_names, registry
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.model import adapters, precision
from reset.model.chat_frame import frame, require_end, stop_at
from reset.model.tokens import load_tokenizer
from reset.runs.divergence import Limits
from reset.training.encoding import SCHEMAS, Encoded, check, check_cut, encode, sequences
from reset.training.loop import fit
from reset.training.recipe import IGNORED, Recipe

CHOSEN_BY_DEV = ("sft", "weighted_sft")  # dev rows have one response each, and tell nothing of a preference


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
    `ResetError`, before the first step, for rows that `check` refuses.
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
    dev_rows: list[Encoded] = []
    if recipe.method in CHOSEN_BY_DEV:
        dev_rows, _ = encode(tables.read(dev, schemas.MIXTURES), tokenizer, max_tokens, Account(), chat=chat)
    model = adapters.start(init, adapter, seed) if adapter else adapters.load(init, torch.float32)
    build = registry.load(registry.METHODS, recipe.method, "method")
    options: dict[str, Any] = {"work": work, "seed": seed, "limits": limits, "build": build, "keep": keep}
    history = fit(model, tokenizer, rows, dev_rows, recipe, work / "model", **options)
    if os.environ["RANK"] == "0":
        for folder in (work / "model" / place for place in ("", *map(checkpoint_names.folder, keep))):
            if adapter:
                adapters.finish(folder, init, adapter, precision.dtype(recipe.dtype))
            if chat and not adapters.apart(folder):
                stop_at(folder, chat.end)
        said = {**account.as_dict(), "cut_prompts": cut, **_figures(history, trained)}
        tables.write_json(work / "figures.json", said)
        tables.write_json(work / "log.json", by_step(history))


def _figures(history: Sequence[Mapping[str, float]], trained: Sequence[Encoded]) -> dict[str, Any]:
    """Steps and dev perplexity of a training, and the tokens of one pass over its rows."""
    dev_losses = {int(entry["step"]): entry["dev_loss"] for entry in history if "dev_loss" in entry}
    steps = int(history[-1]["step"])
    return {
        "steps": steps,
        "best_step": min(dev_losses, key=lambda step: dev_losses[step], default=steps),
        "tokens": sum(len(row["input_ids"]) for row in trained),
        "trained_tokens": sum(label != IGNORED for row in trained for label in row["labels"]),
        "dev_perplexity": math.exp(min(dev_losses.values())) if dev_losses else None,
    }


def by_step(log: Sequence[Mapping[str, float]]) -> list[dict[str, float | None]]:
    """One row per step with the same columns, None where it has none: DVC plots rows of equal keys alone."""
    names = dict.fromkeys(name for entry in log for name in ("step", "loss", "dev_loss", *entry))
    rows: dict[float, dict[str, float | None]] = {}
    for entry in log:
        rows.setdefault(entry["step"], dict.fromkeys(names)).update(entry)
    return list(rows.values())
