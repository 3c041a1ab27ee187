"""The tables that flow from stage to stage: one schema each, Parquet (zstd), written atomically, joined by id.

Files are read and written in row groups, so memory stays flat whatever their length.
"""

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from reset.durable import room_for, settle
from reset.errors import ResetError

Row = dict[str, Any]

TASKS = ("instruction", "extractive_qa", "abstractive_qa", "summarization")
SPLITS = ("train", "dev", "test")
ROW_GROUP = 5_000  # rows held in memory at a time

_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())


def _schema(**columns: pa.DataType) -> pa.Schema:
    """A schema whose columns may not be null; `_nullable` makes exceptions."""
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])


def _nullable(**columns: pa.DataType) -> list[pa.Field]:
    return [pa.field(name, kind) for name, kind in columns.items()]


EXAMPLES = pa.schema(
    [
        *_schema(
            example_id=_TEXT,  # dataset/split/the source's own id, else a content hash
            dataset=_TEXT,
            split=_TEXT,
            task=_TEXT,
            instruction=_TEXT,
            question=_TEXT,  # "" for instructions and summaries
            passages=_TEXTS,  # empty for instructions; one text for summaries
            references=_TEXTS,  # the first is the training target; empty where the source has none
        ),
        *_nullable(checks=_TEXT),  # JSON of verifiable constraints, micro world only
    ]
)

# rows to leave out of training; the test that each repeats, "" for one that repeats a training row
SCREENED = _schema(example_id=_TEXT, reason=_TEXT, test_id=_TEXT)

MIXTURES = _schema(
    example_id=_TEXT,
    repeat=pa.int32(),  # 0 for the first copy, 1.. for up-sampled ones
    dataset=_TEXT,
    task=_TEXT,
    prompt=_TEXT,
    context_start=pa.int32(),  # characters [start, end) of the prompt may be cut, from their end
    context_end=pa.int32(),
    response=_TEXT,
)

CURATED = pa.schema(
    [
        *MIXTURES,
        *_schema(answer_id=_TEXT, setting=_TEXT, sweep=pa.int32(), score=pa.float64(), candidates=pa.int32()),
        *_nullable(
            task_score=pa.float64(),
            instruction_score=pa.float64(),
            faithfulness_score=pa.float64(),
            margin=pa.float64(),  # over the best answer of another text; null where there is none
        ),
    ]
)

# Rows of several answers to a prompt: `response` is the best, or the answer that is labelled or weighted, and `repeat`
# numbers the rows of a prompt.
PAIRS = pa.schema(
    [
        *CURATED,  # of the chosen answer
        *_schema(
            rejected=_TEXT,
            rejected_answer_id=_TEXT,
            rejected_setting=_TEXT,
            rejected_sweep=pa.int32(),
            rejected_score=pa.float64(),
        ),
    ]
)

LABELLED = pa.schema([*CURATED, *_schema(desirable=pa.bool_())])

WEIGHTED = pa.schema([*CURATED, *_schema(weight=pa.float64())])  # in (0, 1]; those of a prompt add up to 1

ANSWERS = pa.schema(
    [
        *_schema(
            answer_id=_TEXT,  # example_id|setting|sweep
            example_id=_TEXT,
            dataset=_TEXT,
            task=_TEXT,
            system=_TEXT,
            setting=_TEXT,
            sweep=pa.int32(),
            temperature=pa.float64(),
            top_k=pa.int32(),  # 0 = off
            seed=pa.int64(),
            text=_TEXT,
            tokens=pa.int32(),  # generated tokens, the end token counted
            finish_reason=_TEXT,  # stop | length | error: ...
        ),
        *_nullable(mean_logprob=pa.float64()),  # natural log, mean over generated tokens
    ]
)

VERDICTS = pa.schema(
    [
        *_schema(answer_id=_TEXT, name=_TEXT),
        *_nullable(score=pa.float64(), reason=_TEXT, detail=_TEXT),  # detail is JSON
    ]
)


class Writer:
    """Write rows of one schema; the file appears under its name only when all rows are in.

    Use as a context manager: an exception inside leaves no file behind. Raises `ResetError` where the disk is full.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._schema = path, schema
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._file = pq.ParquetWriter(self._temporary, schema, compression="zstd")
        self._buffer: list[Mapping[str, Any]] = []
        self._tables: list[pa.Table] = []
        self.rows = 0

    def write(self, row: Mapping[str, Any]) -> None:
        """Add one row; its keys must be the schema's columns."""
        self._buffer.append(row)
        self.rows += 1
        if len(self._buffer) >= ROW_GROUP:
            self._flush()

    def write_table(self, table: pa.Table) -> None:
        """Add the rows of `table`, which has the schema's columns; not to be mixed with `write`."""
        self.rows += len(table)
        self._tables.append(table)
        waiting = sum(map(len, self._tables))
        if waiting >= ROW_GROUP:
            whole = pa.concat_tables(self._tables)
            full = waiting - waiting % ROW_GROUP
            self._put(whole.slice(0, full))
            self._tables = [whole.slice(full)]

    def _flush(self) -> None:
        if any(map(len, self._tables)):
            self._put(pa.concat_tables(self._tables))
            self._tables.clear()
        if self._buffer:
            self._put(pa.Table.from_pylist([dict(row) for row in self._buffer], schema=self._schema))
            self._buffer.clear()

    def _put(self, table: pa.Table) -> None:
        with room_for(self._path):
            self._file.write_table(table.combine_chunks(), row_group_size=ROW_GROUP)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        try:
            with room_for(self._path), self._file:
                if kind is None:
                    self._flush()
            if kind is None:
                settle(self._temporary, self._path)
        finally:
            self._temporary.unlink(missing_ok=True)


def write(path: Path, schema: pa.Schema, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write all `rows` to `path` atomically and return how many there were."""
    with Writer(path, schema) as writer:
        for row in rows:
            writer.write(row)
    return writer.rows


def _open(path: Path, schema: pa.Schema) -> pq.ParquetFile:
    if not path.is_file():
        raise ResetError(f"{path}: no such file")
    try:
        file = pq.ParquetFile(path, pre_buffer=False)  # which would hold the whole file
    except (pa.ArrowInvalid, OSError) as error:
        raise ResetError(f"{path}: not a Parquet file ({str(error).splitlines()[0]})") from error
    missing = [name for name in schema.names if name not in file.schema_arrow.names]
    if missing:
        raise ResetError(f"{path}: lacks the columns {', '.join(missing)}")
    return file


def read(path: Path, schema: pa.Schema) -> Iterator[Row]:
    """Yield the rows of `path` in file order, a row group at a time.

    Raises `ResetError` for a missing file, one that is no Parquet, or one without the schema's columns.
    """
    file = _open(path, schema)
    for batch in file.iter_batches(batch_size=ROW_GROUP, columns=schema.names):
        yield from batch.to_pylist()


def groups(path: Path, schema: pa.Schema) -> int:
    """Row groups of `path`, from its footer; raises as `read` does."""
    return int(_open(path, schema).metadata.num_row_groups)


def read_group(path: Path, group: int, schema: pa.Schema) -> Iterator[Row]:
    """Yield the rows of one row group, 0 the first."""
    yield from _open(path, schema).read_row_group(group, columns=schema.names).to_pylist()


def column(path: Path, schema: pa.Schema, name: str) -> Iterator[Any]:
    """Yield one column of `path` in file order; raises as `read` does."""
    for batch in _open(path, schema).iter_batches(batch_size=ROW_GROUP, columns=[name]):
        yield from batch[name].to_pylist()


def count(path: Path, schema: pa.Schema) -> int:
    """Rows of `path`, from its footer."""
    return int(_open(path, schema).metadata.num_rows)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        settle(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write `content` as indented JSON with sorted keys, atomically; equal content gives equal bytes."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of the same columns, atomically; for `dvc plots`."""
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object; `ResetError` names the file when it is absent or broken."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResetError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ResetError(f"{path}: not JSON ({error})") from error
    if not isinstance(content, dict):
        raise ResetError(f"{path}: must hold a JSON object, holds a {type(content).__name__}")
    return content
