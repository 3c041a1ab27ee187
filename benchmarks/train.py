"""Training against TRL's SFTTrainer with its defaults: plain padded batches in random order, activation checkpointing.

Same rows, model, dtype, global batch and number of threads, in processes of their own, in turns; the best of the
rounds of each side counts. Tokens are those of the rows, padding is none. What a second rank brings is
benchmarks/train_ranks.py.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.result import check, publish
from reset import params
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.micro.model import word_tokenizer
from reset.params.document import Params
from reset.report.table1 import paper
from reset.runs.launcher import launcher
from reset.training.encoding import encode
from reset.training.recipe import IGNORED

ROOT = Path(__file__).parents[1]
CONTEXT = {"instructions": 60, "nq": 700, "cnn_dailymail": 900, "ms_marco": 800}  # prompt tokens, assumed
SHRUNK = 8  # lengths of the second mixture are an eighth of Table 1's, to suit a CPU
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
    shape = {"width": 128, "layers": 3, "max_tokens": 512}
    return {"recipe": recipe, "model": shape, "max_tokens": p.train.max_tokens, "ranks": 1}


def measure(job: dict[str, Any]) -> dict[str, float]:
    """The figures of one run of benchmarks/train_side.py, in `ranks` processes of `threads` each."""
    ranks, threads = job["ranks"], job["threads"]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "job.json"
        path.write_text(json.dumps(job))
        start = [sys.executable] if ranks == 1 else launcher(ranks)
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
        command = [*start, str(ROOT / "benchmarks/train_side.py"), str(path), str(Path(folder) / "work")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(done.stderr[-2000:])
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"tokens_per_s"')]
    return dict(found[0])


def best(jobs: dict[str, dict[str, Any]], rounds: int) -> dict[str, dict[str, float]]:
    """Of each job the fastest of its rounds; the jobs take turns."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            runs[name].append(measure(job))
            click.echo(f"  {name:<28}{runs[name][-1]['tokens_per_s']:>10,.0f} tokens/s")
    return {name: max(found, key=lambda figures: figures["tokens_per_s"]) for name, found in runs.items()}


@click.command()
@click.option("--run", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Finished run.")
@click.option("--quick", is_flag=True, help="Two rounds instead of three, fewer rows.")
def main(run: Path, quick: bool) -> None:
    """Compare training with TRL's."""
    p = params.load()
    threads = len(os.sched_getaffinity(0))
    figures: dict[str, Any] = {"threads": threads}
    checks = []
    count = 40 * (24 if quick else 60)
    for name, rows in (("micro", micro_rows(run, p, count)), ("table1", spread_rows(count))):
        click.echo(f"{name}: {len(rows)} rows, {sum(len(row['input_ids']) for row in rows):,} tokens")
        job = {**shared(p), "rows": rows, "threads": threads}
        jobs = {
            "ours": {**job, "side": "ours"},
            "trl": {**job, "side": "theirs", "defaults": {}},
            "trl without checkpointing": {**job, "side": "theirs", "defaults": PLAIN},
        }
        found = best(jobs, 2 if quick else 3)
        ours, trl, plain = found.values()
        checks += [
            check(f"{name}: tokens/s over TRL's defaults", ours["tokens_per_s"] / trl["tokens_per_s"], ">= 1.5"),
            check(f"{name}: over TRL without checkpointing", ours["tokens_per_s"] / plain["tokens_per_s"], ">= 1.5"),
            check(f"{name}: peak memory over TRL's defaults", ours["peak_bytes"] / trl["peak_bytes"], "<= 1.5"),
        ]
        figures[name] = found
    publish("train", checks, libraries=["torch", "transformers", "trl", "deepspeed"], quick=quick, **figures)


if __name__ == "__main__":
    main()
