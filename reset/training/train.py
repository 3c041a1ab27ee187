"""Fine-tuning of one system: encode and check the rows, run `reset.training.loop`, then write its metrics."""

import logging
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reset import checkpoint_names, registry
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.model import adapters, generation, precision
from reset.model.chat_frame import PLAIN, Frame, Options, frame
from reset.model.limits import embeddings, positions
from reset.model.tokens import load_tokenizer
from reset.runs.divergence import Limits
from reset.training.encoding import Encoded, check, check_cut, check_fit, encode, schema, sequences
from reset.training.loop import fit
from reset.training.recipe import IGNORED, Recipe
from reset.training.start import start

log = logging.getLogger(__name__)

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
    save_minutes: float,
    options: Options = PLAIN,
    adapter: adapters.Adapter | None = None,
) -> None:
    """Fine-tune the model of `init` on the rows of `data`; `work` then holds model/, figures.json and log.json.

    Trains all weights, or an `adapter`. `template` is the prompt template of the rows, `options` what a chat template
    is told. The saved models have the starting model's tokenizer and generation configuration, and stop at the end
    token that was trained. The models at the shares `keep` of the training are saved below model/. After a kill, the
    same call resumes from the last checkpoint in `work`. Every rank calls this. Raises `ResetError`, before the first
    step, for rows that `check`, `check_cut` or `check_fit` refuses.
    """
    if not adapters.exists(init):
        raise ResetError(f"{init}: no model there")
    tokenizer = load_tokenizer(init)
    account, chat = Account(), frame(tokenizer, template, options)
    read = tables.read(data, schema(data, recipe.method))
    rows, cut = encode(read, tokenizer, max_tokens, account, recipe.method, chat)
    trained = list(sequences(rows))
    check_cut(cut, account, max_cut, data)
    check(trained, tokenizer, data, chat)
    if chat and adapter and not adapter.merge:  # then the weights' folder cannot be told where to stop
        generation.require_end(adapters.weights(init), chat, tokenizer)
    dev_rows = _dev_rows(dev, tokenizer, max_tokens, chat) if recipe.method in CHOSEN_BY_DEV else []
    model = start(init, recipe, adapter, seed)
    known, longest = embeddings(model), positions(model.config)
    check_fit([*trained, *dev_rows], data, embeddings=known, positions=longest, padding=tokenizer.pad_token_id)
    build = registry.load(registry.METHODS, recipe.method, "method")
    how: dict[str, Any] = {"work": work, "seed": seed, "limits": limits, "save_minutes": save_minutes, "keep": keep}
    history = fit(model, tokenizer, rows, dev_rows, recipe, work / "model", build=build, **how)
    if os.environ["RANK"] == "0":
        end = chat.end if chat else int(tokenizer.eos_token_id)
        for folder in (work / "model" / name for name in ("", *map(checkpoint_names.folder, keep))):
            _finish(folder, init, recipe, adapter, end)
        figures = {**account.as_dict(), "cut_prompts": cut, **_figures(history, trained)}
        tables.write_json(work / "figures.json", figures)
        tables.write_json(work / "log.json", by_step(history))


def _dev_rows(dev: Path, tokenizer: Any, max_tokens: int, chat: Frame | None) -> list[Encoded]:
    account = Account()
    rows, _ = encode(tables.read(dev, schemas.MIXTURES), tokenizer, max_tokens, account, chat=chat)
    if account.set_aside:
        log.warning("%s: %s", dev, account)
    return rows


def _finish(folder: Path, init: Path, recipe: Recipe, adapter: adapters.Adapter | None, end: int) -> None:
    """Make a saved model ready to answer: merge its adapter or name its base, and stop at `end`, the trained end token.

    Its tokenizer is again that of `init`: trainers set a pad token of their own.
    """
    load_tokenizer(init).save_pretrained(folder)
    if adapter:
        adapters.finish(folder, init, adapter, precision.dtype(recipe.dtype))
    if not adapters.apart(folder):
        generation.carry(adapters.weights(init), folder)
        generation.stop_at(folder, end)


def _figures(history: Sequence[Mapping[str, float]], trained: Sequence[Encoded]) -> dict[str, Any]:
    """Return steps and dev perplexity of a run, and the tokens of one epoch."""
    dev_losses = {int(entry["step"]): entry["dev_loss"] for entry in history if "dev_loss" in entry}
    steps = int(history[-1]["step"])
    masked = [row["masked"] for row in trained if "masked" in row]
    return {
        "steps": steps,
        "best_step": min(dev_losses, key=lambda step: dev_losses[step], default=steps),
        "tokens": sum(len(row["input_ids"]) for row in trained),
        "trained_tokens": sum(label != IGNORED for row in trained for label in row["labels"]),
        **({"masked_tokens": sum(masked)} if masked else {}),
        "dev_perplexity": math.exp(min(dev_losses.values())) if dev_losses else None,
    }


def by_step(log: Sequence[Mapping[str, float]]) -> list[dict[str, float | None]]:
    """Merge log entries into one row per step, all with the same columns (DVC plots need that); None where missing."""
    columns = dict.fromkeys(name for entry in log for name in ("step", "loss", "dev_loss", *entry))
    rows: dict[float, dict[str, float | None]] = {}
    for entry in log:
        rows.setdefault(entry["step"], dict.fromkeys(columns)).update(entry)
    return list(rows.values())
