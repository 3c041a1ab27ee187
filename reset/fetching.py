"""Fetching: copy a data set from wherever it is to data/raw/<dataset>/, as JSON Lines.

One file per split (`train`, `dev`, `test`), or `records.jsonl` where the origin names no split. The folder appears only
when all of it is there.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, runtime_checkable

from reset.errors import ResetError
from reset.folders import whole_folder
from reset.origins import Generated, Stream, locate
from reset.sources import Record, Source

__all__ = ["Generated", "Packed", "fetch"]

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode  # dates and the like become text


@runtime_checkable
class Packed(Protocol):
    """A source whose files may hold several records in one JSON object."""

    def unpack(self, document: Record) -> Iterator[Record]:
        """Yield the records that `document` holds; a record yields itself."""
        ...


def fetch(source: Source, *, path: Path | None, revision: str | None, into: Path) -> dict[str, Any]:
    """Write the raw records of `source` to the folder `into` and return their counts, bytes and SHA-256 sums.

    `path` is read instead of where the source lives; `revision` goes before the source's own. Raises `ResetError` where
    nothing is found, or what is found is damaged or empty.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{into.name}.", dir=into.parent) as downloads, whole_folder(into) as folder:
        origin = locate(source, path=path, revision=revision, downloads=Path(downloads))
        records: dict[str, int] = {}
        for stream in origin.streams:
            records[stream.split] = records.get(stream.split, 0) + _append(source, stream, folder)
        files = sorted(folder.iterdir())
        return {
            "origin": origin.name,
            "revision": origin.revision,
            "licence": source.where.licence,
            "records": records,
            "bytes": {file.name: file.stat().st_size for file in files},
            "sha256": {file.name: _sha256(file) for file in files},
        }


def _append(source: Source, stream: Stream, folder: Path) -> int:
    """Append a stream to its split's file; a stream without records is an error."""
    count = 0
    with (folder / f"{stream.split}.jsonl").open("ab") as target:
        for record in _unpacked(source, stream):
            target.write(_line(record))
            count += 1
    if not count:
        raise ResetError(f"{stream.origin}: holds no records")
    return count


def _unpacked(source: Source, stream: Stream) -> Iterator[Record]:
    if not isinstance(source, Packed):
        yield from stream.records
        return
    for number, document in enumerate(stream.records, start=1):
        try:
            records = list(source.unpack(document))
        except ResetError as error:
            raise ResetError(f"{stream.origin}: record {number} {error.message}") from error
        yield from records


def _line(record: Record) -> bytes:
    try:
        return (_encode(record) + "\n").encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can write
        return (json.dumps(record, default=str) + "\n").encode()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
