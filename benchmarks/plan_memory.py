"""The plan's memory against that of a process that does the work: training and sampling of a small real model.

    python -m benchmarks.plan_memory [--model FOLDER] [--quick]

Each kind of work runs in a process of its own, whose peak is read when it ends: supervised training and DPO, two
steps of rows as long as planned, and sampling of a full batch of prompts and answers as long as planned. Without
`--model` the model has the shape of SmolLM2-135M and random weights, which need the same memory. The bar is 15 %.
"""

import random
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.result import check, publish
from benchmarks.train_jobs import measure
from benchmarks.train_small import RECIPE, SHAPE
from reset.engines import Request
from reset.micro.model import word_tokenizer
from reset.model import precision
from reset.params.training import Dpo, Supervised
from reset.planning.model_size import Shape, shape

TOKENS, BATCH, STEPS = 512, 4, 2  # of a row; rows of a batch; steps
TRAINED: dict[str, dict[str, Any]] = {
    "sft, passes of 512 tokens": {"micro_batch_tokens": 512},
    "sft, passes of 1,024 tokens": {"micro_batch_tokens": 1024},
    "sft, passes of 2,048 tokens": {"micro_batch_tokens": 2048},
    "dpo, passes of two pairs": {"method": "dpo", "beta": 0.1, "sft_weight": 0.0}
    | {"micro_batch_size": 2, "micro_batch_tokens": None},
}
SAMPLED = {"sampling, 32 sequences": 32, "sampling, 128 sequences": 128}
PROMPT, ANSWER = 384, 64  # tokens
QUICK = ("sft, passes of 512 tokens", "sampling, 32 sequences")


def model_of_shape(folder: Path) -> Path:
    """A model of that shape with random weights, which never ends an answer, and a tokenizer of words."""
    torch.manual_seed(0)
    config = LlamaConfig(**SHAPE, tie_word_embeddings=True, eos_token_id=SHAPE["vocab_size"] - 1)
    LlamaForCausalLM(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    word_tokenizer(TOKENS).save_pretrained(folder)
    return folder


def ids(rng: random.Random, count: int) -> list[int]:
    """Random tokens."""
    return rng.choices(range(100, 40_000), k=count)


def rows(method: str) -> list[dict[str, Any]]:
    """Rows of exactly so many tokens: of a pair, both answers with their prompt."""
    rng, made = random.Random(0), []
    for _ in range(BATCH * STEPS):
        prompt, whole = ids(rng, TOKENS // 2), ids(rng, TOKENS)
        half = {"prompt_ids": prompt, "chosen_ids": ids(rng, TOKENS // 2), "rejected_ids": ids(rng, TOKENS // 2)}
        made.append(half if method == "dpo" else {"input_ids": whole, "labels": whole})
    return made


def trained(model: Path, sizes: Shape, own: dict[str, Any], threads: int) -> tuple[int, float]:
    """Bytes planned for a recipe, and its process's peak."""
    given = {**RECIPE, "batch_size": BATCH, "micro_batch_size": BATCH, "dtype": "auto", "method": "sft", **own}
    kind = Dpo if given["method"] == "dpo" else Supervised
    recipe = kind(**given, adapter=None, padding_free=False)
    planned = sizes.training(recipe, precision.dtype("auto"), devices=1, tokens=TOKENS)
    job = {"side": "ours", "model": str(model), "max_tokens": TOKENS, "ranks": 1, "threads": threads}
    return planned, measure({**job, "recipe": given, "rows": rows(given["method"])})["peak_bytes"]


def sampled(model: Path, sizes: Shape, sequences: int) -> tuple[int, float]:
    """Bytes planned for a batch, and its process's peak."""
    dtype = precision.dtype("auto")
    planned = sizes.answering(dtype, sequences=sequences, prompt_tokens=PROMPT, answer_tokens=ANSWER)
    command = [sys.executable, "-m", "benchmarks.plan_memory", "--model", str(model), "--one-batch", str(sequences)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(done.stderr[-2000:])
    return planned, float(done.stdout.split()[-1])


def one_batch(model: Path, sequences: int) -> int:
    """Answer so many prompts at once; this process's peak in bytes."""
    from reset.engines.transformers.engine import TransformersEngine

    rng = random.Random(0)
    asked = [Request(str(n), tuple(ids(rng, PROMPT)), 1.0, 0, n, ANSWER) for n in range(sequences)]
    list(TransformersEngine(model=model, batch=sequences, dtype="auto").generate(asked))
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@click.command()
@click.option("--model", type=click.Path(path_type=Path, exists=True), help="A model's folder.")
@click.option("--threads", default=2, show_default=True)
@click.option("--quick", is_flag=True, help="One training and one batch.")
@click.option("--one-batch", "sequences", type=int, hidden=True, help="Sample so many, in this process.")
def main(model: Path | None, threads: int, quick: bool, sequences: int | None) -> None:
    """Compare the plan's memory with what processes take."""
    if model and sequences:
        click.echo(one_batch(model, sequences))
        return
    with TemporaryDirectory() as scratch:
        folder = model or model_of_shape(Path(scratch))
        sizes, figures, checks = shape(folder), {}, []
        for name in (*TRAINED, *SAMPLED):
            if quick and name not in QUICK:
                continue
            work = trained(folder, sizes, TRAINED[name], threads) if name in TRAINED else None
            planned, took = work or sampled(folder, sizes, SAMPLED[name])
            figures[name] = {"planned": planned, "took": took}
            click.echo(f"  {name:<28}{planned / 1e9:>8.2f} GB planned{took / 1e9:>8.2f} taken")
            checks.append(check(f"{name}: planned over taken, apart from 1", abs(planned / took - 1), "<= 0.15"))
        dtype = str(precision.dtype("auto"))
        publish(
            "plan_memory", checks, libraries=["torch", "transformers", "trl"], quick=quick, dtype=dtype, work=figures
        )


if __name__ == "__main__":
    main()
