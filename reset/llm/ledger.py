"""The ledger: stores every reply of a language model, for all runs, experiments and commits.

One SQLite file, one row per question (judge, model, rendered prompt, decoding) and server. A reply is committed before
it is used, so a killed process loses none (write-ahead log; only a power cut may lose the last few). The file is
`.ledger/replies.sqlite` in the project's folder, or the path in RESET_LEDGER; it must be on a local disk.

Ledgers of before version 1 had one reply per question, whichever server gave it; they are rewritten when opened.
"""

import fcntl
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from reset.errors import ResetError
from reset.llm import Question, Reply

CHARACTERS_PER_TOKEN = 4.0  # English; used until the ledger has replies of the model

TIMEOUT_S = 60.0  # how long another writer is waited for
DAMAGED = "put back a copy, or move it away: then all that it held is asked and paid for again"
VERSION = 1
_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT NOT NULL, judge TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL, decoding TEXT NOT NULL,
    base_url TEXT NOT NULL, pool TEXT NOT NULL, text TEXT NOT NULL, finish_reason TEXT, served_model TEXT,
    fingerprint TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, usd REAL, seconds REAL NOT NULL,
    attempts INTEGER NOT NULL, batch INTEGER NOT NULL, asked_at TEXT NOT NULL, PRIMARY KEY (key, base_url)
) STRICT""",
    "CREATE INDEX IF NOT EXISTS spend ON replies (judge, pool)",
    "CREATE INDEX IF NOT EXISTS forms ON replies (model, base_url, decoding)",
    """
CREATE TABLE IF NOT EXISTS batches (
    file_id TEXT PRIMARY KEY, batch_id TEXT, judge TEXT NOT NULL, pool TEXT NOT NULL, base_url TEXT NOT NULL,
    submitted_at TEXT NOT NULL
) STRICT""",
)
_COLUMNS = (
    "key, judge, model, prompt, decoding, base_url, pool, text, finish_reason, served_model, fingerprint, "
    "prompt_tokens, completion_tokens, usd, seconds, attempts, batch, asked_at"
)
_REPLY = "text, finish_reason, served_model, fingerprint, prompt_tokens, completion_tokens, seconds, attempts, batch"
_SPEND = """
SELECT judge, pool, model, group_concat(DISTINCT served_model) AS served, count(*) AS replies,
    sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens, sum(usd) AS usd,
    sum(attempts) - count(*) AS retries
FROM replies WHERE judge = ifnull(:judge, judge) GROUP BY judge, pool, model ORDER BY judge, pool, model
"""


def location() -> Path:
    """Return the path of the ledger; DVC experiments in other folders share that of the project."""
    if named := os.environ.get("RESET_LEDGER"):
        return Path(named)
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()) / ".ledger" / "replies.sqlite"


class Ledger:
    """An open ledger; use it as a context manager.

    Raises `ResetError` if the file is not a ledger, is damaged, locked for `TIMEOUT_S`, or cannot be written. It is
    never begun anew: what it holds was paid for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._usable():
            path.parent.mkdir(parents=True, exist_ok=True)
            # each statement commits by itself
            self._db = sqlite3.connect(path, timeout=TIMEOUT_S, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._set_up()

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Turn what SQLite and the operating system say of the file into a `ResetError`."""
        try:
            yield
        except sqlite3.IntegrityError:  # a bug
            raise
        except sqlite3.OperationalError as error:
            raise ResetError(f"{self._path}: cannot be used as a ledger ({error})") from error
        except sqlite3.DatabaseError as error:
            raise ResetError(f"{self._path}: cannot be used as a ledger ({error}); {DAMAGED}") from error
        except OSError as error:
            raise ResetError(f"{error.filename or self._path}: {error.strerror}; the ledger must be written") from error

    def _all(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """Run a statement; return its rows."""
        with self._usable():
            return self._db.execute(query, values).fetchall()

    def _first(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        return next(iter(self._all(query, values)), None)

    def _set_up(self) -> None:
        """Create the tables, or rewrite those of an older version; `ResetError` for a newer one."""
        if self._version() == VERSION:
            return
        self._db.execute("BEGIN IMMEDIATE")  # another process may do the same
        with self._db:
            if (version := self._version()) > VERSION:
                raise ResetError(f"{self._path}: a ledger of version {version}; this program reads {VERSION} at most")
            old = version < VERSION and self._db.execute("PRAGMA table_info(replies)").fetchone()
            if old:
                self._db.execute("ALTER TABLE replies RENAME TO old_replies")
                self._db.execute("DROP INDEX IF EXISTS spend")
            for statement in _SCHEMA:
                self._db.execute(statement)
            if old:
                self._db.execute(f"INSERT INTO replies ({_COLUMNS}) SELECT {_COLUMNS} FROM old_replies ORDER BY rowid")  # nosec B608: names of our columns
                self._db.execute("UPDATE replies SET base_url = rtrim(base_url, '/')")
                self._db.execute("UPDATE batches SET base_url = rtrim(base_url, '/')")
                self._db.execute("DROP TABLE old_replies")
            self._db.execute(f"PRAGMA user_version = {VERSION}")

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @contextmanager
    def turn(self, base_url: str) -> Iterator[None]:
        """Wait until no other process asks the same server: they share its rate limits, and can reuse replies."""
        name = hashlib.sha256(base_url.encode()).hexdigest()[:12]
        with ExitStack() as stack:
            with self._usable():
                file = stack.enter_context(self._path.with_name(f"{name}.lock").open("w"))
                fcntl.flock(file, fcntl.LOCK_EX)  # released by the system when the process dies
            yield

    def get(self, question: Question, base_url: str) -> Reply | None:
        """Return the stored reply of the server at `base_url` to `question`, or None."""
        query = f"SELECT {_REPLY} FROM replies WHERE key = ? AND base_url = ?"  # nosec B608: names of our columns
        row = self._first(query, (question.key, base_url))
        return Reply(**{**dict(row), "batch": bool(row["batch"])}) if row else None

    def answered(self, question: Question, base_url: str) -> bool:
        """Return whether the server at `base_url` has ever answered a question of the same form."""
        query = "SELECT 1 FROM replies WHERE model = ? AND base_url = ? AND decoding = ? LIMIT 1"
        return self._first(query, (question.model, base_url, question.decoding)) is not None

    def put(self, question: Question, reply: Reply, *, pool: str, base_url: str, usd: float | None) -> None:
        """Store a reply and charge `pool` for it. A second reply of a server to a question is a bug."""
        values = {
            **{name: getattr(question, name) for name in ("key", "judge", "model", "prompt", "decoding")},
            **{name: getattr(reply, name) for name in _REPLY.split(", ")},
            "pool": pool,
            "base_url": base_url,
            "usd": usd,
            "asked_at": _now(),
        }
        self._all(
            f"INSERT INTO replies ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",  # nosec B608: names of our columns
            [*values.values()],
        )

    def spent(self, judge: str, pool: str) -> float:
        """Return the US dollars spent by `judge` on `pool`."""
        (row,) = self._all("SELECT sum(usd) FROM replies WHERE judge = ? AND pool = ?", (judge, pool))
        return float(row[0] or 0.0)

    def spend(self, judge: str | None = None) -> list[dict[str, Any]]:
        """Return replies, tokens and US dollars per judge, pool and model; `usd` is null where no price was known."""
        return [dict(row) for row in self._all(_SPEND, {"judge": judge})]

    def rows(self, judge: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield all columns of each reply, in the order of arrival."""
        query = "SELECT * FROM replies WHERE judge = ifnull(?, judge) ORDER BY rowid"
        with self._usable():
            found = self._db.execute(query, (judge,))
        while True:
            with self._usable():
                row = found.fetchone()
            if row is None:
                return
            yield dict(row)

    def experience(self, model: str) -> tuple[float, float | None]:
        """Return the characters per prompt token of `model` so far, and the mean tokens of its replies, if any."""
        (row,) = self._all(
            "SELECT sum(length(prompt)) * 1.0 / sum(prompt_tokens), avg(completion_tokens) FROM replies "
            "WHERE model = ? AND prompt_tokens > 0",
            (model,),
        )
        return float(row[0] or CHARACTERS_PER_TOKEN), row[1]

    def uploaded(self, file_id: str, *, judge: str, pool: str, base_url: str) -> None:
        """Record the input file of a batch before creating the batch, so that neither is lost or created twice."""
        self._all("INSERT INTO batches VALUES (?, NULL, ?, ?, ?, ?)", (file_id, judge, pool, base_url, _now()))

    def submitted(self, file_id: str, batch_id: str) -> None:
        """Record the batch of an input file."""
        self._all("UPDATE batches SET batch_id = ? WHERE file_id = ?", (batch_id, file_id))

    def open_batches(self, judge: str, base_url: str) -> list[tuple[str, str | None, str]]:
        """Return input file, batch id (None if perhaps never created) and pool of batches without stored replies."""
        query = "SELECT file_id, batch_id, pool FROM batches WHERE judge = ? AND base_url = ? ORDER BY rowid"
        return [tuple(row) for row in self._all(query, (judge, base_url))]

    def taken_in(self, file_id: str) -> None:
        """Remove the record of a batch: its replies are stored, or it has none."""
        self._all("DELETE FROM batches WHERE file_id = ?", (file_id,))

    def forget_batch(self, batch_id: str) -> bool:
        """Remove the record of a batch that is lost; return whether there was one."""
        return bool(self._all("DELETE FROM batches WHERE batch_id = ? RETURNING batch_id", (batch_id,)))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
