"""Sampling side by side: same model, prompts, settings and token budgets, alternating, in one run; starts excluded.

    python -m benchmarks.sample [--quick] [--part vllm] [--part transformers] [--part engines] [--part flat]

- vllm: ours against one `LLM.generate` per decode setting (what peers do), and against a bare `LLM.generate` of our own
  requests. The prefix cache is emptied before each, and has no room for all prompts, as with real models (`CACHE` in
  sample_engines.py): one call per setting reads every prompt anew.
- transformers: ours against `model.generate` per setting, prompts in their order, padded, batches as large as ours.
- engines: ours by transformers against ours by vLLM, each with a cache of its own choice.
- flat: ours (transformers, an answer of one token to a short prompt) on more and more prompts, each number in a process
  of its own: cost per answer and peak memory.
- resume: a run stopped at half its chunks and gone on with, against an undisturbed one.

Ours is the stage's own function, from the table of prompts to the table of answers.

Speeds are answers per second: each side draws its own answers from the same distributions, which are equally long on
average. The model has random weights, unless `--model` names a folder; for vLLM it is wider, so that its work and not
vLLM's own takes most of the time, as with real models. `--prompts` asks a run's prompts instead of made-up ones, in
parts vllm, transformers and engines, `--count` so many of them. Each part writes results/sample_<part>.json, with
`--name small` sample_<part>_small.json.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.sample_engines import comparison
from benchmarks.sample_runs import flat, one_size, resume
from benchmarks.sample_work import random_model

ENGINES = ("vllm", "transformers", "engines")
OTHERS: dict[str, Callable[[Path, bool], None]] = {"flat": flat, "resume": resume}
PARTS = (*ENGINES, *OTHERS)
MODELS: dict[str, dict[str, Any]] = {"vllm": {"width": 384, "ending": 16.0}}


@click.command()
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, help="May be repeated; all if left out.")
@click.option("--quick", is_flag=True, help="Fewer prompts and rounds.")
@click.option("--model", type=click.Path(path_type=Path, exists=True), help="A model's folder.")
@click.option("--prompts", type=click.Path(path_type=Path, exists=True), help="A table, data/prompts/<name>.parquet.")
@click.option("--count", "most", type=click.IntRange(1), help="So many prompts, in the first three parts.")
@click.option("--name", "of", default="", help="Ends the name of the result.")
@click.option("--one-size", "count", type=int, hidden=True, help="So many prompts of part `flat`, in this process.")
def main(
    parts: tuple[str, ...],
    quick: bool,
    model: Path | None,
    prompts: Path | None,
    most: int | None,
    of: str,
    count: int | None,
) -> None:
    """Measure sampling against its peers."""
    with TemporaryDirectory() as scratch:
        if count is not None and model is not None:
            click.echo(one_size(model, count))
            return
        for part in parts or PARTS:
            chosen = model or random_model(Path(scratch) / part, **MODELS.get(part, {}))
            if part in ENGINES:
                comparison(part, chosen, quick, prompts, most, of)
            else:
                OTHERS[part](chosen, quick)


if __name__ == "__main__":
    main()
