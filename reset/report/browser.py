"""Data of the page's answer browser: prompts with all answers, verdicts and choices, in small compressed blocks.

The page unpacks the index (one short row per prompt) at the start, and a block when one of its prompts is opened. Texts
are embedded as data, never as markup. If a run does not fit, a hash of the ids decides which prompts are kept, so they
are a random sample; `reset-lm show` shows the others.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reset.files import schemas, tables
from reset.files.tables import Row

BLOCK = 50  # prompts per block
HEADING = 110  # characters of a prompt shown in the list and searched
AXES = ("task", "instruction", "faithfulness")


@dataclass(frozen=True)
class Shelf:
    """A table of prompts, the pools that answer them and the curated sets chosen from those pools."""

    name: str
    prompts: Path
    pools: Mapping[str, Path]  # name -> answers
    curated: Mapping[str, tuple[str, Path]]  # name -> (pool, path of the rows)


@dataclass
class Content:
    """The data embedded in the page."""

    pools: list[str] = field(default_factory=list)
    index: list[list[Any]] = field(default_factory=list)  # see `_index_row`
    blocks: list[str] = field(default_factory=list)
    prompts: int = 0  # in the whole run; the index holds those that fit


def content(
    shelves: Sequence[Shelf], *, verdicts: Path, scores: Mapping[str, Mapping[str, str]], max_bytes: int
) -> Content:
    """Read the shelves whose tables exist; the blocks take at most `max_bytes`.

    `verdicts` is the folder of <pool>/<judge>.parquet, `scores` maps task -> axis -> verdict name.
    """
    gathered = Content()
    present = [shelf for shelf in shelves if shelf.prompts.is_file() and any(p.is_file() for p in shelf.pools.values())]
    for number, shelf in enumerate(present):
        used = sum(map(len, gathered.blocks))
        _add_shelf(gathered, shelf, verdicts, scores, used + (max_bytes - used) // (len(present) - number))
    gathered.index.sort(key=lambda row: (row[1], row[2], _natural(row[0])))
    return gathered


def packed(content: Any) -> str:
    """Return `content` as JSON, gzipped, in base64: characters that need no escaping in HTML."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def _add_shelf(
    gathered: Content, shelf: Shelf, verdicts: Path, scores: Mapping[str, Mapping[str, str]], max_bytes: int
) -> None:
    """Add the prompts of one shelf until all blocks together reach `max_bytes`."""
    pools = {name: path for name, path in shelf.pools.items() if path.is_file()}
    gathered.pools += [name for name in pools if name not in gathered.pools]
    prompts = sorted(tables.read(shelf.prompts, schemas.EXAMPLES), key=lambda row: _hash(row["example_id"]))
    gathered.prompts += len(prompts)
    answers = {name: _answers_by_example(path) for name, path in pools.items()}
    by_answer = {name: _verdicts_by_answer(verdicts, name) for name in pools}
    chosen = {
        name: (pool, {row["example_id"]: row for row in tables.read(path, schemas.CURATED) if not row["repeat"]})
        for name, (pool, path) in shelf.curated.items()
        if path.is_file()
    }
    size = sum(map(len, gathered.blocks))
    for start in range(0, len(prompts), BLOCK):
        block = [
            _record(example, {n: by.get(example["example_id"], []) for n, by in answers.items()}, by_answer, chosen)
            for example in prompts[start : start + BLOCK]
        ]
        text = packed(block)
        size += len(text)
        if size > max_bytes and gathered.blocks:
            return
        for place, record in enumerate(block):
            axes = scores.get(record["task"], {})
            verdict = axes.get("instruction") or axes.get("faithfulness", "")
            gathered.index.append(_index_row(record, shelf.name, verdict, gathered.pools, len(gathered.blocks), place))
        gathered.blocks.append(text)


def _index_row(record: Row, shelf: str, verdict: str, pools: Sequence[str], block: int, place: int) -> list[Any]:
    """Id, shelf, data set, heading, block and place in it, and the mean score of `verdict` by pool number."""
    means: dict[int, float] = {}
    for pool in pools:
        scores = [
            score
            for answer in record["answers"]
            if answer["pool"] == pool
            for _, name, score, _ in answer["verdicts"]
            if name == verdict and score is not None
        ]
        if scores:
            means[pools.index(pool)] = round(sum(scores) / len(scores), 3)
    heading = " ".join((record["question"] or record["instruction"]).split())
    if record["task"] == "summarization":
        heading = " ".join(record["passages"])
    return [record["id"], shelf, record["dataset"], heading[:HEADING], block, place, means]


def _record(
    example: Row,
    answers: Mapping[str, Sequence[Row]],
    by_answer: Mapping[str, Mapping[str, Sequence[Row]]],
    chosen: Mapping[str, tuple[str, Mapping[str, Row]]],
) -> Row:
    """One prompt with its answers of every pool, their verdicts, and the curated sets that picked one of them."""
    keys = ("dataset", "task", "instruction", "question", "passages", "references")
    picked = [
        {"curated": name, "pool": pool, "answer": row["answer_id"], **_score_parts(row)}
        for name, (pool, rows) in chosen.items()
        if (row := rows.get(example["example_id"]))
    ]
    shown = [
        {
            **{key: answer[key] for key in ("setting", "sweep", "text", "tokens")},
            **{"pool": pool, "id": answer["answer_id"]},
            "verdicts": [
                [v["judge"], v["name"], v["score"] if v["score"] is None else round(v["score"], 3), v["reason"] or ""]
                for v in by_answer[pool].get(answer["answer_id"], ())
            ],
            "sentences": _sentences(by_answer[pool].get(answer["answer_id"], ())),
        }
        for pool, rows in answers.items()
        for answer in rows
    ]
    return {"id": example["example_id"], **{key: example[key] for key in keys}, "answers": shown, "picked": picked}


def _score_parts(row: Row) -> Row:
    parts = {axis: row[f"{axis}_score"] for axis in AXES if row[f"{axis}_score"] is not None}
    return {"score": row["score"], "parts": parts, "margin": row["margin"], "candidates": row["candidates"]}


def _sentences(verdicts: Iterable[Row]) -> list[list[Any]]:
    """Each answer sentence, the source sentence that best entails it, and that entailment in [0, 1]."""
    details = [json.loads(verdict["detail"]) for verdict in verdicts if verdict["detail"]]
    return [
        [pair["sentence"], pair["source"], round(pair["entailment"], 3)]
        for detail in details
        for pair in detail.get("sentences", ())
    ]


def _answers_by_example(path: Path) -> dict[str, list[Row]]:
    by_example: dict[str, list[Row]] = {}
    for row in tables.read(path, schemas.ANSWERS):
        by_example.setdefault(row["example_id"], []).append(row)
    return by_example


def _verdicts_by_answer(folder: Path, pool: str) -> dict[str, list[Row]]:
    by_answer: dict[str, list[Row]] = {}
    for path in sorted((folder / pool).glob("*.parquet")):
        for row in _verdicts(path):
            by_answer.setdefault(row["answer_id"], []).append(row)
    return by_answer


def _verdicts(path: Path) -> Iterator[Row]:
    for row in tables.read(path, schemas.VERDICTS):
        yield {**row, "judge": path.stem}


def _hash(example_id: str) -> bytes:
    return hashlib.blake2b(example_id.encode(), digest_size=8).digest()


def _natural(text: str) -> list[tuple[int, str]]:
    """Sort key for natural order: 5 before 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]
