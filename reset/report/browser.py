"""What the page's answer browser reads: prompts with all answers, verdicts and choices, in small compressed blocks.

The page unpacks one block when a prompt of it is opened, and the index (one short row per prompt) at the start. Texts
travel as data, never as markup. Where a run has more than fits, prompts are drawn by a hash of their ids, so that those
left out are a fair sample, and `reset-lm show` tells of them.
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

BLOCK = 50  # prompts unpacked together
HEADING = 110  # characters of a prompt that the list shows and the search reads
AXES = ("task", "instruction", "faithfulness")


@dataclass(frozen=True)
class Shelf:
    """One table of prompts, the pools that answer it and the curated sets chosen from them."""

    name: str
    prompts: Path
    pools: Mapping[str, Path]  # name -> answers
    curated: Mapping[str, tuple[str, Path]]  # name -> the pool chosen from, the rows


@dataclass
class Content:
    """What goes into the page."""

    pools: list[str] = field(default_factory=list)
    index: list[list[Any]] = field(default_factory=list)  # see `_index_row`
    blocks: list[str] = field(default_factory=list)
    prompts: int = 0  # of the run; the index holds those that fit


def content(
    shelves: Sequence[Shelf], *, verdicts: Path, scores: Mapping[str, Mapping[str, str]], max_bytes: int
) -> Content:
    """Gather the shelves whose tables are there, at most `max_bytes` of blocks.

    `verdicts` is the folder of <pool>/<judge>.parquet, `scores` says which verdict speaks for which axis of a task.
    """
    found = Content()
    present = [shelf for shelf in shelves if shelf.prompts.is_file() and any(p.is_file() for p in shelf.pools.values())]
    for number, shelf in enumerate(present):
        used = sum(map(len, found.blocks))
        _fill(found, shelf, verdicts, scores, used + (max_bytes - used) // (len(present) - number))
    found.index.sort(key=lambda row: (row[1], row[2], _natural(row[0])))
    return found


def packed(content: Any) -> str:
    """JSON, gzip, base64: letters that mean nothing to HTML."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def _fill(
    found: Content, shelf: Shelf, verdicts: Path, scores: Mapping[str, Mapping[str, str]], max_bytes: int
) -> None:
    """Add the prompts of one shelf, until the blocks hold `max_bytes`."""
    pools = {name: path for name, path in shelf.pools.items() if path.is_file()}
    found.pools += [name for name in pools if name not in found.pools]
    prompts = sorted(tables.read(shelf.prompts, schemas.EXAMPLES), key=lambda row: _drawn(row["example_id"]))
    found.prompts += len(prompts)
    answers = {name: _by_example(path) for name, path in pools.items()}
    said = {name: _by_answer(verdicts, name) for name in pools}
    chosen = {
        name: (pool, {row["example_id"]: row for row in tables.read(path, schemas.CURATED) if not row["repeat"]})
        for name, (pool, path) in shelf.curated.items()
        if path.is_file()
    }
    size = sum(map(len, found.blocks))
    for start in range(0, len(prompts), BLOCK):
        block = [
            _record(example, {n: by.get(example["example_id"], []) for n, by in answers.items()}, said, chosen)
            for example in prompts[start : start + BLOCK]
        ]
        text = packed(block)
        size += len(text)
        if size > max_bytes and found.blocks:
            return
        for place, record in enumerate(block):
            faithful = scores.get(record["task"], {})
            axis = faithful.get("instruction") or faithful.get("faithfulness", "")
            found.index.append(_index_row(record, shelf.name, axis, found.pools, len(found.blocks), place))
        found.blocks.append(text)


def _index_row(record: Row, shelf: str, axis: str, pools: Sequence[str], block: int, place: int) -> list[Any]:
    """Id, shelf, data set, heading, where its record is, and per pool the mean score on the task's main axis."""
    means: dict[int, float] = {}
    for pool in pools:
        known = [
            said[2]
            for answer in record["answers"]
            if answer["pool"] == pool
            for said in answer["verdicts"]
            if said[1] == axis and said[2] is not None
        ]
        if known:
            means[pools.index(pool)] = round(sum(known) / len(known), 3)
    heading = " ".join((record["question"] or record["instruction"]).split())
    if record["task"] == "summarization":
        heading = " ".join(record["passages"])
    return [record["id"], shelf, record["dataset"], heading[:HEADING], block, place, means]


def _record(
    example: Row,
    answers: Mapping[str, Sequence[Row]],
    said: Mapping[str, Mapping[str, Sequence[Row]]],
    chosen: Mapping[str, tuple[str, Mapping[str, Row]]],
) -> Row:
    keys = ("dataset", "task", "instruction", "question", "passages", "references")
    picked = [
        {"curated": name, "pool": pool, "answer": row["answer_id"], **_why(row)}
        for name, (pool, rows) in chosen.items()
        if (row := rows.get(example["example_id"]))
    ]
    shown = [
        {
            **{key: answer[key] for key in ("setting", "sweep", "text", "tokens")},
            **{"pool": pool, "id": answer["answer_id"]},
            "verdicts": [
                [v["judge"], v["name"], v["score"] if v["score"] is None else round(v["score"], 3), v["reason"] or ""]
                for v in said[pool].get(answer["answer_id"], ())
            ],
            "sentences": _sentences(said[pool].get(answer["answer_id"], ())),
        }
        for pool, rows in answers.items()
        for answer in rows
    ]
    return {"id": example["example_id"], **{key: example[key] for key in keys}, "answers": shown, "picked": picked}


def _why(row: Row) -> Row:
    parts = {axis: row[f"{axis}_score"] for axis in AXES if row[f"{axis}_score"] is not None}
    return {"score": row["score"], "parts": parts, "margin": row["margin"], "candidates": row["candidates"]}


def _sentences(said: Iterable[Row]) -> list[list[Any]]:
    """Answer sentence, the source sentence that comes closest, and how far that one entails it."""
    details = [json.loads(verdict["detail"]) for verdict in said if verdict["detail"]]
    return [
        [one["sentence"], one["source"], round(one["entailment"], 3)]
        for detail in details
        for one in detail.get("sentences", ())
    ]


def _by_example(path: Path) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in tables.read(path, schemas.ANSWERS):
        found.setdefault(row["example_id"], []).append(row)
    return found


def _by_answer(folder: Path, pool: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for path in sorted((folder / pool).glob("*.parquet")):
        for row in _verdicts(path):
            found.setdefault(row["answer_id"], []).append(row)
    return found


def _verdicts(path: Path) -> Iterator[Row]:
    for row in tables.read(path, schemas.VERDICTS):
        yield {**row, "judge": path.stem}


def _drawn(example_id: str) -> bytes:
    return hashlib.blake2b(example_id.encode(), digest_size=8).digest()


def _natural(text: str) -> list[tuple[int, str]]:
    """A sort key that puts 5 before 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]
