"""Read Parquet and Arrow files (IPC, as a file or a stream) as records; memory holds one batch of rows."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reset.errors import ResetError
from reset.examples.raw_json import Broken

BATCH = 1_000  # rows of a Parquet file read at a time


def parquet(path: Path) -> Iterator[dict[str, Any] | Broken]:
    """Yield the rows of a Parquet file. Raises `ResetError` if it is damaged or names a column twice."""
    try:
        file = pq.ParquetFile(path, pre_buffer=False)
        yield from _records(path, file.schema_arrow, file.iter_batches(batch_size=BATCH))
    except (pa.ArrowException, UnicodeDecodeError) as error:  # the latter: of a column's name
        raise ResetError(f"{path}: not a Parquet file ({_first_line(error)})") from error


def arrow(path: Path) -> Iterator[dict[str, Any] | Broken]:
    """Yield the rows of an Arrow file. Raises `ResetError` if it is damaged or names a column twice."""
    try:
        with pa.memory_map(str(path)) as file:
            if file.read(6) == b"ARROW1":
                whole = pa.ipc.open_file(file)
                batches: Iterable[pa.RecordBatch] = map(whole.get_batch, range(whole.num_record_batches))
                yield from _records(path, whole.schema, map(_validated, batches))
            else:
                file.seek(0)
                stream = pa.ipc.open_stream(file)
                yield from _records(path, stream.schema, map(_validated, stream))
    except (pa.ArrowException, UnicodeDecodeError) as error:  # the latter: of a column's name
        raise ResetError(f"{path}: not an Arrow file ({_first_line(error)})") from error


def _validated(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return `batch` if its buffers fit together: Arrow takes them from a file as they are, and would crash."""
    batch.validate(full=True)
    return batch


def _records(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any] | Broken]:
    for name in schema.names:
        if schema.names.count(name) > 1:
            raise ResetError(f"{path}: two columns are named '{name}'")
    first = 1
    for batch in batches:
        try:
            rows = batch.to_pylist()
        except (ValueError, OverflowError):  # text that is not UTF-8, or a date that Python does not know
            rows = [_row(path, batch, row, first) for row in range(len(batch))]
        yield from rows
        first += len(batch)


def _row(path: Path, batch: pa.RecordBatch, row: int, first: int) -> dict[str, Any] | Broken:
    try:
        (record,) = batch.slice(row, 1).to_pylist()
    except UnicodeDecodeError as error:
        return Broken(f"{path}: row {first + row}: a text is not UTF-8 ({error.reason}, byte {error.start} of it)")
    except (ValueError, OverflowError) as error:
        return Broken(f"{path}: row {first + row}: {_first_line(error)}")
    return dict(record)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
