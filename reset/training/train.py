"""Fine-tuning of one system: encode and check the rows, run `reset.training.loop`, then write its metrics."""

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
from reset.model.chat_frame import Frame, frame, require_end, stop_at
from reset.model.tokens import load_tokenizer
from reset.runs.divergence import Limits
from reset.training.encoding import SCHEMAS, Encoded, check, check_cut, encode, sequences
from reset.training.loop import fit
from reset.training.recipe import IGNORED, Recipe

CHOSEN_BY_DEV = ("sft", "weighted_sft")  # dev rows have one response each: no preference to measure


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

    Trains all weights, or an `adapter`. `template` is the prompt template of the rows; with a chat template, the saved
    models stop at its end token (generation_config.json). The models at the shares `keep` of the training are saved
    below model/. After a kill, the same call resumes from the last checkpoint in `work`. Every rank calls this. Raises
    `ResetError`, before the first step, for rows that `check` or `check_cut` refuses.
    """
    if not adapters.exists(init):
        raise ResetError(f"{init}: no model there")
    tokenizer = load_tokenizer(init)
    account, chat = Account(), frame(tokenizer, template)
    rows, cut = encode(tables.read(data, SCHEMAS[recipe.method]), tokenizer, max_tokens, account, recipe.method, chat)
    trained = list(sequences(rows))
    check(trained, tokenizer, data, chat)
    if chat and adapter and not adapter.merge:  # then `stop_at` cannot change the weights' folder
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
        for folder in (work / "model" / name for name in ("", *map(checkpoint_names.folder, keep))):
            _finish(folder, init, recipe, adapter, chat)
        figures = {**account.as_dict(), "cut_prompts": cut, **_figures(history, trained)}
        tables.write_json(work / "figures.json", figures)
        tables.write_json(work / "log.json", by_step(history))


def _finish(folder: Path, init: Path, recipe: Recipe, adapter: adapters.Adapter | None, chat: Frame | None) -> None:
    """Make a saved model ready to answer: merge its adapter or name its base, and stop at the chat's end token."""
    if adapter:
        adapters.finish(folder, init, adapter, precision.dtype(recipe.dtype))
    if chat and not adapters.apart(folder):
        stop_at(folder, chat.end)


def _figures(history: Sequence[Mapping[str, float]], trained: Sequence[Encoded]) -> dict[str, Any]:
    """Return steps and dev perplexity of a run, and the tokens of one epoch."""
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
    """Merge log entries into one row per step, all with the same columns (DVC plots need that); None where missing."""
    columns = dict.fromkeys(name for entry in log for name in ("step", "loss", "dev_loss", *entry))
    rows: dict[float, dict[str, float | None]] = {}
    for entry in log:
        rows.setdefault(entry["step"], dict.fromkeys(columns)).update(entry)
    return list(rows.values())
