"""The store: answers and verdicts by their content, for all pools, rounds, experiments and commits.

One SQLite file per mark, `.store/<kind>/<mark>.sqlite`. A mark is a hash of all that decides a value besides its key:
model, code, options. So other code or another option reads another file, files are deleted one by one, and DVC
experiments in other folders share the project's. SQLite, because it finds a row without reading the others, commits a
chunk's rows together or not at all, and lets two stages write.

Each row has a checksum. A row that does not fit it, or a file that is no database any more, is as good as absent: it is
computed again. A store that cannot be used (read-only, locked, full disk) is left alone with a warning.
"""

import hashlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

log = logging.getLogger(__name__)

FOLDER = ".store"
AT_ONCE = 500  # keys in one query
TIMEOUT_S = 60.0  # how long another writer is waited for
DAY_S = 86_400.0
_TABLE = "CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB NOT NULL, sum BLOB NOT NULL) STRICT"


def key(*parts: Any) -> bytes:
    """Return the key of what `parts` (values that JSON can hold) decide."""
    return hashlib.blake2b(orjson.dumps(parts), digest_size=16).digest()


def _sum(name: bytes, value: bytes) -> bytes:
    return hashlib.blake2b(name + value, digest_size=8).digest()


@dataclass(frozen=True)
class File:
    """A file of the store, its size and when it was last used, in seconds since 1970."""

    path: Path
    size: int
    used_at: float


class Store:
    """The values of one mark; use it as a context manager. `found` and `missed` count the keys asked for.

    `max_gb` bounds the files of `root`/.store together, in gigabytes of 1e9 bytes: those used longest ago go first, and
    a file that has reached the bound gets no further rows. 0 keeps nothing.
    """

    def __init__(self, root: Path, kind: str, mark: str, max_gb: float) -> None:
        self._root, self._path, self._max_bytes = root, root / FOLDER / kind / f"{mark}.sqlite", max_gb * 1e9
        self._db: sqlite3.Connection | None = None
        self._off = not max_gb
        self.found = self.missed = 0

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Any]:
        """Return the values of those `keys` that have one."""
        wanted = list(keys)
        values: dict[bytes, Any] = self._spared(lambda db: dict(self._read(db, wanted))) or {}
        self.found, self.missed = self.found + len(values), self.missed + len(wanted) - len(values)
        return values

    def take_back(self, found: int, missed: int) -> None:
        """Count fewer keys: what was asked for turned out not to be needed."""
        self.found, self.missed = self.found - found, self.missed - missed

    def put(self, values: Mapping[bytes, Any]) -> None:
        """Keep `values` that JSON can hold, all or none of them; those that are there stay as they are."""
        rows = [(name, content, _sum(name, content)) for name, content in _encoded(values)]
        if rows:
            self._spared(lambda db: self._write(db, rows))

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=TIMEOUT_S, isolation_level=None)
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(_TABLE)
        os.utime(self._path)  # the time of its last use
        return db

    def _read(self, db: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[tuple[bytes, Any]]:
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            query = f"SELECT key, value, sum FROM kept WHERE key IN ({', '.join('?' * len(some))})"  # nosec B608: places
            for name, content, checksum in db.execute(query, some).fetchall():
                if checksum == _sum(name, content):
                    yield name, orjson.loads(content)
                else:
                    db.execute("DELETE FROM kept WHERE key = ?", (name,))

    def _write(self, db: sqlite3.Connection, rows: Sequence[tuple[bytes, bytes, bytes]]) -> None:
        if self._path.stat().st_size < self._max_bytes:
            with db:
                db.execute("BEGIN IMMEDIATE")
                db.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?, ?)", rows)

    def _spared(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """Return what `work` makes of the database; None if that cannot be used, now or from here on."""
        if self._off:
            return None
        try:
            self._db = self._db or self._open()
            return work(self._db)
        except (sqlite3.OperationalError, OSError) as error:
            self._off = True
            log.warning("%s: not used from here on (%s)", self._path, error)
        except sqlite3.DatabaseError as error:
            log.warning("%s: damaged (%s), begun anew", self._path, error)
            self._close()
            remove([self._path])
        return None

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self._close()
        if not self._off:
            trim(self._root, self._max_bytes)

    def __str__(self) -> str:
        return (
            f"{self.found:,} taken from the store, {self.missed:,} computed" if self._max_bytes else "nothing is kept"
        )


def _encoded(values: Mapping[bytes, Any]) -> Iterator[tuple[bytes, bytes]]:
    return ((name, orjson.dumps(value)) for name, value in values.items())


def files(root: Path) -> list[File]:
    """Return the files of the store of project `root`, last used first."""
    found = []
    for path in (root / FOLDER).glob("*/*.sqlite"):
        with suppress(FileNotFoundError):  # another stage has just removed it
            found.append(File(path, path.stat().st_size, path.stat().st_mtime))
    return sorted(found, key=lambda file: file.used_at, reverse=True)


def unused(root: Path, days: float) -> list[File]:
    """Return the files that have not been used for `days`."""
    return [file for file in files(root) if file.used_at < time.time() - days * DAY_S]


def trim(root: Path, max_bytes: float) -> None:
    """Delete files used longest ago, as many as are beyond `max_bytes`; the one used last stays."""
    total = 0
    for number, file in enumerate(files(root)):
        total += file.size
        if number and total > max_bytes:
            remove([file.path])


def remove(paths: Iterable[Path]) -> None:
    """Delete files of the store, with the journals of writers that were killed."""
    for path in paths:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
