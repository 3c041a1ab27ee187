"""Sampling: one system's answers to a set of prompts under a grid of decode settings (paper 5.1).

Test prompts are answered in the same way, with a grid of one greedy setting. Answers with the same cache key are
computed once per prompt, and those that the store has are not computed. With `Pool.until`, a prompt that has enough
answers after a sweep is not sampled further; the answers that it has are those of the full pool. Finished chunks of
prompts are kept, so that a killed run resumes and ends with the same rows.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
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
from reset.runs.store import Store
from reset.sampling.decode_settings import Planned, saved
from reset.sampling.enough import Stops
from reset.sampling.gold import CountTokens
from reset.sampling.pieces import TOO_LONG, Piece, Pool, Wanted, name_of

log = logging.getLogger(__name__)

Tokenize = Callable[[Prompt, int], tuple[list[int], bool] | None]  # prompt, max tokens -> ids, cut; None if too long
CHUNK_SCHEMA = schemas.ANSWERS.append(pa.field("cut", pa.bool_(), nullable=False))  # was the prompt's context cut?


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
    store: Store | None = None,
    count_tokens: CountTokens | None = None,
) -> tuple[Account, dict[str, Any]]:
    """Answer every row of `prompts` and write the answers to `into`; `load` is called only if an answer is missing.

    `store` holds answers by prompt, setting and seed; its mark holds all else that decides them. `count_tokens` counts
    the tokens of a reference, if the pool has these.

    Returns the account of answers (sampled, written, failed by reason) and their figures. Raises `ResetError` if more
    than the fraction `max_failed` of the answers failed.
    """
    planned = _count_planned(prompts, pool)
    batches = _batched(tables.read(prompts, schemas.EXAMPLES), chunk_prompts)
    pieces = ((number, Piece(examples, pool, store, count_tokens)) for number, examples in enumerate(batches))
    counts, stops, number_of_chunks = Counts(), _stops(prompts, pool), 0
    with Progress(f"sample {into.stem}", planned) as progress:
        on_completion = progress.add if spread is here else _ignore
        build = partial(_completer, pool, load, on_completion)
        for number, resumed in chunks.fill(CHUNK_SCHEMA, pieces, build, spread):
            counts.add(sampled := counts.sampled(chunks.assemble(CHUNK_SCHEMA, [number])))
            if stops:
                stops.add(sampled)
            progress.reach(counts.answers, counts.tokens, found=resumed)
            counts.check(into.stem, planned, max_failed)
            number_of_chunks += 1
    counts.check(into.stem, counts.answers, max_failed)
    tables.write(into, schemas.ANSWERS, chunks.assemble(schemas.ANSWERS, range(number_of_chunks)))
    return counts.account, {**counts.figures(), **({"until": stops.figures(planned)} if stops else {})}


def _stops(prompts: Path, pool: Pool) -> Stops | None:
    """Return what counts the prompts that have enough; None if every sweep is sampled."""
    if pool.until is None:
        return None
    return Stops(pool.until, {row["example_id"]: row for row in tables.read(prompts, schemas.EXAMPLES)})


def _completer(
    pool: Pool, load: Callable[[], tuple[Engine, Tokenize]], on_completion: Callable[[int], object]
) -> Callable[[Sequence[Wanted]], Iterator[tables.Row]]:
    """Load the engine and return the function that computes what is missing of a chunk."""
    engine, tokenize = load()
    return partial(complete, pool=pool, engine=engine, tokenize=tokenize, on_completion=on_completion)


def _ignore(tokens: int) -> None:
    """Report no single answer, as on remote workers: there progress is counted by chunk."""


def _batched(rows: Iterator[tables.Row], size: int) -> Iterator[list[tables.Row]]:
    while batch := list(islice(rows, size)):
        yield batch


def _count_planned(prompts: Path, pool: Pool) -> int:
    """Count the planned answers, one prompt's plan at a time; warn of those that need not be computed."""
    planned = repeats = 0
    for plan_of_prompt in map(pool.plan, tables.read(prompts, schemas.EXAMPLES)):
        planned, repeats = planned + len(plan_of_prompt), repeats + saved(plan_of_prompt)
    if not planned:
        raise ResetError(f"{prompts}: no prompts")
    if repeats:
        log.warning("%d of %d answers repeat the greedy answer to their prompt: computed once", repeats, planned)
    return planned


def answer(examples: Sequence[tables.Row], pool: Pool, engine: Engine, tokenize: Tokenize) -> Iterator[dict[str, Any]]:
    """Yield rows of the answers table for `examples`, in their order, with a column `cut`: was the prompt cut?"""
    piece = Piece(examples, pool)
    yield from piece.rows(complete(piece.rest, pool, engine, tokenize))


def complete(
    wanted: Sequence[Wanted],
    pool: Pool,
    engine: Engine,
    tokenize: Tokenize,
    *,
    on_completion: Callable[[int], object] = _ignore,
) -> Iterator[tables.Row]:
    """Yield the columns that an engine fills, of each answer in `wanted` that is needed, with its name; in any order.

    `on_completion` is called after each completion with its number of tokens.
    """
    computed: dict[str, tables.Row] = {}
    before = -1
    while len(computed) > before:  # an engine that answers nothing more is not asked again
        before = len(computed)
        missing = [(one.example, own) for one in wanted if (own := one.missing(pool, computed))]
        for row in _compute(missing, pool, engine, tokenize, on_completion) if missing else ():
            computed[row["name"]] = row
            yield row


def _compute(
    wanted: Sequence[tuple[tables.Row, Sequence[Planned]]],
    pool: Pool,
    engine: Engine,
    tokenize: Tokenize,
    on_completion: Callable[[int], object],
) -> Iterator[tables.Row]:
    """Yield what an engine answers to each prompt under the settings planned for it."""
    requests: dict[str, Request] = {}
    cuts = {}
    for row, planned in wanted:
        fit = tokenize(render(row, pool.template), pool.max_prompt_tokens)
        names: dict[str, Planned] = {}
        for one in planned:
            names.setdefault(name_of(row["example_id"], one), one)
        cuts.update(dict.fromkeys(names, fit is not None and fit[1]))
        if fit is None:
            yield from (_completion_row(Completion(name, "", 0, TOO_LONG, None), cut=False) for name in names)
        else:
            requests |= {name: _request(name, one, fit[0], pool.max_tokens) for name, one in names.items()}
    for completion in engine.generate(list(requests.values())):
        on_completion(completion.tokens)
        yield _completion_row(completion, cut=cuts[completion.answer_id])


def _completion_row(completion: Completion, *, cut: bool) -> tables.Row:
    row = asdict(completion)
    return {"name": row.pop("answer_id"), **row, "cut": cut}


def _request(key: str, planned: Planned, token_ids: Sequence[int], max_tokens: int) -> Request:
    setting = planned.setting
    return Request(key, tuple(token_ids), setting.temperature, setting.top_k, planned.seed, max_tokens)
