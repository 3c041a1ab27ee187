"""Data sets: where each one is stored, and a pure function from its raw records to examples.

A source has two independent parts. `where` is its location: hub id, configuration, pinned revision, files. Stage
`fetch` uses it. `outcomes` turns raw records into examples, or gives the reason for setting one aside. Stage `prepare`
uses it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import Any, Literal, Protocol, runtime_checkable

Record = Mapping[str, Any]
UNANSWERABLE = '{"answerable": false}'  # the passages do not hold the answer


@dataclass(frozen=True)
class Example:
    """One prompt with its context and references. `reset.files.schemas.EXAMPLES` explains the columns."""

    id: str  # the data set's own id, else `content_id`; unique within a split
    task: str
    instruction: str
    question: str = ""
    passages: Sequence[str] = ()
    references: Sequence[str] = ()
    checks: str | None = None  # JSON: constraints of the micro world, or UNANSWERABLE
    split: str | None = None  # set only by sources whose records name their own split


@dataclass(frozen=True)
class SetAside:
    """A record that does not become an example."""

    reason: str  # short, the same for all records of its kind: records are counted by it
    detail: str = ""  # what is wrong with this record


@dataclass(frozen=True)
class Where:
    """Where a data set is stored: on the hub, at plain URLs, or, with `how`, wherever a user has put it."""

    hub: str | None = None  # repository id
    config: str | None = None
    revision: str | None = None  # branch, tag or commit
    data_files: str | None = None  # pattern inside the hub repository, with {split}
    splits: Mapping[str, str] = field(default_factory=dict)  # our split -> the hub's split
    take: Mapping[str, int] = field(default_factory=dict)  # our split -> how many rows; of others all
    urls: Mapping[str, str] = field(default_factory=dict)  # split -> URL of a file, with {revision}
    licence: str = ""
    how: str = ""  # how to obtain a data set that cannot be downloaded


class Source(Protocol):
    """One data set. It is constructed with the `options` of its row in params.yaml as keyword arguments."""

    where: Where

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Return one outcome per raw record, in order.

        A record that cannot be read raises `ResetError`; the iterator must then continue with the next record, as that
        of `map` does. The method must be pure: records are passed in several calls, in several processes.
        """
        ...


@runtime_checkable
class Joined(Protocol):
    """A source whose outcomes depend on other records of the file: it gets all records of a file in one call."""

    joined: Literal[True]


def content_id(*parts: str) -> str:
    """Return a stable id of 16 hex digits: a hash of the record's text."""
    as_json = f"[{', '.join(map(encode_basestring, parts))}]"  # JSON keeps ("ab", "c") and ("a", "bc") apart
    return hashlib.sha256(as_json.encode("utf-8", "surrogatepass")).hexdigest()[:16]
