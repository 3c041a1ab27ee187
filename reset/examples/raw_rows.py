"""Raw lines to rows of the examples table: the part of preparation in which no row needs another, done on all cores."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from xxhash import xxh3_64_intdigest

from reset.errors import ResetError
from reset.examples import formats
from reset.examples.content_hashes import content
from reset.examples.split_draw import drawn
from reset.files import schemas, tables
from reset.sources import Example, Record, SetAside, Source

BROKEN = "broken record"
_SPLIT_OF_FILE = {f"{split}.jsonl": split for split in schemas.SPLITS}
NOT_TEXT = ("broken Unicode", "NUL character")


@dataclass(frozen=True)
class Span:
    """Whole lines of a file: bytes [start, end)."""

    path: Path
    start: int
    end: int


@dataclass(frozen=True)
class Aside:
    """A record left out: its line, counted from the span's first as 0, why, and what a broken one lacks."""

    line: int
    reason: str
    detail: str = ""


@dataclass
class Batch:
    """What became of a span: rows with their lines and two hashes each (of content and id), and records left out."""

    lines: int
    rows: pa.Table
    at: list[int]
    contents: np.ndarray  # (rows,) uint64
    ids: np.ndarray  # (rows,) uint64
    aside: list[Aside]


@dataclass
class _Filling:
    columns: dict[str, list[object]] = field(default_factory=lambda: {name: [] for name in schemas.EXAMPLES.names})
    at: list[int] = field(default_factory=list)
    contents: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)

    def keep(self, row: tables.Row, line: int) -> None:
        for name, column in self.columns.items():
            column.append(row[name])
        self.at.append(line)
        self.contents.append(content(row))
        self.ids.append(xxh3_64_intdigest(row["example_id"].encode()))


@dataclass(frozen=True)
class Maker:
    """Makes rows of one data set's records; goes to every process."""

    source: Source
    dataset: str
    shares: Mapping[str, float] | None
    max_chars: int

    def rows(self, span: Span) -> Batch:
        """Read a span and return its rows. Raises `ResetError` where records have no split and `shares` is not set."""
        with span.path.open("rb") as stream:
            stream.seek(span.start)
            lines = stream.read(span.end - span.start).split(b"\n")
        if not lines[-1]:  # behind the last line's break
            lines.pop()
        filling = _Filling()
        where: list[int] = []  # lines of the records that the source has taken and not answered
        answered = 0
        for outcome in outcomes(self.source, _records(lines, where, filling)):
            if answered == len(where):
                raise ResetError(f"{span.path}: the source gave more outcomes than records")
            self._take(outcome, where[answered], span.path, filling)
            answered += 1
        if answered < len(where):
            raise ResetError(f"{span.path}: the source gave {answered} outcomes for {len(where)} records")
        return Batch(
            len(lines),
            pa.table(filling.columns, schema=schemas.EXAMPLES),
            filling.at,
            np.array(filling.contents, dtype=np.uint64),
            np.array(filling.ids, dtype=np.uint64),
            sorted(filling.aside, key=lambda aside: aside.line),
        )

    def _take(self, outcome: Example | SetAside, line: int, path: Path, filling: _Filling) -> None:
        if isinstance(outcome, SetAside):
            filling.aside.append(Aside(line, outcome.reason, outcome.detail))
            return
        row = example_row(outcome, self.dataset, self._split(outcome, path))
        if reason := self._fault(row):
            filling.aside.append(Aside(line, reason))
        else:
            filling.keep(row, line)

    def _split(self, example: Example, path: Path) -> str:
        own = _SPLIT_OF_FILE.get(path.name, example.split)
        if self.shares is None:
            if own is None:
                raise ResetError(f"{path}: its records have no split, so datasets.{self.dataset}.shares must be set")
            return own
        if own in ("dev", "test") and own not in self.shares:
            return own
        return drawn(f"{self.dataset}/{own}/{example.id}", self.shares)

    def _fault(self, row: tables.Row) -> str:
        """Say what a row lacks, or "". Instructions of the test split need no answer: they are rated without one."""
        references = row["references"]
        if not row["instruction"].strip():
            return "empty instruction"
        if row["task"].endswith("_qa") and not row["question"].strip():
            return "empty question"
        if row["task"] != "instruction" and not any(passage.strip() for passage in row["passages"]):
            return "empty context"
        optional = row["task"] == "instruction" and row["split"] == "test"
        if not (references and references[0].strip()) and not (optional and not references):
            return "empty answer"
        whole = "".join([row["example_id"], row["instruction"], row["question"], *row["passages"], *references])
        return _not_text(whole) or (f"over {self.max_chars} characters" if len(whole) > self.max_chars else "")


def example_row(example: Example, dataset: str, split: str) -> tables.Row:
    """Return `example` as a row of the table of examples."""
    return {
        "example_id": f"{dataset}/{split}/{example.id}",
        "dataset": dataset,
        "split": split,
        "task": example.task,
        "instruction": example.instruction,
        "question": example.question,
        "passages": list(example.passages),
        "references": list(example.references),
        "checks": example.checks,
    }


def outcomes(source: Source, records: Iterable[Record]) -> Iterator[Example | SetAside]:
    """What `source` makes of each record, in order; one that it cannot read is set aside as broken."""
    made = source.outcomes(records)
    while True:
        try:
            outcome = next(made)
        except StopIteration:
            return
        except ResetError as error:
            outcome = SetAside(BROKEN, error.message)
        yield outcome


def _records(lines: Iterable[bytes], where: list[int], filling: _Filling) -> Iterator[Record]:
    for number, line in enumerate(lines):
        if line.strip():
            try:
                record = formats.parse(line)
            except ResetError as error:
                filling.aside.append(Aside(number, BROKEN, error.message))
            else:
                where.append(number)
                yield record


def _not_text(text: str) -> str:
    """Say what keeps `text` from being one: half a surrogate pair, or a character that ends strings in C."""
    if "\0" in text:
        return "NUL character"
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "broken Unicode"
    return ""
