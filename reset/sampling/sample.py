"""Sampling: one system's answers to a set of prompts under a grid of decode settings (paper 5.1).

Test prompts are answered in the same way, with a grid of one greedy setting. Answers with the same cache key are
computed once per prompt. Finished chunks of prompts are kept, so that a killed run resumes and ends with the same rows.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from reset.engines import Completion, Engine, Request
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.model.prompts import Prompt, render
from reset.runs.answer_counts import Counts
from reset.runs.chunks import Chunks
from reset.runs.cluster import Spread, here
from reset.runs.progress import Progress
from reset.sampling.decode_settings import Arms, Planned, plan, saved

log = logging.getLogger(__name__)

TOO_LONG = "error: prompt too long"
Tokenize = Callable[[Prompt, int], tuple[list[int], bool] | None]  # prompt, max tokens -> ids, cut; None if too long
CHUNK_SCHEMA = schemas.ANSWERS.append(pa.field("cut", pa.bool_(), nullable=False))  # was the prompt's context cut?


@dataclass(frozen=True)
class Pool:
    """What to sample: the system, its decode settings, its prompt template and the length limits in tokens."""

    system: str
    grid: Arms
    sweeps: int
    seed: int
    template: str
    max_tokens: int
    max_prompt_tokens: int

    def plan(self, example: tables.Row) -> list[Planned]:
        """Return the answers to sample for one example."""
        return plan(example["example_id"], self.grid, self.sweeps, self.seed)


def sample(
    prompts: Path,
    into: Path,
    pool: Pool,
    *,
    load: Callable[[], tuple[Engine, Tokenize]],
    chunks: Chunks,
    chunk_prompts: int,
    max_failed: float,
    spread: Spread = here,
) -> tuple[Account, dict[str, Any]]:
    """Answer every row of `prompts` and write the answers to `into`; `load` is called only if a chunk is missing.

    Returns the account of answers (planned, written, failed by reason) and their figures. Raises `ResetError` if more
    than the fraction `max_failed` of the planned answers failed.
    """
    planned, repeats = _count_planned(prompts, pool)
    pieces = enumerate(_batched(tables.read(prompts, schemas.EXAMPLES), chunk_prompts))
    counts, number_of_chunks = Counts(), 0
    with Progress(f"sample {into.stem}", planned) as progress:
        on_completion = progress.add if spread is here else _ignore
        build = partial(_answerer, pool, load, on_completion)
        for number, resumed in chunks.fill(CHUNK_SCHEMA, pieces, build, spread):
            counts.add(list(chunks.assemble(CHUNK_SCHEMA, [number])))
            progress.reach(counts.account.rows_in, counts.tokens, found=resumed)
            counts.check(into.stem, planned, max_failed)
            number_of_chunks += 1
    tables.write(into, schemas.ANSWERS, chunks.assemble(schemas.ANSWERS, range(number_of_chunks)))
    return counts.account, {**counts.figures(), "saved_answers": repeats}


def _answerer(
    pool: Pool, load: Callable[[], tuple[Engine, Tokenize]], on_completion: Callable[[int], object]
) -> Callable[[Sequence[tables.Row]], Iterator[dict[str, Any]]]:
    """Load the engine and return the function that answers a chunk of examples."""
    engine, tokenize = load()
    return partial(answer, pool=pool, engine=engine, tokenize=tokenize, on_completion=on_completion)


def _ignore(tokens: int) -> None:
    """Report no single answer, as on remote workers: there progress is counted by chunk."""


def _batched(rows: Iterator[tables.Row], size: int) -> Iterator[list[tables.Row]]:
    while batch := list(islice(rows, size)):
        yield batch


def _count_planned(prompts: Path, pool: Pool) -> tuple[int, int]:
    """Count the planned answers, and those of them that need not be computed, one prompt's plan at a time."""
    planned = repeats = 0
    for plan_of_prompt in map(pool.plan, tables.read(prompts, schemas.EXAMPLES)):
        planned, repeats = planned + len(plan_of_prompt), repeats + saved(plan_of_prompt)
    if not planned:
        raise ResetError(f"{prompts}: no prompts")
    if repeats:
        log.warning("%d of %d answers repeat the greedy answer to their prompt: computed once", repeats, planned)
    return planned, repeats


def answer(
    examples: Sequence[tables.Row],
    pool: Pool,
    engine: Engine,
    tokenize: Tokenize,
    *,
    on_completion: Callable[[int], object] = _ignore,
) -> Iterator[dict[str, Any]]:
    """Yield rows of the answers table for `examples`, in their order, with a column `cut`: was the prompt cut?

    `on_completion` is called after each completion with its number of tokens.
    """
    planned = {row["example_id"]: pool.plan(row) for row in examples}
    fitted = {row["example_id"]: tokenize(render(row, pool.template), pool.max_prompt_tokens) for row in examples}
    requests: dict[str, Request] = {}
    for example_id, fit in fitted.items():
        if fit is not None:
            for wanted in planned[example_id]:
                key = f"{example_id}|{wanted.computed_as}"
                requests.setdefault(key, _request(key, wanted, fit[0], pool.max_tokens))
    completions = {}
    for completion in engine.generate(list(requests.values())):
        completions[completion.answer_id] = completion
        on_completion(completion.tokens)
    for row in examples:
        fit = fitted[row["example_id"]]
        for wanted in planned[row["example_id"]]:
            key = f"{row['example_id']}|{wanted.computed_as}"
            completion = completions[key] if fit else Completion(key, "", 0, TOO_LONG, None)
            yield {**_answer_row(row, wanted, pool.system, completion), "cut": fit is not None and fit[1]}


def _request(key: str, planned: Planned, token_ids: Sequence[int], max_tokens: int) -> Request:
    setting = planned.setting
    return Request(key, tuple(token_ids), setting.temperature, setting.top_k, planned.seed, max_tokens)


def _answer_row(example: tables.Row, planned: Planned, system: str, completion: Completion) -> dict[str, Any]:
    setting = planned.setting
    return {
        "answer_id": f"{example['example_id']}|{setting.name}|{planned.sweep}",
        "example_id": example["example_id"],
        "dataset": example["dataset"],
        "task": example["task"],
        "system": system,
        "setting": setting.name,
        "sweep": planned.sweep,
        "temperature": setting.temperature,
        "top_k": setting.top_k,
        "seed": planned.seed,
        "text": completion.text,
        "tokens": completion.tokens,
        "finish_reason": completion.finish_reason,
        "mean_logprob": completion.mean_logprob,
    }
