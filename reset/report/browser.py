"""Data of the page's answer browser: prompts with all answers, verdicts and choices, in small compressed blocks.

The page unpacks the index (one short row per prompt) at the start, and a block when one of its prompts is opened. Texts
are embedded as data, never as markup. If a run does not fit, a hash of the ids decides which prompts are kept, so they
are a random sample; `reset-lm show` shows the others.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reset.files import schemas, tables
from reset.files.tables import Row
from reset.objectives import ByTask, Objectives, by_task
from reset.report import browser_index
from reset.report.choices import natural
from reset.report.labels import Labels
from reset.report.labels import read as read_labels
from reset.report.records import record

BLOCK = 50  # prompts per block


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
    objectives: list[str] = field(default_factory=list)  # those of the trade-off first
    curated: list[str] = field(default_factory=list)
    index: list[list[Any]] = field(default_factory=list)  # see `reset.report.browser_index`
    blocks: list[str] = field(default_factory=list)
    prompts: int = 0  # in the whole run; the index holds those that fit
    stand_ins: frozenset[str] = frozenset()  # verdicts of judges that stand in for a real one
    labels: Labels = field(default_factory=Labels)  # of people

    def about(self) -> dict[str, Any]:
        """Return what the page's list and filters need."""
        names = {"pools": self.pools, "objectives": self.objectives, "curated": self.curated}
        return {**names, "rows": self.index}


def content(
    shelves: Sequence[Shelf],
    *,
    verdicts: Path,
    objectives: Objectives,
    tradeoff: Sequence[str],
    max_bytes: int,
    stand_ins: Collection[str] = (),
    labels: Path | None = None,
) -> Content:
    """Read the shelves whose tables exist; the index keeps their order.

    The blocks take at most `max_bytes`: each shelf half of what those before it left, the last one all. `verdicts` is
    the folder of <pool>/<judge>.parquet. The objectives of the `tradeoff` come first. The verdicts in `stand_ins` are
    marked. `labels` is the folder of people's labels.
    """
    order = list(dict.fromkeys([*tradeoff, *objectives]))
    given = read_labels(labels) if labels else Labels()
    gathered = Content(objectives=order, stand_ins=frozenset(stand_ins), labels=given)
    speakers = by_task(objectives)
    present = [shelf for shelf in shelves if shelf.prompts.is_file() and any(p.is_file() for p in shelf.pools.values())]
    for number, shelf in enumerate(present):
        used = sum(map(len, gathered.blocks))
        _add_shelf(gathered, shelf, verdicts, speakers, used + (max_bytes - used) // min(2, len(present) - number))
    places = {shelf.name: number for number, shelf in enumerate(present)}
    gathered.index.sort(key=lambda row: (places[row[1]], row[2], natural(row[0])))
    return gathered


def packed(content: Any) -> str:
    """Return `content` as JSON, gzipped, in base64: characters that need no escaping in HTML."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def _add_shelf(gathered: Content, shelf: Shelf, verdicts: Path, speakers: ByTask, max_bytes: int) -> None:
    """Add the prompts of one shelf until all blocks together reach `max_bytes`."""
    pools = {name: path for name, path in shelf.pools.items() if path.is_file()}
    gathered.pools += [name for name in pools if name not in gathered.pools]
    gathered.curated += [name for name, (_, path) in shelf.curated.items() if path.is_file()]
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
            record(
                example,
                {n: by.get(example["example_id"], []) for n, by in answers.items()},
                by_answer,
                chosen,
                gathered.stand_ins,
                gathered.labels,
            )
            for example in prompts[start : start + BLOCK]
        ]
        text = packed(block)
        size += len(text)
        if size > max_bytes and gathered.blocks:
            return
        for place, one in enumerate(block):
            names = browser_index.Names(gathered.pools, gathered.objectives, gathered.curated)
            where = [shelf.name, len(gathered.blocks), place]
            gathered.index.append(browser_index.row(one, where, speakers.get(one["task"], {}), names))
        gathered.blocks.append(text)


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
