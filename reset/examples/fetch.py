"""Fetching: copy a data set from the hub, a URL or a local path to data/raw/<dataset>/, as JSON Lines.

There is one file per split (`train`, `dev`, `test`), or `records.jsonl` where the origin names no split. The folder
gets its name only when it is complete.
"""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from reset.errors import ResetError, nearest
from reset.examples.origins import Generated, Origin, Stream, locate
from reset.examples.raw_json import Broken, json_line
from reset.files.atomic import whole_folder
from reset.files.row_accounts import Account
from reset.sources import Record, Source, Where
from reset.sources.fields import has

__all__ = ["Generated", "Mapped", "Packed", "fetch"]

NO_RECORD = "no valid record"


@runtime_checkable
class Packed(Protocol):
    """A source whose files may pack several records into one JSON object."""

    def unpack(self, document: Record) -> Iterator[Record]:
        """Yield the records in `document`; a document that is a record is yielded as it is."""
        ...


@runtime_checkable
class Mapped(Protocol):
    """A source whose columns a user has named: part of an example -> column."""

    fields: Mapping[str, str]


def fetch(
    source: Source,
    *,
    path: Path | None,
    revision: str | None,
    into: Path,
    max_broken: float = 0.0,
    where: Where | None = None,
) -> dict[str, Any]:
    """Write the raw records of `source` to the folder `into` and return the row account and where each file came from.

    `path`, else `where`, is read instead of the source's own location; `revision` replaces its own. What is not a valid
    record is set aside and counted, with the places of the first. Raises `ResetError` for a location that is missing,
    damaged or empty, if more than `max_broken` (a fraction) of a file is not valid, and for a named column that no
    record has.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    downloads = into.with_name(f".{into.name}.downloads")  # kept after a failed download, so that it can be resumed
    with whole_folder(into) as folder:
        origin = locate(source, path=path, revision=revision, downloads=downloads, where=where)
        copy = _Copy(source, folder, max_broken)
        for stream in origin.streams:
            copy.append(stream)
        copy.require_columns(origin)
        shutil.rmtree(downloads, ignore_errors=True)
        return {**copy.facts(), **_origin_facts(where or source.where, origin), **_file_facts(folder)}


class _Copy:
    """Copies streams of records into one folder and counts them."""

    def __init__(self, source: Source, folder: Path, max_broken: float) -> None:
        self._source, self._folder, self._max_broken = source, folder, max_broken
        self._account, self._records, self._parts = Account(), dict[str, int](), list[dict[str, Any]]()
        self._unseen = dict(source.fields) if isinstance(source, Mapped) else {}  # named columns that no record had
        self._columns: list[str] = []  # of the first record

    def append(self, stream: Stream) -> None:
        """Append a stream to the file of its split. Raises `ResetError` if it is empty or too much of it is broken."""
        broken: list[str] = []
        before = count = self._records.get(stream.split, 0)
        with (self._folder / f"{stream.split}.jsonl").open("ab") as target:
            for record in _unpack_records(self._source, stream):
                if isinstance(record, Broken):
                    broken.append(record.what)
                    continue
                try:
                    target.write(json_line(record))
                except ResetError as error:
                    broken.append(f"{stream.origin}: {error.message}")
                    continue
                count += 1
                if self._unseen:
                    self._look_at_columns(record)
        copied = count - before
        if len(broken) > self._max_broken * (copied + len(broken)):
            raise ResetError(
                f"{stream.origin}: {len(broken)} of {copied + len(broken)} records are not valid, more than "
                f"prepare.max_broken ({self._max_broken:.1%}); first: {broken[0]}"
            )
        if not copied:
            raise ResetError(f"{stream.origin}: holds no records")
        self._account.keep(copied)
        for place in broken:
            self._account.leave(NO_RECORD, where=place)
        self._records[stream.split] = count
        lines = f"{stream.split}.jsonl:{before + 1}-{count}"
        self._parts.append({"from": stream.origin, "to": lines, "set_aside": len(broken)})

    def _look_at_columns(self, record: Record) -> None:
        self._columns = self._columns or list(record)
        self._unseen = {part: column for part, column in self._unseen.items() if not has(record, column)}

    def require_columns(self, origin: Origin) -> None:
        """Raise `ResetError` if there is a named column that no record has."""
        for part, column in self._unseen.items():
            raise ResetError(
                f"{origin.name}: no record has the column '{column}' (options.fields.{part}). "
                f"{nearest(column, self._columns)}"
            )

    def facts(self) -> dict[str, Any]:
        """Return the row account, the records of each split, and which lines came from which file."""
        where = {"where": self._account.where} if self._account.where else {}
        return {**self._account.as_dict(), **where, "records": self._records, "parts": self._parts}


def _unpack_records(source: Source, stream: Stream) -> Iterator[Record | Broken]:
    for number, document in enumerate(stream.records, start=1):
        if isinstance(document, Broken) or not isinstance(source, Packed):
            yield document
            continue
        try:
            records = list(source.unpack(document))
        except ResetError as error:
            yield Broken(f"{stream.origin}: record {number} {error.message}")
        else:
            yield from records
            if not records:
                yield Broken(f"{stream.origin}: record {number} holds nothing to unpack")


def _origin_facts(where: Where, origin: Origin) -> dict[str, Any]:
    not_read = {"not_read": list(origin.not_read)} if origin.not_read else {}
    return {"origin": origin.name, "revision": origin.revision, "licence": where.licence, **not_read}


def _file_facts(folder: Path) -> dict[str, Any]:
    files = sorted(folder.iterdir())
    return {
        "bytes": {file.name: file.stat().st_size for file in files},
        "sha256": {file.name: _sha256(file) for file in files},
    }


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
