"""Read raw files of the usual formats as streams of records, so that memory use does not grow with the file.

The formats are JSON Lines, JSON (an array of records, or one object that is a record or that its source unpacks), both
of them also gzipped, Parquet and CSV.
"""

import codecs
import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from reset.errors import ResetError

SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet", ".csv")
CHUNK = 1 << 20  # characters of a JSON array read at a time
_NOT_LINES = "a file of one record per line must be named .jsonl"


class Broken(NamedTuple):
    """A line that is not a valid record; `what` is its file, its line number and the fault."""

    what: str


def known(path: Path) -> bool:
    """Return whether `records` can read a file of this name."""
    return path.name.endswith(SUFFIXES)


def records(path: Path) -> Iterator[dict[str, Any] | Broken]:
    """Yield the records of `path` in file order; an invalid line of JSON Lines or CSV becomes a `Broken`.

    Raises `ResetError`, with the file's name, if the file is missing, damaged or of another format.
    """
    if not known(path):
        raise ResetError(f"{path}: unknown format, the file name must end in {', '.join(SUFFIXES)}")
    if path.suffix == ".parquet":
        return _parquet(path)
    if path.suffix == ".csv":
        return _csv(path)
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        return _json_lines(path)
    return (_require_object(item, f"{path}: ") for item in _json(path))


def _json_lines(path: Path) -> Iterator[dict[str, Any] | Broken]:
    with _as_reset_error(path), gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                try:
                    yield parse(line.removeprefix(codecs.BOM_UTF8) if number == 1 else line)
                except ResetError as error:
                    yield Broken(f"{path}:{number}: {error.message}")


def parse(line: bytes) -> dict[str, Any]:
    """Return the record on a line. Raises `ResetError` if it is not a JSON object or not UTF-8."""
    try:
        item = orjson.loads(line)
    except ValueError:
        item = _parse_leniently(line)
    return _require_object(item)


def _parse_leniently(line: bytes) -> object:
    """Parse what orjson refuses but real JSON Lines files contain: halves of surrogate pairs, NaN, long numbers."""
    try:
        return json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise ResetError(f"not UTF-8 (byte {error.start} of the line)") from error
    except ValueError as error:
        raise ResetError(f"not JSON ({error})") from error


def _require_object(item: object, where: str = "") -> dict[str, Any]:
    if not isinstance(item, dict):
        raise ResetError(f"{where}a record must be a JSON object, this is a {type(item).__name__}")
    return item


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


@contextmanager
def _as_reset_error(path: Path) -> Iterator[None]:
    """Turn the exceptions of reading a damaged file into a `ResetError` of one line."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise ResetError(f"{path}: not UTF-8 (byte {error.start})") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ResetError(f"{path}: damaged gzip file ({error})") from error
    except OSError as error:
        raise ResetError(f"{path}: {error.strerror or error}") from error


def _csv(path: Path) -> Iterator[dict[str, Any] | Broken]:
    csv.field_size_limit(1 << 30)  # articles are longer than the default of 128 KiB
    # surrogateescape: a byte that is not UTF-8 becomes half a surrogate pair, so that only its own row is broken
    with _as_reset_error(path), path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as stream:
        reader = csv.DictReader(stream)
        try:
            for row in reader:
                fault = _csv_fault(row)
                yield Broken(f"{path}:{reader.line_num}: {fault}") if fault else row
        except csv.Error as error:
            raise ResetError(f"{path}:{reader.line_num}: not CSV ({error})") from error


def _csv_fault(row: dict[Any, Any]) -> str:
    if None in row:  # DictReader collects surplus cells under the key None
        return "more cells than columns"
    if None in row.values():
        return "fewer cells than columns"
    try:
        "".join(row.values()).encode()
    except UnicodeEncodeError:
        return "not UTF-8"
    return ""


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    with _as_reset_error(path):
        try:
            for batch in pq.ParquetFile(path, pre_buffer=False).iter_batches(batch_size=1_000):
                yield from batch.to_pylist()
        except pa.ArrowInvalid as error:
            raise ResetError(f"{path}: not a Parquet file ({str(error).splitlines()[0]})") from error


def _json(path: Path) -> Iterator[object]:
    with _as_reset_error(path), _open(path) as stream:
        try:
            start = stream.read(1)
            while start.isspace():
                start = stream.read(1)
            if start == "[":
                yield from _array_items(stream)
            elif start:
                yield json.loads(start + stream.read())
        except ValueError as error:
            if isinstance(error, UnicodeDecodeError):
                raise
            raise ResetError(f"{path}: not JSON ({error}); {_NOT_LINES}") from error


def _array_items(stream: TextIO) -> Iterator[object]:
    """Yield the items of an array, with little more than one item in memory; its opening bracket has been read."""
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
            if end == len(buffer):  # the next chunk may continue this number
                raise json.JSONDecodeError("The array has no end", buffer, end)
        except json.JSONDecodeError:
            more = stream.read(size)
            if not more:
                raise
            buffer, size = buffer + more, size * 2
            continue
        yield item
        buffer, size = buffer[end:], CHUNK
