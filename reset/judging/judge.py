"""Judge the answers of a pool and write the verdicts.

All answers to an example are judged together, and equal texts among them once. What the store has verdicts on is not
judged. Finished chunks of about `chunk_answers` answers are kept, so that a killed run resumes where it stopped.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from reset.errors import ResetError, shown
from reset.files import schemas, tables
from reset.files.hashing import file_hash, fingerprint
from reset.files.row_accounts import Account
from reset.judges import Answer, Judge, Paid, Read, Verdict
from reset.judging.asked import FAILED, Asked
from reset.judging.pieces import Piece
from reset.runs.chunks import Chunks
from reset.runs.cluster import Spread, here
from reset.runs.progress import Progress
from reset.runs.store import Store
from reset.runs.verdict_counts import Tally

CHUNK_SCHEMA = schemas.VERDICTS.append(pa.field("task", pa.string(), nullable=False))


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
    read: Read | None = None,
    store: Store | None = None,
) -> tuple[Account, dict[str, Any]]:
    """Write the verdicts of `by` on `answers` to `into`; return the account and the figures of each verdict name.

    An answer that the engine failed on is not judged. It gets null verdicts, under the same names as the other answers
    of its task. An answer whose verdicts nothing reads (`read`; None: all are read) is set
    aside, and so is one to an unanswerable prompt, unless the judge is for those, too. `store` holds verdicts by what a
    judge is shown; its mark holds the judge's identity.

    Raises `ResetError` for an answer to an unknown example, and when more than the fraction `max_null` of a
    name's verdicts are null.
    """
    asked = Asked.of(by, read, prompts)
    account, sizes, failed = _count_answers(answers, asked)
    examples = _answered_examples(prompts, sizes, answers)
    plan = _assign_chunks(sizes, chunk_answers)
    hashes = {"answers": file_hash(answers), "prompts": file_hash(prompts)}
    chunks = Chunks(chunks_folder, fingerprint(**hashes, chunk_answers=chunk_answers, **fingerprint_parts))
    tally, number_of_chunks = Tally(expected=getattr(by, "expected_nulls", frozenset())), 0
    gathered = _gather_chunks(_answers_to_judge(answers, asked), sizes, plan)
    pieces = ((number, Piece([_as_answer(row, examples) for row in rows], store)) for number, rows in gathered)
    with Progress(f"judge {name}", account.rows_out) as progress:
        for number, resumed in chunks.fill(CHUNK_SCHEMA, pieces, partial(_make_chunk_judge, by), spread):
            progress.reach(tally.add(chunks.assemble(CHUNK_SCHEMA, [number])), found=resumed)
            tally.check(name, max_null, account.rows_out)
            number_of_chunks += 1
    tally.check(name, max_null)
    _write_verdicts(into, chunks.assemble(CHUNK_SCHEMA, range(number_of_chunks)), failed)
    chunks.discard_others()
    chunks.clear()
    return account, tally.summary()


def _make_chunk_judge(by: Judge) -> Callable[[Sequence[Answer]], Iterator[tables.Row]]:
    """Return the function that judges what is missing of a chunk."""
    return partial(_judge_chunk, by)


def _write_verdicts(into: Path, verdicts: Iterable[tables.Row], failed: Iterable[tables.Row]) -> None:
    """Write `verdicts`, and for each failed answer a null under every verdict name of its task."""
    names: dict[str, dict[str, None]] = {}
    with tables.Writer(into, schemas.VERDICTS) as writer:
        for row in verdicts:
            names.setdefault(row.pop("task"), {})[row["name"]] = None
            writer.write(row)
        for row in failed:
            for name in names.get(row["task"], ()):
                writer.write(_verdict_row(Verdict(row["answer_id"], name, None, row["finish_reason"])))


def preflight(answers: Path, prompts: Path, by: Paid, *, pool: str, read: Read | None = None) -> str:
    """Return one line with requests, tokens and cost of judging `pool`, and what is not asked; sends nothing yet."""
    asked = Asked.of(by, read, prompts)
    _, sizes, _ = _count_answers(answers, asked)
    examples = _answered_examples(prompts, sizes, answers)
    rows = _answers_to_judge(answers, asked)
    line = by.prepare((_as_answer(row, examples)[1] for row in rows), pool, read)
    return f"{line}{_unread(answers, asked)}"


def _unread(path: Path, asked: Asked) -> str:
    """Say of how many answers to judge each verdict is not asked for, because nothing reads it; empty if all are."""
    read = asked.read
    if read is None:
        return ""
    rows = _answers_to_judge(path, replace(asked, read=None))
    places = Counter((row["sweep"], row["setting"] == schemas.GOLD) for row in rows)
    unread = {name: sum(n for at, n in places.items() if not read.wants(name, *at)) for name in read.sweeps}
    parts = [f"{name} of {count:,} answers" for name, count in unread.items() if count]
    parts = parts if read.sweeps or not places else [f"{places.total():,} answers"]
    return f"; not asked, because no row of `curated` or `evaluate` reads it: {', '.join(parts)}" if parts else ""


def _count_answers(path: Path, asked: Asked) -> tuple[Account, Counter[str], list[tables.Row]]:
    """Count the answers to judge per example, and collect those that the engine failed on."""
    account, sizes, failed = Account(), Counter[str](), []
    for row in tables.read(path, schemas.ANSWERS):
        reason = asked.why_not(row)
        if reason is None:
            account.keep(by=schemas.GOLD if row["setting"] == schemas.GOLD else "")
            sizes[row["example_id"]] += 1
        else:
            account.leave(reason)
            failed += [row] if reason == FAILED else []
    return account, sizes, failed


def _answers_to_judge(path: Path, asked: Asked) -> Iterator[tables.Row]:
    return (row for row in tables.read(path, schemas.ANSWERS) if asked.why_not(row) is None)


def _assign_chunks(sizes: Mapping[str, int], chunk_answers: int) -> dict[str, int]:
    """Map examples to chunks: whole examples in their order, up to `chunk_answers` answers per chunk."""
    plan, index, filled = {}, 0, 0
    for example_id, size in sizes.items():
        if filled and filled + size > chunk_answers:
            index, filled = index + 1, 0
        plan[example_id] = index
        filled += size
    return plan


def _gather_chunks(
    rows: Iterable[tables.Row], sizes: Mapping[str, int], plan: Mapping[str, int]
) -> Iterator[tuple[int, list[tables.Row]]]:
    """Gather rows into chunks; each is yielded as soon as its last row has been read."""
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


def _answered_examples(prompts: Path, sizes: Mapping[str, int], answers: Path) -> dict[str, tables.Row]:
    """Read the examples that have answers, by id."""
    examples = {row["example_id"]: row for row in tables.read(prompts, schemas.EXAMPLES) if row["example_id"] in sizes}
    if unknown := [example_id for example_id in sizes if example_id not in examples]:
        raise ResetError(f"{answers}: an answer is to example '{unknown[0]}', which is not in {prompts}")
    return examples


def _as_answer(row: tables.Row, examples: Mapping[str, tables.Row]) -> tuple[str, Answer]:
    """Return the id of the example and the answer as judges see it."""
    example = examples[row["example_id"]]
    fields = {key: example[key] for key in ("task", "split", "instruction", "question", "passages", "references")}
    checks = json.loads(example["checks"]) if example["checks"] else None
    place = {"sweep": row["sweep"], "example_id": row["example_id"], "gold": row["setting"] == schemas.GOLD}
    return row["example_id"], Answer(row["answer_id"], row["text"], **fields, checks=checks, **place)


def _judge_chunk(judge: Judge, answers: Sequence[Answer]) -> Iterator[tables.Row]:
    """Judge answers that differ."""
    for verdict in judge.verdicts(answers):
        if verdict.score is not None and not 0 <= verdict.score <= 1:
            raise ResetError(f"a judge's verdict is outside [0, 1]: {shown(verdict)}")
        yield _verdict_row(verdict)


def _verdict_row(verdict: Verdict) -> tables.Row:
    detail = None if verdict.detail is None else json.dumps(verdict.detail, ensure_ascii=False, sort_keys=True)
    return {**asdict(verdict), "detail": detail}
