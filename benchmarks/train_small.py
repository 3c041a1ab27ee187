"""Training of a small real model, of SmolLM2-135M's shape, on rows of a few hundred tokens, against TRL's defaults.

The global batch is the same; TRL's passes are eight rows, its default. The losses of both sides are compared in float32
on one batch, before its step.
"""

import random
from typing import Any

from benchmarks.result import check
from benchmarks.train_jobs import best, measure, ratios
from reset.training.recipe import IGNORED

SHAPE = {"vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30}
SHAPE |= {"num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64, "max_position_embeddings": 8192}
LENGTHS = ((44, 54), (400, 5), (233, 63), (269, 46))  # mean tokens of prompts and answers of four kinds of real rows
BATCH, THEIRS = 16, 8
RECIPE = {"learning_rate": 1e-5, "epochs": 1.0, "batch_size": BATCH, "micro_batch_size": BATCH, "weight_decay": 0.0}
RECIPE |= {"beta2": 0.999, "warmup_ratio": 0.03, "loss": "token", "eval_steps": 1000, "zero_stage": 0}
RECIPE |= {"micro_batch_tokens": 512, "gradient_checkpointing": False}
FEW = 4  # rows of the comparison of losses


def made_up(count: int) -> list[dict[str, Any]]:
    """Random tokens in rows of those lengths, give or take a fifth, of the four kinds in turn."""
    rng, rows = random.Random(0), []
    for number in range(count):
        prompt, response = (max(2, round(rng.gauss(mean, mean / 5))) for mean in LENGTHS[number % len(LENGTHS)])
        ids = rng.choices(range(5, SHAPE["vocab_size"]), k=prompt + response)
        rows.append({"input_ids": ids, "labels": [IGNORED] * prompt + ids[prompt:]})
    return rows


def sides(job: dict[str, Any], dtype: str, batch: int) -> dict[str, dict[str, Any]]:
    """The jobs of both sides, of one global batch size."""
    ours = {**RECIPE, "dtype": dtype, "batch_size": batch, "micro_batch_size": batch}
    theirs = {**ours, "micro_batch_size": min(THEIRS, batch)}
    accumulated = {"gradient_accumulation_steps": batch // theirs["micro_batch_size"]}
    return {
        "ours": {**job, "side": "ours", "recipe": ours},
        "trl": {**job, "side": "theirs", "recipe": theirs, "defaults": accumulated},
    }


def compare(
    model: str | None, rows: list[dict[str, Any]] | None, threads: int, *, quick: bool
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Figures and checks; `model` is a folder, None: random weights."""
    rows = rows or made_up(BATCH * 6)
    job = {"model": model or SHAPE, "max_tokens": 512, "ranks": 1, "threads": threads}
    found = best(sides({**job, "rows": rows[: BATCH * (2 if quick else 4)]}, "auto", BATCH), 1 if quick else 2)
    few = sides({**job, "rows": rows[:FEW]}, "float32", FEW)
    losses = {side: measure(one)["loss"] for side, one in few.items()}
    apart = check("small: losses in float32 apart, nats", abs(losses["ours"] - losses["trl"]), "<= 1e-4")
    return {**found, "losses in float32": losses}, [*ratios("small", found, "<= 0.6"), apart]
