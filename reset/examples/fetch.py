"""Fetching: copy a data set from the hub, a URL or a local path to data/raw/<dataset>/, as JSON Lines.

There is one file per split (`train`, `dev`, `test`), or `records.jsonl` where the origin names no split. The folder
gets its name only when it is complete.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from reset.errors import ResetError
from reset.examples import formats
from reset.examples.origins import Generated, Stream, locate
from reset.files.atomic import whole_folder
from reset.sources import Record, Source

__all__ = ["Generated", "Packed", "fetch"]

SHOWN = 5  # places of broken lines listed in the metrics

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode  # `default`: dates and the like become text


@runtime_checkable
class Packed(Protocol):
    """A source whose files may pack several records into one JSON object."""

    def unpack(self, document: Record) -> Iterator[Record]:
        """Yield the records in `document`; a document that is a record is yielded as it is."""
        ...


def fetch(
    source: Source, *, path: Path | None, revision: str | None, into: Path, max_broken: float = 0.0
) -> dict[str, Any]:
    """Write the raw records of `source` to the folder `into` and return their counts, bytes and SHA-256 sums.

    `path` is read instead of the source's own location, and `revision` replaces the source's own. Lines that are not
    valid records are counted and left out. Raises `ResetError` for a location that is missing, damaged or empty, and if
    more than `max_broken` (a fraction) of a file's lines are not valid records.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    downloads = into.with_name(f".{into.name}.downloads")  # kept after a failed download, so that it can be resumed
    with whole_folder(into) as folder:
        origin = locate(source, path=path, revision=revision, downloads=downloads)
        records: dict[str, int] = {}
        broken: list[str] = []
        for stream in origin.streams:
            count, faults = _append_stream(source, stream, folder, max_broken)
            records[stream.split] = records.get(stream.split, 0) + count
            broken += faults
        shutil.rmtree(downloads, ignore_errors=True)
        files = sorted(folder.iterdir())
        counted = {"broken": {"lines": len(broken), "where": broken[:SHOWN]}} if broken else {}
        return {
            **counted,
            "origin": origin.name,
            "revision": origin.revision,
            "licence": source.where.licence,
            "records": records,
            "bytes": {file.name: file.stat().st_size for file in files},
            "sha256": {file.name: _sha256(file) for file in files},
        }


def _append_stream(source: Source, stream: Stream, folder: Path, max_broken: float) -> tuple[int, list[str]]:
    """Append a stream to the file of its split; return the number of records, and a message per broken line."""
    count, broken = 0, []
    with (folder / f"{stream.split}.jsonl").open("ab") as target:
        for record in _unpack_records(source, stream):
            if isinstance(record, formats.Broken):
                broken.append(record.what)
            else:
                target.write(_json_line(record))
                count += 1
    if len(broken) > max_broken * (count + len(broken)):
        raise ResetError(
            f"{stream.origin}: {len(broken)} of {count + len(broken)} lines are not valid records, more than "
            f"prepare.max_broken ({max_broken:.1%}); first: {broken[0]}"
        )
    if not count:
        raise ResetError(f"{stream.origin}: holds no records")
    return count, broken


def _unpack_records(source: Source, stream: Stream) -> Iterator[Record | formats.Broken]:
    for number, document in enumerate(stream.records, start=1):
        if isinstance(document, formats.Broken) or not isinstance(source, Packed):
            yield document
            continue
        try:
            records = list(source.unpack(document))
        except ResetError as error:
            yield formats.Broken(f"{stream.origin}: record {number} {error.message}")
        else:
            yield from records


def _json_line(record: Record) -> bytes:
    try:
        return (_encode(record) + "\n").encode()
    except UnicodeEncodeError:  # half a surrogate pair: JSON can hold it only as an escape
        return (json.dumps(record, default=str) + "\n").encode()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
