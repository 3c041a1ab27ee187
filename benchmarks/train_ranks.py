"""What a second rank brings at each ZeRO stage, and how long a `train` stage takes to its first step.

The machine's cores are the same for all: one rank of one thread is what two ranks of one thread each are held against;
beside it stands one rank that has as many threads as there are cores. Same rows and global batch, in processes of their
own, in turns; the best of the rounds counts. A model of this size shows what the ranks say to each other more than what
they compute. The start-up is that of a whole stage of one step, from the start of its process to its end.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import yaml

from benchmarks.result import check, publish
from benchmarks.train import shared, spread_rows
from benchmarks.train_jobs import ROOT, best
from reset import params
from reset.files import schemas, tables
from reset.micro.model import language_model, word_tokenizer
from reset.params.document import Params

STAGES = (0, 2, 3)


def start_up(p: Params) -> float:
    """Seconds of a whole `train` stage of one step."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        tokenizer = word_tokenizer(512)
        language_model(tokenizer, layers=3, width=128, heads=4, max_tokens=512, seed=0).save_pretrained(folder / "init")
        tokenizer.save_pretrained(folder / "init")
        text = {"prompt": "what is the home of mira?", "context_start": 0, "context_end": 0, "response": "red boat."}
        row = {"example_id": "micro/train/0", "repeat": 0, "dataset": "micro", "task": "instruction", **text}
        for file in ("data.parquet", "dev.parquet"):
            tables.write(folder / file, schemas.MIXTURES, [row])
        content = {**p.model_dump(), "tracking": {"enabled": False}}
        (folder / "params.yaml").write_text(yaml.safe_dump(content))
        command = [sys.executable, "-m", "stages.train", "mtl", "init", "data.parquet", "dev.parquet", "models/mtl"]
        started = time.perf_counter()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
        return time.perf_counter() - started


def jobs(p: Params, count: int) -> dict[str, dict[str, Any]]:
    """One rank of one thread and of all cores' threads, and two ranks of one thread at each ZeRO stage."""
    alone = {**shared(p), "side": "ours", "rows": spread_rows(count), "threads": 1}
    recipe = alone["recipe"]
    half = {**recipe, "micro_batch_size": recipe["micro_batch_size"] // 2}  # the global batch stays
    two = {stage: {**alone, "ranks": 2, "recipe": {**half, "zero_stage": stage}} for stage in STAGES}
    return {
        "one rank": alone,
        "one rank, all threads": {**alone, "threads": len(os.sched_getaffinity(0))},
        **{f"two ranks, ZeRO {stage}": job for stage, job in two.items()},
    }


def ratios(runs: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """Tokens/s of two ranks over those of one."""
    speed = {name: figures["tokens_per_s"] for name, figures in runs.items()}
    two = {stage: speed[f"two ranks, ZeRO {stage}"] for stage in STAGES}
    what = "two ranks of one thread over one"
    over_one = [check(f"{what}, ZeRO {stage}", two[stage] / speed["one rank"], ">= 1.5") for stage in STAGES]
    return [*over_one, check(f"{what} of all threads", two[0] / speed["one rank, all threads"], ">= 1.0")]


@click.command()
@click.option("--quick", is_flag=True, help="One round instead of two.")
def main(quick: bool) -> None:
    """Compare numbers of ranks, and time the start-up."""
    p = params.load()
    runs = best(jobs(p, 40 * 24), 1 if quick else 2)
    seconds = start_up(p)
    checks = [*ratios(runs), check("a train stage of one step, s", seconds, "<= 12")]
    libraries = ["torch", "transformers", "trl", "deepspeed"]
    publish("train_ranks", checks, libraries=libraries, quick=quick, runs=runs, start_up_s=seconds)


if __name__ == "__main__":
    main()
