"""Sampling: one system's answers to a set of prompts under a grid of decode settings (paper 5.1).

Answering test prompts is the same operation with a grid of one greedy setting. Settings that must give the same text
are computed once per prompt. Finished chunks of prompts are kept, so that a killed run goes on and ends with the same
rows.
"""

import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from reset import tables
from reset.accounts import Account
from reset.chunks import Chunks
from reset.decoding import Arms, Planned, plan, saved
from reset.engines import Completion, Engine, Request
from reset.errors import ResetError
from reset.prompts import Prompt, render

log = logging.getLogger(__name__)

TOO_LONG = "error: prompt too long"
Tokenize = Callable[[Prompt, int], tuple[list[int], bool] | None]
KEPT = tables.ANSWERS.append(pa.field("cut", pa.bool_(), nullable=False))  # whether the prompt's context was cut


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


@dataclass
class _Tally:
    """What is counted of the answers."""

    account: Account = field(default_factory=Account)
    finished: Counter[str] = field(default_factory=Counter)
    prompts: Counter[str] = field(default_factory=Counter)  # answered, by task
    texts: Counter[str] = field(default_factory=Counter)  # distinct per prompt, by task
    tokens: int = 0
    cut: int = 0

    def add(self, rows: Sequence[tables.Row]) -> None:
        """Count rows; all answers to one prompt come together."""
        for row in rows:
            if row["finish_reason"].startswith("error"):
                self.account.leave(row["finish_reason"])
            else:
                self.account.keep()
                self.finished[row["finish_reason"]] += 1
                self.tokens += row["tokens"]
        answered = [row for row in rows if not row["finish_reason"].startswith("error")]
        self.prompts.update(dict({row["example_id"]: row["task"] for row in answered}).values())
        self.texts.update(task for task, *_ in {(row["task"], row["example_id"], row["text"]) for row in answered})
        self.cut += len({row["example_id"] for row in rows if row["cut"]})

    def check(self, name: str, planned: int, max_failed: float) -> None:
        """Stop when more than the share `max_failed` of all planned answers failed."""
        failed = sum(self.account.set_aside.values())
        if failed > max_failed * planned:
            often = self.account.set_aside.most_common(1)[0][0]
            raise ResetError(
                f"{name}: {failed} of {planned} answers failed so far, more than sample.max_failed "
                f"({max_failed:g}) of them; most often: {often}"
            )

    def figures(self) -> dict[str, Any]:
        """Return what goes into a metrics file beside the account."""
        distinct = {task: self.texts[task] / count for task, count in sorted(self.prompts.items())}
        finished = dict(sorted(self.finished.items()))
        return {"tokens": self.tokens, "finished": finished, "cut_prompts": self.cut, "distinct_per_prompt": distinct}


def sample(
    prompts: Path,
    into: Path,
    pool: Pool,
    *,
    load: Callable[[], tuple[Engine, Tokenize]],
    chunks: Chunks,
    chunk_prompts: int,
    max_failed: float,
) -> tuple[Account, dict[str, Any]]:
    """Answer every row of `prompts` and write the answers table to `into`; `load` is called only if work is left.

    The account is of answers: planned, written, failed by reason. Raises `ResetError` above the share `max_failed`.
    """
    planned, repeats = _announce(prompts, pool)
    tally, loaded, number = _Tally(), None, 0
    with tqdm(total=planned, unit=" answers", desc=f"sample {into.stem}", disable=not sys.stderr.isatty()) as bar:
        for number, examples in enumerate(_grouped(tables.read(prompts, tables.EXAMPLES), chunk_prompts)):
            if not chunks.has(number):
                loaded = loaded or load()
                chunks.write(number, KEPT, answer(examples, pool, *loaded, heard=bar.update))
            elif not bar.disable:  # a bar that is not shown has no `initial`
                bar.initial += sum(len(pool.plan(row)) for row in examples)  # no part of the rate
            tally.add(list(chunks.assemble(KEPT, [number])))
            bar.update(tally.account.rows_in - bar.n)
            log.info("sample %s: %d of %d answers", into.stem, tally.account.rows_in, planned)
            tally.check(into.stem, planned, max_failed)
    tables.write(into, tables.ANSWERS, chunks.assemble(tables.ANSWERS, range(number + 1)))
    return tally.account, {**tally.figures(), "saved_answers": repeats}


def _grouped(rows: Iterator[tables.Row], size: int) -> Iterator[list[tables.Row]]:
    while group := list(islice(rows, size)):
        yield group


def _announce(prompts: Path, pool: Pool) -> tuple[int, int]:
    """Count the planned answers, and those of them that need not be computed."""
    plans = [pool.plan(row) for row in tables.read(prompts, tables.EXAMPLES)]
    planned, repeats = sum(map(len, plans)), sum(map(saved, plans))
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
    heard: Callable[[], object] = lambda: None,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the answers table for `examples`, in their order, and whether each prompt was `cut`.

    `heard` is called at each completion.
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
        heard()
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
