"""Read and write the stages' tables (Parquet, zstd, schemas in `schemas.py`) and small JSON and CSV files.

All writes are atomic. Tables are read and written in row groups, so memory use does not grow with their length.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from reset.errors import ResetError
from reset.files.atomic import atomic, room_for, settle, temporary_of

Row = dict[str, Any]

ROW_GROUP = 5_000  # rows held in memory at a time


class Writer:
    """Write rows of one schema; the file appears at `path` only when all rows are written.

    Use as a context manager: an exception inside leaves no file behind. Raises `ResetError` if the disk is full.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._schema = path, schema
        self._temporary = temporary_of(path)
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
        """Add the rows of `table`, which has the schema's columns; do not mix with `write`."""
        self.rows += len(table)
        self._tables.append(table)
        waiting = sum(map(len, self._tables))
        if waiting >= ROW_GROUP:
            merged = pa.concat_tables(self._tables)
            full = waiting - waiting % ROW_GROUP  # rows of complete row groups
            self._write_groups(merged.slice(0, full))
            self._tables = [merged.slice(full)]

    def _flush(self) -> None:
        if any(map(len, self._tables)):
            self._write_groups(pa.concat_tables(self._tables))
            self._tables.clear()
        if self._buffer:
            self._write_groups(pa.Table.from_pylist([dict(row) for row in self._buffer], schema=self._schema))
            self._buffer.clear()

    def _write_groups(self, table: pa.Table) -> None:
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
    """Write all `rows` to `path` atomically and return their number."""
    with Writer(path, schema) as writer:
        for row in rows:
            writer.write(row)
    return writer.rows


def _open(path: Path, schema: pa.Schema) -> pq.ParquetFile:
    if not path.is_file():
        raise ResetError(f"{path}: no such file")
    try:
        file = pq.ParquetFile(path, pre_buffer=False)  # a buffer would hold the whole file in memory
    except (pa.ArrowInvalid, OSError) as error:
        raise ResetError(f"{path}: not a Parquet file ({str(error).splitlines()[0]})") from error
    missing = [name for name in schema.names if name not in file.schema_arrow.names]
    if missing:
        raise ResetError(f"{path}: lacks the columns {', '.join(missing)}")
    return file


@contextmanager
def _sound(path: Path) -> Iterator[None]:
    """Turn what damaged pages raise into a `ResetError`."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ResetError(
            f"{path}: damaged ({str(error).splitlines()[0]}); delete it, and `dvc repro` makes it again"
        ) from error


def _batches(path: Path, schema: pa.Schema, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    batches = _open(path, schema).iter_batches(batch_size=ROW_GROUP, columns=columns)
    while True:
        with _sound(path):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


def read(path: Path, schema: pa.Schema) -> Iterator[Row]:
    """Yield the rows of `path` in file order; one row group is in memory at a time.

    Raises `ResetError` if the file is missing, is not Parquet, is damaged, or lacks columns of the schema.
    """
    for batch in _batches(path, schema, schema.names):
        with _sound(path):
            rows = batch.to_pylist(maps_as_pydicts="strict")
        yield from rows


def has(path: Path, columns: pa.Schema) -> bool:
    """Whether the table `path` has all of these `columns`; raises as `read` does."""
    return set(columns.names) <= set(_open(path, pa.schema([])).schema_arrow.names)


def groups(path: Path, schema: pa.Schema) -> int:
    """Number of row groups in `path`, from its footer; raises as `read` does."""
    return int(_open(path, schema).metadata.num_row_groups)


def read_group(path: Path, group: int, schema: pa.Schema) -> Iterator[Row]:
    """Yield the rows of row group `group`, counted from 0."""
    file = _open(path, schema)
    with _sound(path):
        rows = file.read_row_group(group, columns=schema.names).to_pylist(maps_as_pydicts="strict")
    yield from rows


def column(path: Path, schema: pa.Schema, name: str) -> Iterator[Any]:
    """Yield one column of `path` in file order; raises as `read` does."""
    for batch in _batches(path, schema, [name]):
        with _sound(path):
            values = batch[name].to_pylist()
        yield from values


def count(path: Path, schema: pa.Schema) -> int:
    """Number of rows in `path`, from its footer."""
    return int(_open(path, schema).metadata.num_rows)


def write_json(path: Path, content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write `content` atomically as indented JSON with sorted keys, so that equal content gives equal bytes."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that have the same columns, atomically; for `dvc plots`."""
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object; raises `ResetError` if the file is missing or does not hold one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResetError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ResetError(f"{path}: not JSON ({error})") from error
    if not isinstance(content, dict):
        raise ResetError(f"{path}: must hold a JSON object, holds a {type(content).__name__}")
    return content
