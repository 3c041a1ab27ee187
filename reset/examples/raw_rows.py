"""Convert raw lines to rows of the examples table: the part of preparation that looks at each row alone.

It runs in parallel, one span of lines at a time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from xxhash import xxh3_64_intdigest

from reset.errors import ResetError
from reset.examples import raw_json
from reset.examples.content_hashes import content
from reset.examples.example_rows import example_row, fault
from reset.examples.splits import Splits
from reset.files import schemas, tables
from reset.sources import Example, Record, SetAside, Source

BROKEN = "broken record"
_SPLIT_OF_FILE = {f"{split}.jsonl": split for split in schemas.SPLITS}
_OF_TEST = 1 << 63  # turns the content hash of a test row into another: see `_BatchBuilder.keep`


@dataclass(frozen=True)
class Span:
    """Whole lines of a file: bytes [start, end)."""

    path: Path
    start: int
    end: int

    def line_number(self, line: int) -> int:
        """Return the number in the file, from 1, of the span's line `line`, from 0. Reads all before it."""
        with self.path.open("rb") as stream:
            return stream.read(self.start).count(b"\n") + line + 1


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
    rules: list[str]  # the split of each row and what decided it
    contents: np.ndarray  # (rows,) uint64, hashes of the rows' content
    ids: np.ndarray  # (rows,) uint64, hashes of the rows' ids
    aside: list[Aside]


@dataclass
class _BatchBuilder:
    """Collects the members of a `Batch`, row by row."""

    columns: dict[str, list[object]] = field(default_factory=lambda: {name: [] for name in schemas.EXAMPLES.names})
    at: list[int] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    contents: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)

    def keep(self, row: tables.Row, line: int, rule: str) -> None:
        """Add a row. A test row is no duplicate of a training row: stage `screen` leaves the training row out."""
        for name, column in self.columns.items():
            column.append(row[name])
        self.at.append(line)
        self.rules.append(f"{row['split']} by {rule}")
        self.contents.append(content(row) ^ (_OF_TEST if row["split"] == "test" else 0))
        self.ids.append(xxh3_64_intdigest(row["example_id"].encode()))


@dataclass(frozen=True)
class Maker:
    """Converts raw records of one data set to rows; each worker process gets a pickled copy."""

    source: Source
    splits: Splits
    max_chars: int

    def rows(self, span: Span) -> Batch:
        """Read a span and return its rows.

        Raises `ResetError`, with the place, for a record whose column names another split than its file, and for one
        without a split if `shares` is not set.
        """
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
            self._add_outcome(outcome, line_of[count], span, builder)
            count += 1
        if count < len(line_of):
            raise ResetError(f"{span.path}: the source gave {count} outcomes for {len(line_of)} records")
        return Batch(
            len(lines),
            pa.table(builder.columns, schema=schemas.EXAMPLES),
            builder.at,
            builder.rules,
            np.array(builder.contents, dtype=np.uint64),
            np.array(builder.ids, dtype=np.uint64),
            sorted(builder.aside, key=lambda aside: aside.line),
        )

    def _add_outcome(self, outcome: Example | SetAside, line: int, span: Span, builder: _BatchBuilder) -> None:
        if isinstance(outcome, SetAside):
            builder.aside.append(Aside(line, outcome.reason, outcome.detail))
            return
        try:
            split, rule = self.splits.of(outcome.id, outcome.split, _SPLIT_OF_FILE.get(span.path.name))
        except ResetError as error:
            raise ResetError(f"{span.path}:{span.line_number(line)}: {error.message}") from error
        row = example_row(outcome, self.splits.dataset, split)
        if reason := fault(row, self.max_chars):
            builder.aside.append(Aside(line, reason))
        else:
            builder.keep(row, line, rule)


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
                record = raw_json.parse(line)
            except ResetError as error:
                builder.aside.append(Aside(number, BROKEN, error.message))
            else:
                line_of.append(number)
                yield record
