"""Convert raw lines to rows of the examples table: the part of preparation that looks at each row alone.

It runs in parallel, one span of lines at a time.
"""

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
    """A record set aside: its line (0 is the first of its span), the reason, and for a broken record what is wrong."""

    line: int
    reason: str
    detail: str = ""


@dataclass
class Batch:
    """The result of a span: its rows, and the records set aside."""

    lines: int  # of the span
    rows: pa.Table
    at: list[int]  # the line of each row; 0 is the span's first
    contents: np.ndarray  # (rows,) uint64, hashes of the rows' content
    ids: np.ndarray  # (rows,) uint64, hashes of the rows' ids
    aside: list[Aside]


@dataclass
class _BatchBuilder:
    """Collects the members of a `Batch`, row by row."""

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
    """Converts raw records of one data set to rows; each worker process gets a pickled copy."""

    source: Source
    dataset: str
    shares: Mapping[str, float] | None
    max_chars: int

    def rows(self, span: Span) -> Batch:
        """Read a span and return its rows. Raises `ResetError` if records have no split and `shares` is not set."""
        with span.path.open("rb") as stream:
            stream.seek(span.start)
            lines = stream.read(span.end - span.start).split(b"\n")
        if not lines[-1]:  # the empty piece after the last line break
            lines.pop()
        builder = _BatchBuilder()
        line_of: list[int] = []  # the line of each record that the source has read so far
        count = 0
        for outcome in outcomes(self.source, _records(lines, line_of, builder)):
            if count == len(line_of):
                raise ResetError(f"{span.path}: the source gave more outcomes than records")
            self._add_outcome(outcome, line_of[count], span.path, builder)
            count += 1
        if count < len(line_of):
            raise ResetError(f"{span.path}: the source gave {count} outcomes for {len(line_of)} records")
        return Batch(
            len(lines),
            pa.table(builder.columns, schema=schemas.EXAMPLES),
            builder.at,
            np.array(builder.contents, dtype=np.uint64),
            np.array(builder.ids, dtype=np.uint64),
            sorted(builder.aside, key=lambda aside: aside.line),
        )

    def _add_outcome(self, outcome: Example | SetAside, line: int, path: Path, builder: _BatchBuilder) -> None:
        if isinstance(outcome, SetAside):
            builder.aside.append(Aside(line, outcome.reason, outcome.detail))
            return
        row = example_row(outcome, self.dataset, self._split(outcome, path))
        if reason := self._fault(row):
            builder.aside.append(Aside(line, reason))
        else:
            builder.keep(row, line)

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
        """Return why a row is set aside, or "". Test instructions need no answer: replies to them are only rated."""
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
        return _text_fault(whole) or (f"over {self.max_chars} characters" if len(whole) > self.max_chars else "")


def example_row(example: Example, dataset: str, split: str) -> tables.Row:
    """Return `example` as a row of the examples table."""
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
    """Yield the outcome of `source` for each record, in order; a record that it cannot read is set aside as broken."""
    results = source.outcomes(records)
    while True:
        try:
            outcome = next(results)
        except StopIteration:
            return
        except ResetError as error:
            outcome = SetAside(BROKEN, error.message)
        yield outcome


def _records(lines: Iterable[bytes], line_of: list[int], builder: _BatchBuilder) -> Iterator[Record]:
    """Yield the records on `lines` and append the line number of each to `line_of`; broken lines are set aside."""
    for number, line in enumerate(lines):
        if line.strip():
            try:
                record = formats.parse(line)
            except ResetError as error:
                builder.aside.append(Aside(number, BROKEN, error.message))
            else:
                line_of.append(number)
                yield record


def _text_fault(text: str) -> str:
    """Return why `text` cannot be used, or "": half a surrogate pair, or the NUL character, which ends C strings."""
    if "\0" in text:
        return "NUL character"
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "broken Unicode"
    return ""
