"""Raw files of the usual formats, each read as a stream of records, so that memory stays flat.

JSON Lines and JSON (one array, or one object that is a record or that its source unpacks), both also gzipped; Parquet;
CSV.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from reset.errors import ResetError

SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet", ".csv")
CHUNK = 1 << 20  # characters of a JSON array read at a time
_NOT_LINES = "a file of one record per line must be named .jsonl"


def known(path: Path) -> bool:
    """Say whether `records` can read a file of this name."""
    return path.name.endswith(SUFFIXES)


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of `path` in file order.

    Raises `ResetError`, naming the file (and the line if there are lines), where it is missing, damaged or holds
    something else.
    """
    if not known(path):
        raise ResetError(f"{path}: no known format, its name must end in {', '.join(SUFFIXES)}")
    if path.suffix == ".parquet":
        return _parquet(path)
    if path.suffix == ".csv":
        return _csv(path)
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        return (record for _, record in json_lines(path))
    return (_mapping(item, str(path)) for item in _json(path))


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, record); blank lines are passed over."""
    with _readable(path), _open(path) as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield number, _parse(line, f"{path}:{number}")


def _parse(line: str, where: str) -> dict[str, Any]:
    try:
        return _mapping(json.loads(line), where)
    except ValueError as error:
        raise ResetError(f"{where}: not JSON ({error})") from error


def _mapping(item: object, where: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise ResetError(f"{where}: a record must be a JSON object, this is a {type(item).__name__}")
    return item


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig", newline="" if path.suffix == ".csv" else None)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what a damaged file raises into one line."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise ResetError(f"{path}: not UTF-8 (byte {error.start})") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ResetError(f"{path}: damaged gzip file ({error})") from error
    except OSError as error:
        raise ResetError(f"{path}: {error.strerror or error}") from error


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(1 << 30)  # articles are longer than the default of 128 KiB
    with _readable(path), _open(path) as stream:
        reader = csv.DictReader(stream)
        try:
            yield from reader
        except csv.Error as error:
            raise ResetError(f"{path}:{reader.line_num}: not CSV ({error})") from error


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    with _readable(path):
        try:
            for batch in pq.ParquetFile(path).iter_batches(batch_size=1_000):
                yield from batch.to_pylist()
        except pa.ArrowInvalid as error:
            raise ResetError(f"{path}: not a Parquet file ({str(error).splitlines()[0]})") from error


def _json(path: Path) -> Iterator[object]:
    with _readable(path), _open(path) as stream:
        try:
            start = stream.read(1)
            while start.isspace():
                start = stream.read(1)
            if start == "[":
                yield from _array(stream)
            elif start:
                yield json.loads(start + stream.read())
        except ValueError as error:
            if isinstance(error, UnicodeDecodeError):
                raise
            raise ResetError(f"{path}: not JSON ({error}); {_NOT_LINES}") from error


def _array(stream: TextIO) -> Iterator[object]:
    """Yield the items of the array whose opening bracket has been read, holding little more than one in memory."""
    decoder, buffer = json.JSONDecoder(), ""
    size = CHUNK
    while True:
        buffer = buffer.lstrip(" \t\r\n,")
        if buffer.startswith("]"):
            return
        try:
            if not buffer:
                raise json.JSONDecodeError("The array has no end", "", 0)
            item, end = decoder.raw_decode(buffer)
            if end == len(buffer):  # a number may go on in the next chunk
                raise json.JSONDecodeError("The array has no end", buffer, end)
        except json.JSONDecodeError:
            more = stream.read(size)
            if not more:
                raise
            buffer, size = buffer + more, size * 2
            continue
        yield item
        buffer, size = buffer[end:], CHUNK
