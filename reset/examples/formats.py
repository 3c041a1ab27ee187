"""Read raw files of the usual formats as streams of records, so that memory use does not grow with the file.

The formats are JSON Lines, JSON (an array of records, or one object that is a record or that its source unpacks), CSV,
TSV, all of them also compressed by gzip or Zstandard, Parquet and Arrow. Each record is read, or is a `Broken` with its
place, or the reading stops: no format loses one.
"""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from reset.errors import ResetError
from reset.examples import cell_files, column_files, json_files
from reset.examples.raw_json import Broken

TEXTS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
COMPRESSED = ("", ".gz", ".zst")
SUFFIXES = (*(f"{text}{packed}" for text in TEXTS for packed in COMPRESSED), ".parquet", ".arrow")
OTHERS = {  # what a file is that starts with these bytes, and what would be right; the longer marks come first
    codecs.BOM_UTF32_LE: "its encoding is UTF-32, must be UTF-8",
    codecs.BOM_UTF32_BE: "its encoding is UTF-32, must be UTF-8",
    codecs.BOM_UTF16_LE: "its encoding is UTF-16, must be UTF-8",
    codecs.BOM_UTF16_BE: "its encoding is UTF-16, must be UTF-8",
    b"\x1f\x8b": "it is compressed by gzip, so its name must end in .gz",
    b"\x28\xb5\x2f\xfd": "it is compressed by Zstandard, so its name must end in .zst",
    b"PAR1": "it is a Parquet file, so its name must end in .parquet",
    b"PK\x03\x04": "it is a zip archive or a workbook, must be text",
}

Records = Iterator[dict[str, Any] | Broken]


def known(path: Path) -> bool:
    """Return whether `records` can read a file of this name."""
    return path.name.lower().endswith(SUFFIXES)


def records(path: Path) -> Records:
    """Yield the records of `path` in file order; what is not a valid record becomes a `Broken`.

    Raises `ResetError`, with the file's name, if the file is missing, damaged or of another format or encoding.
    """
    if not known(path):
        raise ResetError(f"{path}: unknown format, the file name must end in {', '.join(SUFFIXES)}")
    name = path.name.lower()
    if name.endswith((".parquet", ".arrow")):
        return _columns(path)
    return _texts(path, name.removesuffix(".gz").removesuffix(".zst"))


def _columns(path: Path) -> Records:
    with _as_reset_error(path):
        yield from (column_files.parquet if path.suffix.lower() == ".parquet" else column_files.arrow)(path)


def _texts(path: Path, name: str) -> Records:
    with _as_reset_error(path), _open(path) as stream:
        _require_text(path, stream)
        if name.endswith((".jsonl", ".ndjson")):
            yield from json_files.json_lines(path, stream)
            return
        # surrogateescape: a byte that is not UTF-8 becomes half a surrogate pair, so that only its own record is broken
        text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
        if name.endswith(".json"):
            yield from json_files.json_document(path, text)
        else:
            yield from cell_files.cells(path, text, "\t" if name.endswith(".tsv") else ",")


def _open(path: Path) -> io.BufferedReader:
    """Open a file for reading its bytes, as they are when unpacked."""
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return io.BufferedReader(cast(io.RawIOBase, gzip.open(path)))
    if suffix == ".zst":
        return io.BufferedReader(cast(io.RawIOBase, pa.input_stream(str(path), compression="zstd")))
    return path.open("rb")


def _require_text(path: Path, stream: io.BufferedReader) -> None:
    """Raise `ResetError` for a file that starts as one of `OTHERS` does, or with bytes of NUL, as UTF-16 or UTF-32."""
    start = stream.peek(4)[:4]
    other = next((what for mark, what in OTHERS.items() if start.startswith(mark)), "")
    if not other and len(start) > 1 and 0 in start[:2]:
        width = 32 if start.count(0) > 2 else 16
        other = f"its encoding seems to be UTF-{width}, must be UTF-8"
    if other:
        raise ResetError(f"{path}: {other}")


@contextmanager
def _as_reset_error(path: Path) -> Iterator[None]:
    """Turn the exceptions of reading a damaged file into a `ResetError` of one line."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ResetError(f"{path}: damaged gzip file ({error})") from error
    except OSError as error:
        raise ResetError(f"{path}: {error.strerror or str(error).splitlines()[0]}") from error
