"""Parts `vllm`, `transformers` and `engines` of the sampling benchmark: the same requests, by ours and its peers."""

import time
from collections.abc import Callable, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.result import check, publish
from benchmarks.sample_runs import sampled
from benchmarks.sample_work import BATCH, MAX_LENGTH, MAX_TOKENS, examples, pool, requests, tokenizing
from reset.engines import Engine, Request
from reset.files import schemas, tables

PROMPTS = {"vllm": (250, 20), "transformers": (150, 20), "engines": (150, 20)}  # and of a quick run
# Room for about 40 requests without shared prompts, and for a fifth of all prompts: a 7B model's cache on an 80 GB GPU
# holds some 120,000 tokens, which is 70 requests of 1,700, and 120 prompts of 1,000. A CPU has blocks of 128 else.
CACHE = {"block_size": 32, "num_gpu_blocks_override": 200}
ROUNDS = 3
BARS = {"vllm": {"per_setting": 1.5, "bare": 0.95}, "transformers": {"per_setting": 3.0}, "engines": {"vllm": 1.0}}
NAMES = {
    "per_setting": "one generate per setting",
    "bare": "a bare generate of the same requests",
    "vllm": "our engine vllm",
}
Side = Callable[[], int]  # runs once and says how many answers it made


def by_setting(asked: Sequence[Request]) -> list[list[Request]]:
    """The requests of each decode setting, in their order."""
    groups: dict[tuple[float, int], list[Request]] = {}
    for request in asked:
        groups.setdefault((request.temperature, request.top_k), []).append(request)
    return list(groups.values())


def vllm_sides(model: Path, asked: Sequence[Request]) -> tuple[Engine, dict[str, Side]]:
    """Our engine; one call per setting, and one bare call, on the same load."""
    from vllm import SamplingParams, TokensPrompt

    from reset.engines.vllm.engine import VllmEngine, _parameters

    engine = VllmEngine(model=model, max_model_len=MAX_LENGTH, options={"dtype": "auto", **CACHE})
    llm = engine._llm

    def call(some: Sequence[Request], parameters: Any) -> int:
        prompts = [TokensPrompt(prompt_token_ids=list(one.token_ids)) for one in some]
        return len(llm.generate(prompts, parameters, use_tqdm=False))

    def per_setting() -> int:
        made = 0
        for group in by_setting(asked):
            one = SamplingParams(temperature=group[0].temperature, top_k=group[0].top_k, max_tokens=MAX_TOKENS)
            made += call(group, one)
        return made

    return engine, {"per_setting": per_setting, "bare": lambda: call(asked, [_parameters(one) for one in asked])}


def transformers_sides(model: Path, asked: Sequence[Request], dtype: Any) -> tuple[Engine, dict[str, Side]]:
    """Our engine; `model.generate` per setting, on the same load."""
    import torch

    from reset.engines.transformers.engine import TransformersEngine
    from reset.model.tokens import load_tokenizer

    engine = TransformersEngine(model=model, batch=BATCH, dtype=dtype)
    loaded, tokenizer = engine._model, load_tokenizer(model)
    tokenizer.padding_side = "left"

    @torch.inference_mode()
    def per_setting() -> int:
        made = 0
        for group in by_setting(asked):
            sampled = {"do_sample": True, "temperature": group[0].temperature, "top_k": group[0].top_k, "top_p": 1.0}
            for start in range(0, len(group), BATCH):
                some = [{"input_ids": list(one.token_ids)} for one in group[start : start + BATCH]]
                padded = tokenizer.pad(some, return_tensors="pt").to(loaded.device)
                said = loaded.generate(**padded, **sampled, max_new_tokens=MAX_TOKENS)
                made += len(tokenizer.batch_decode(said[:, padded["input_ids"].shape[1] :], skip_special_tokens=True))
        return made

    return engine, {"per_setting": per_setting}


def stage(model: Path, engine: Engine, folder: Path) -> Side:
    """Ours: the stage's own function, from the table of prompts, chunk by chunk, to the table of answers."""
    tokenize = tokenizing(model)
    return lambda: sampled(folder, engine, tokenize, pool())[1]


def both_engines(model: Path, dtype: Any) -> dict[str, Engine]:
    """Ours by transformers and by vLLM, each with the cache that it takes by itself."""
    from reset.engines.transformers.engine import TransformersEngine
    from reset.engines.vllm.engine import VllmEngine

    return {
        "transformers": TransformersEngine(model=model, batch=BATCH, dtype=dtype),
        "vllm": VllmEngine(model=model, max_model_len=MAX_LENGTH, options={"dtype": dtype}),
    }


def emptied(engine: Engine, side: Side) -> Side:
    """`side`, with vLLM's prefix cache emptied before."""
    llm = getattr(engine, "_llm", None)
    return lambda: side() if llm is None or llm.reset_prefix_cache() is not False else 0


def compared(sides: dict[str, Side], count: int, rounds: int) -> dict[str, Any]:
    """Answers per second of each side: medians over rounds in turning order, after one that warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name in list(sides)[:: 1 if number % 2 else -1]:
            started = time.perf_counter()
            if (made := sides[name]()) != count:
                raise click.ClickException(f"{name} made {made} of {count} answers")
            if number:
                seconds[name].append(time.perf_counter() - started)
                click.echo(f"{name}, round {number}: {count / seconds[name][-1]:.1f} answers/s")
    return {
        "answers": count,
        "answers_per_s": {name: count / median(taken) for name, taken in seconds.items()},
        "seconds": seconds,
    }


def measured(part: str, model: Path, rows: Sequence[tables.Row], dtype: str, rounds: int) -> dict[str, Any]:
    """Run all sides of one engine on these prompts."""
    asked = requests(model, rows)
    with TemporaryDirectory() as folder:
        tables.write(Path(folder) / "prompts.parquet", schemas.EXAMPLES, iter(rows))
        if part == "engines":
            engines = both_engines(model, dtype)
            sides = {name: emptied(one, stage(model, one, Path(folder))) for name, one in engines.items()}
        else:
            engine, peers = vllm_sides(model, asked) if part == "vllm" else transformers_sides(model, asked, dtype)
            own = {"ours": stage(model, engine, Path(folder)), **peers}
            sides = {name: emptied(engine, side) for name, side in own.items()}
        found = compared(sides, len(asked), rounds)
        said = fmean(tables.column(Path(folder) / "answers.parquet", schemas.ANSWERS, "tokens"))
    return {**found, "prompt_tokens": fmean(len(one.token_ids) for one in asked), "answer_tokens": said}


def comparison(
    part: str, model: Path, quick: bool, table: Path | None = None, most: int | None = None, of: str = ""
) -> None:
    """Measure one engine and publish; a ratio is the median of its rounds' ratios.

    With a `table` of prompts, such as a run's, spread evenly over it; their model then computes in its usual dtype.
    `most` is how many prompts are asked; `of` ends the name of the result.
    """
    asked = most or PROMPTS[part][quick]
    given = list(tables.read(table, schemas.EXAMPLES)) if table else list(examples(asked))
    rows = given[:: -(-len(given) // asked)]
    prompts = len(rows)
    found = measured(part, model, rows, "auto" if table else "float32", 1 if quick else ROUNDS)
    own, checks = "transformers" if part == "engines" else "ours", []
    for who, bar in BARS[part].items():
        ratios = [theirs / ours for theirs, ours in zip(found["seconds"][who], found["seconds"][own], strict=True)]
        checks.append(check(f"{part}: answers/s over {NAMES[who]}", median(ratios), f">= {bar}"))
    of_part = ("transformers", "vllm") if part == "engines" else (part,)
    libraries = ["torch", *(library for name in of_part for library in packages_distributions()[name])]
    publish(f"sample_{part}{of and f'_{of}'}", checks, libraries=libraries, quick=quick, prompts=prompts, **found)
