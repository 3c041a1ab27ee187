"""Fetching: copy a data set from wherever it is to data/raw/<dataset>/, as JSON Lines.

One file per split (`train`, `dev`, `test`), or `records.jsonl` where the origin names no split. The folder appears only
when all of it is there.
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

SHOWN = 5  # places named in the metrics

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode  # dates and the like become text


@runtime_checkable
class Packed(Protocol):
    """A source whose files may hold several records in one JSON object."""

    def unpack(self, document: Record) -> Iterator[Record]:
        """Yield the records that `document` holds; a record yields itself."""
        ...


def fetch(
    source: Source, *, path: Path | None, revision: str | None, into: Path, max_broken: float = 0.0
) -> dict[str, Any]:
    """Write the raw records of `source` to the folder `into` and return their counts, bytes and SHA-256 sums.

    `path` is read instead of where the source lives; `revision` goes before the source's own. Lines that are no records
    are counted and left out. Raises `ResetError` where nothing is found, or what is found is damaged or empty, or more
    than `max_broken` (a share) of a file's lines are no records.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    downloads = into.with_name(f".{into.name}.downloads")  # stays behind where one breaks off
    with whole_folder(into) as folder:
        origin = locate(source, path=path, revision=revision, downloads=downloads)
        records: dict[str, int] = {}
        broken: list[str] = []
        for stream in origin.streams:
            count, faults = _append(source, stream, folder, max_broken)
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


def _append(source: Source, stream: Stream, folder: Path, max_broken: float) -> tuple[int, list[str]]:
    """Append a stream to its split's file; return how many records it holds, and what else is in it."""
    count, broken = 0, []
    with (folder / f"{stream.split}.jsonl").open("ab") as target:
        for record in _unpacked(source, stream):
            if isinstance(record, formats.Broken):
                broken.append(record.what)
            else:
                target.write(_line(record))
                count += 1
    if len(broken) > max_broken * (count + len(broken)):
        raise ResetError(
            f"{stream.origin}: {len(broken)} of {count + len(broken)} lines are no records, more than "
            f"prepare.max_broken ({max_broken:.1%}); first: {broken[0]}"
        )
    if not count:
        raise ResetError(f"{stream.origin}: holds no records")
    return count, broken


def _unpacked(source: Source, stream: Stream) -> Iterator[Record | formats.Broken]:
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


def _line(record: Record) -> bytes:
    try:
        return (_encode(record) + "\n").encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can write
        return (json.dumps(record, default=str) + "\n").encode()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
