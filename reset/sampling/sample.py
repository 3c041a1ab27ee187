"""Sampling: one system's answers to a set of prompts under a grid of decode settings (paper 5.1).

Answering test prompts is the same operation with a grid of one greedy setting. Settings that must give the same text
are computed once per prompt. Finished chunks of prompts are kept, so that a killed run goes on and ends with the same
rows.
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
Tokenize = Callable[[Prompt, int], tuple[list[int], bool] | None]
KEPT = schemas.ANSWERS.append(pa.field("cut", pa.bool_(), nullable=False))  # whether the prompt's context was cut


@dataclass(frozen=True)
class Pool:
    """What is to be sampled: whose answers, under which settings, how long."""

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
    """Answer every row of `prompts` and write the answers table to `into`; `load` is called only if work is left.

    The account is of answers: planned, written, failed by reason. Raises `ResetError` above the share `max_failed`.
    """
    planned, repeats = _announce(prompts, pool)
    pieces = enumerate(_grouped(tables.read(prompts, schemas.EXAMPLES), chunk_prompts))
    counts, number_of_chunks = Counts(), 0
    with Progress(f"sample {into.stem}", planned) as progress:
        heard = progress.add if spread is here else _unheard
        for number, found in chunks.fill(KEPT, pieces, partial(_answering, pool, load, heard), spread):
            counts.add(list(chunks.assemble(KEPT, [number])))
            progress.reach(counts.account.rows_in, counts.tokens, found=found)
            counts.check(into.stem, planned, max_failed)
            number_of_chunks += 1
    tables.write(into, schemas.ANSWERS, chunks.assemble(schemas.ANSWERS, range(number_of_chunks)))
    return counts.account, {**counts.figures(), "saved_answers": repeats}


def _answering(
    pool: Pool, load: Callable[[], tuple[Engine, Tokenize]], heard: Callable[[int], object]
) -> Callable[[Sequence[tables.Row]], Iterator[dict[str, Any]]]:
    engine, tokenize = load()
    return partial(answer, pool=pool, engine=engine, tokenize=tokenize, heard=heard)


def _unheard(tokens: int) -> None:
    """What a worker elsewhere says of one answer: its chunk tells of all."""


def _grouped(rows: Iterator[tables.Row], size: int) -> Iterator[list[tables.Row]]:
    while group := list(islice(rows, size)):
        yield group


def _announce(prompts: Path, pool: Pool) -> tuple[int, int]:
    """Count the planned answers, and those of them that need not be computed; one plan is held at a time."""
    planned = repeats = 0
    for wanted in map(pool.plan, tables.read(prompts, schemas.EXAMPLES)):
        planned, repeats = planned + len(wanted), repeats + saved(wanted)
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
    heard: Callable[[int], object] = _unheard,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the answers table for `examples`, in their order, and whether each prompt was `cut`.

    `heard` is called at each completion, with its tokens.
    """
    planned = {row["example_id"]: pool.plan(row) for row in examples}
    fitted = {row["example_id"]: tokenize(render(row, pool.template), pool.max_prompt_tokens) for row in examples}
    requests: dict[str, Request] = {}
    for example_id, fit in fitted.items():
        if fit is not None:
            for one in planned[example_id]:
                name = f"{example_id}|{one.computed_as}"
                requests.setdefault(name, _request(name, one, fit[0], pool.max_tokens))
    done = {}
    for completion in engine.generate(list(requests.values())):
        done[completion.answer_id] = completion
        heard(completion.tokens)
    for row in examples:
        fit = fitted[row["example_id"]]
        for one in planned[row["example_id"]]:
            name = f"{row['example_id']}|{one.computed_as}"
            said = done[name] if fit else Completion(name, "", 0, TOO_LONG, None)
            yield {**_row(row, one, pool.system, said), "cut": fit is not None and fit[1]}


def _request(name: str, planned: Planned, token_ids: Sequence[int], max_tokens: int) -> Request:
    setting = planned.setting
    return Request(name, tuple(token_ids), setting.temperature, setting.top_k, planned.seed, max_tokens)


def _row(example: tables.Row, planned: Planned, system: str, said: Completion) -> dict[str, Any]:
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
        "text": said.text,
        "tokens": said.tokens,
        "finish_reason": said.finish_reason,
        "mean_logprob": said.mean_logprob,
    }
