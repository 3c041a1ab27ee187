"""What a check finds: each finding is one line that says where in params.yaml, what, and how to mend it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "skipped"]
LEVELS: tuple[Level, ...] = ("error", "warning", "skipped")
GIGA = 1e9


@dataclass(frozen=True)
class Finding:
    """A fault, a risk, or what was not looked at; `key` is its place in params.yaml, with dots."""

    level: Level
    key: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.key}: {self.what}" + (f" -> {self.mend}" if self.mend else "")


@dataclass(frozen=True)
class Unreachable:
    """A row that could not be checked because its server cannot be reached; all rows of a server are one finding."""

    server: str
    key: str
    reason: str
    mend: str
    level: Level = "error"


Found = Iterable[Finding | Unreachable]


def error(key: str, what: str, mend: str = "") -> Finding:
    """Return what would stop a stage."""
    return Finding("error", key, one_line(what), mend)


def at_its_key(where: str, line: str) -> Finding:
    """Return the error that `line` says: at the key that it begins with if that is below `where`, else at `where`."""
    key, _, what = line.partition(": ")
    return error(key, what) if what and " " not in key and key.startswith(f"{where}.") else error(where, line)


def warning(key: str, what: str, mend: str = "") -> Finding:
    """Return what may stop a stage, or make a result hard to repeat."""
    return Finding("warning", key, one_line(what), mend)


def skipped(key: str, what: str, mend: str = "") -> Finding:
    """Return what was not looked at."""
    return Finding("skipped", key, one_line(what), mend)


def one_line(text: str) -> str:
    """Return `text` on one line, without a full stop at its end."""
    return " ".join(text.split()).removesuffix(".")


def merged(found: Found) -> Iterator[Finding]:
    """Yield distinct findings; those rows that could not be checked come last, in one finding per server."""
    rows = list(dict.fromkeys(found))
    yield from (row for row in rows if isinstance(row, Finding))
    servers: dict[str, list[Unreachable]] = {}
    for row in rows:
        if isinstance(row, Unreachable):
            servers.setdefault(row.server, []).append(row)
    for server, lost in servers.items():
        keys = ", ".join(dict.fromkeys(row.key for row in lost))
        level = min((row.level for row in lost), key=LEVELS.index)
        yield Finding(level, keys, one_line(f"{server} cannot be reached ({lost[0].reason})"), lost[0].mend)
