"""Put a pool's answers before a judge, and keep what it says as verdicts.

All answers to one example go before the judge together, and equal texts among them once. Chunks of about
`chunk_answers` answers are kept as they are finished, so that a run that was killed goes on where it stopped.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.hashing import file_hash, fingerprint
from reset.files.row_accounts import Account
from reset.judges import Answer, Judge, Paid, Verdict
from reset.runs.chunks import Chunks
from reset.runs.cluster import Spread, here
from reset.runs.progress import Progress
from reset.runs.verdict_counts import Tally

NOT_ASKED, FAILED = "not for this judge", "no answer to judge"
KEPT = schemas.VERDICTS.append(pa.field("task", pa.string(), nullable=False))


def judge(
    answers: Path,
    prompts: Path,
    by: Judge,
    into: Path,
    *,
    name: str,
    chunks_folder: Path,
    chunk_answers: int,
    max_null: float,
    fingerprint_parts: Mapping[str, Any],
    spread: Spread = here,
) -> tuple[Account, dict[str, Any]]:
    """Write the verdicts of `by` on `answers` to `into`; return the account and the figures of each verdict name.

    An answer that the engine failed on is not put before the judge: it gets a null of every name that its task's
    answers get. Raises `ResetError` for an answer to an unknown example, and when more than `max_null` of a name's
    verdicts are null.
    """
    account, sizes, failed = _sort_out(answers, by.tasks)
    examples = _examples(prompts, sizes, answers)
    plan = _plan(sizes, chunk_answers)
    hashes = {"answers": file_hash(answers), "prompts": file_hash(prompts)}
    store = Chunks(chunks_folder, fingerprint(**hashes, chunk_answers=chunk_answers, **fingerprint_parts))
    tally, chunks_there = Tally(), 0
    pieces = _pieces(_chunks(_asked(answers, by.tasks), sizes, plan), examples)
    with Progress(f"judge {name}", account.rows_out) as progress:
        for number, found in store.fill(KEPT, pieces, partial(_judging, by), spread):
            progress.reach(tally.add(store.assemble(KEPT, [number])), found=found)
            tally.check(name, max_null, account.rows_out)
            chunks_there += 1
    tally.check(name, max_null)
    _write(into, store.assemble(KEPT, range(chunks_there)), failed)
    store.discard_others()
    store.clear()
    return account, tally.summary()


def _judging(by: Judge) -> Callable[[Sequence[tuple[str, Answer]]], Iterator[tables.Row]]:
    return partial(_judged, by)


def _write(into: Path, verdicts: Iterable[tables.Row], failed: Iterable[tables.Row]) -> None:
    """Write `verdicts`, and for each failed answer a null of every name that its task's answers have."""
    names: dict[str, dict[str, None]] = {}
    with tables.Writer(into, schemas.VERDICTS) as writer:
        for row in verdicts:
            names.setdefault(row.pop("task"), {})[row["name"]] = None
            writer.write(row)
        for row in failed:
            for name in names.get(row["task"], ()):
                writer.write(_row(Verdict(row["answer_id"], name, None, row["finish_reason"])))


def preflight(answers: Path, prompts: Path, by: Paid, *, pool: str) -> str:
    """Say in one line what `by` will take for the answers of `pool`; nothing is asked yet."""
    _, sizes, _ = _sort_out(answers, by.tasks)
    examples = _examples(prompts, sizes, answers)
    return by.prepare((_answer(row, examples)[1] for row in _asked(answers, by.tasks)), pool)


def _sort_out(path: Path, tasks: frozenset[str]) -> tuple[Account, Counter[str], list[tables.Row]]:
    """Count the answers to ask about per example, and find those that the engine failed on."""
    account, sizes, failed = Account(), Counter[str](), []
    for row in tables.read(path, schemas.ANSWERS):
        if row["task"] not in tasks:
            account.leave(NOT_ASKED)
        elif row["finish_reason"].startswith("error"):
            account.leave(FAILED)
            failed.append(row)
        else:
            account.keep()
            sizes[row["example_id"]] += 1
    return account, sizes, failed


def _asked(path: Path, tasks: frozenset[str]) -> Iterator[tables.Row]:
    for row in tables.read(path, schemas.ANSWERS):
        if row["task"] in tasks and not row["finish_reason"].startswith("error"):
            yield row


def _plan(sizes: Mapping[str, int], chunk_answers: int) -> dict[str, int]:
    """Give each example its chunk: whole examples in the order they come, up to `chunk_answers` answers a chunk."""
    plan, index, filled = {}, 0, 0
    for example_id, size in sizes.items():
        if filled and filled + size > chunk_answers:
            index, filled = index + 1, 0
        plan[example_id] = index
        filled += size
    return plan


def _chunks(
    rows: Iterable[tables.Row], sizes: Mapping[str, int], plan: Mapping[str, int]
) -> Iterator[tuple[int, list[tables.Row]]]:
    """Gather rows into chunks, each given out as soon as its last row has come."""
    missing: Counter[int] = Counter()
    for example_id, index in plan.items():
        missing[index] += sizes[example_id]
    open_chunks: dict[int, list[tables.Row]] = {}
    for row in rows:
        index = plan[row["example_id"]]
        open_chunks.setdefault(index, []).append(row)
        missing[index] -= 1
        if not missing[index]:
            yield index, open_chunks.pop(index)


def _pieces(
    chunks: Iterable[tuple[int, list[tables.Row]]], examples: Mapping[str, tables.Row]
) -> Iterator[tuple[int, list[tuple[str, Answer]]]]:
    for number, rows in chunks:
        yield number, [_answer(row, examples) for row in rows]


def _examples(prompts: Path, sizes: Mapping[str, int], answers: Path) -> dict[str, tables.Row]:
    """Read the examples that were answered, by id."""
    found = {row["example_id"]: row for row in tables.read(prompts, schemas.EXAMPLES) if row["example_id"] in sizes}
    if strangers := [example_id for example_id in sizes if example_id not in found]:
        raise ResetError(f"{answers}: answers example '{strangers[0]}', which {prompts} does not hold")
    return found


def _answer(row: tables.Row, examples: Mapping[str, tables.Row]) -> tuple[str, Answer]:
    """Make of an answer what a judge sees, with the id of its example."""
    example = examples[row["example_id"]]
    seen = {key: example[key] for key in ("task", "split", "instruction", "question", "passages", "references")}
    checks = json.loads(example["checks"]) if example["checks"] else None
    return row["example_id"], Answer(row["answer_id"], row["text"], **seen, checks=checks)


def _judged(judge: Judge, answers: Sequence[tuple[str, Answer]]) -> Iterator[tables.Row]:
    """Ask about each distinct (example, text) once; every answer of that text gets what was said."""
    copies: dict[tuple[str, str], list[Answer]] = {}
    for example_id, answer in answers:
        copies.setdefault((example_id, answer.text), []).append(answer)
    alike = {same[0].answer_id: same for same in copies.values()}
    silent = set(alike)
    for verdict in judge.verdicts([same[0] for same in alike.values()]):
        if verdict.score is not None and not 0 <= verdict.score <= 1:
            raise ValueError(f"{verdict} is outside [0, 1]")
        silent.discard(verdict.answer_id)
        for answer in alike[verdict.answer_id]:
            yield {**_row(replace(verdict, answer_id=answer.answer_id)), "task": answer.task}
    if silent:
        raise ValueError(f"no verdict on answer '{min(silent)}'")


def _row(verdict: Verdict) -> tables.Row:
    detail = None if verdict.detail is None else json.dumps(verdict.detail, ensure_ascii=False, sort_keys=True)
    return {**asdict(verdict), "detail": detail}
