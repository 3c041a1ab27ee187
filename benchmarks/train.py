"""Training against TRL's SFTTrainer with its defaults: plain padded batches in random order, activation checkpointing.

Same rows, model, dtype, global batch and number of threads, in processes of their own, in turns; the best of the
rounds of each side counts. Tokens are those of the rows, padding is none. What a second rank brings is
benchmarks/train_ranks.py.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

import click

from benchmarks import train_small
from benchmarks.result import check, publish
from benchmarks.train_jobs import best, ratios
from reset import params
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.micro.model import word_tokenizer
from reset.params.document import Params
from reset.report.table1 import paper
from reset.training.encoding import encode
from reset.training.recipe import IGNORED

CONTEXT = {"instructions": 60, "nq": 700, "cnn_dailymail": 900, "ms_marco": 800}  # prompt tokens, assumed
SHRUNK = 8  # lengths of the second mixture are an eighth of Table 1's, to suit a CPU
MICRO = {"vocab_size": 392, "hidden_size": 128, "intermediate_size": 320, "num_hidden_layers": 3}
MICRO |= {"num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 512}
PLAIN = {"gradient_checkpointing": False}  # the default that costs TRL time for memory


def micro_rows(run: Path, p: Params, count: int) -> list[dict[str, Any]]:
    """The first rows of the micro mixture `mtl`, encoded as `train` does."""
    table = tables.read(run / "data/mixtures/mtl.parquet", schemas.MIXTURES)
    rows = [row for row, _ in zip(table, range(count), strict=False)]
    tokenizer = word_tokenizer(p.train.max_tokens)
    return [dict(row) for row in encode(rows, tokenizer, p.train.max_tokens, Account())[0]]


def spread_rows(count: int) -> list[dict[str, Any]]:
    """Random tokens with Table 1's mean response lengths, exponential, one data set after the other."""
    rng, rows, means = random.Random(0), [], paper()
    for number in range(count):
        name = list(CONTEXT)[number % len(CONTEXT)]
        mean = float(means[name]["mean_response_tokens"])
        prompt = max(4, min(1500, round(rng.expovariate(1 / CONTEXT[name])))) // SHRUNK
        response = max(SHRUNK, min(540, round(rng.expovariate(1 / mean)))) // SHRUNK
        ids = [1, *rng.choices(range(5, 390), k=prompt + response - 1), 2]
        rows.append({"input_ids": ids, "labels": [IGNORED] * prompt + ids[prompt:]})
    return rows


def shared(p: Params) -> dict[str, Any]:
    """What all jobs have in common: one epoch of the recipe `full` for a model of the micro scale's shape."""
    recipe = {**p.recipes["full"].model_dump(exclude={"adapter"}), "epochs": 1.0}
    return {"recipe": recipe, "model": MICRO, "max_tokens": p.train.max_tokens, "ranks": 1}


def tiny(name: str, rows: list[dict[str, Any]], p: Params, threads: int, rounds: int) -> tuple[Any, list[Any]]:
    """Figures and checks of a model of the micro scale's shape."""
    click.echo(f"{name}: {len(rows)} rows, {sum(len(row['input_ids']) for row in rows):,} tokens")
    job = {**shared(p), "rows": rows, "threads": threads}
    jobs = {
        "ours": {**job, "side": "ours"},
        "trl": {**job, "side": "theirs", "defaults": {}},
        "trl without checkpointing": {**job, "side": "theirs", "defaults": PLAIN},
    }
    found = best(jobs, rounds)
    over_plain = found["ours"]["tokens_per_s"] / found["trl without checkpointing"]["tokens_per_s"]
    checks = [*ratios(name, found, "<= 1.5"), check(f"{name}: over TRL without checkpointing", over_plain, ">= 1.5")]
    return found, checks


PARTS = ("micro", "table1", "small")


@click.command()
@click.option("--run", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Finished run.")
@click.option("--model", type=click.Path(exists=True, file_okay=False), help="Small model; else random weights.")
@click.option("--rows", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="JSON: its encoded rows.")
@click.option("--part", "parts", multiple=True, default=PARTS, type=click.Choice(PARTS), help="All, unless named.")
@click.option("--quick", is_flag=True, help="Fewer rounds and rows.")
def main(run: Path, model: str | None, rows: Path | None, parts: tuple[str, ...], quick: bool) -> None:
    """Compare training with TRL's."""
    p = params.load()
    threads = len(os.sched_getaffinity(0))
    figures: dict[str, Any] = {"threads": threads, "rows": "given" if rows else "made up"}
    checks: list[Any] = []
    count = 40 * (24 if quick else 60)
    for name, make in (("micro", lambda: micro_rows(run, p, count)), ("table1", lambda: spread_rows(count))):
        if name in parts:
            figures[name], found = tiny(name, make(), p, threads, 2 if quick else 3)
            checks += found
    if "small" in parts:
        given = json.loads(rows.read_text()) if rows else None
        figures["small"], found = train_small.compare(model, given, threads, quick=quick)
        checks += found
    name = "train" if set(parts) == set(PARTS) else f"train_{'_'.join(parts)}"
    publish(name, checks, libraries=["torch", "transformers", "trl", "deepspeed"], quick=quick, **figures)


if __name__ == "__main__":
    main()
