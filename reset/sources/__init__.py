"""Data sets: where each one lives, and one pure function from its raw records to examples.

A source keeps `where` it lives (hub id, configuration, pinned revision, files) apart from `outcomes`, which turns raw
records into examples or says why it leaves one out. `fetch` knows the first, `prepare` the second.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import Any, Literal, Protocol, runtime_checkable

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """One prompt with its context and references; see `reset.files.schemas.EXAMPLES` for the columns' meaning."""

    id: str  # the source's own id, else `content_id`; unique within a split
    task: str
    instruction: str
    question: str = ""
    passages: Sequence[str] = ()
    references: Sequence[str] = ()
    checks: str | None = None
    split: str | None = None  # set only by sources whose records name their own split


@dataclass(frozen=True)
class SetAside:
    """A record left out, and why: a short reason in words, the same for all records of its kind."""

    reason: str
    detail: str = ""  # what is wrong with this one


@dataclass(frozen=True)
class Where:
    """Where a data set lives: a hub id with a pinned revision, or files; `how` says how to obtain a gated one."""

    hub: str | None = None
    config: str | None = None
    revision: str | None = None
    data_files: str | None = None  # pattern inside the hub repository, with {split}
    splits: Mapping[str, str] = field(default_factory=dict)  # ours -> the hub's
    urls: Mapping[str, str] = field(default_factory=dict)  # split -> plain file
    licence: str = ""
    how: str = ""


class Source(Protocol):
    """One data set. Constructed with its row's `options` as keyword arguments."""

    where: Where

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into exactly one outcome each, in order.

        An iterator like `map`, which goes on behind a record that raises `ResetError`. Pure: records may come in
        several calls, in processes of their own.
        """
        ...


@runtime_checkable
class Joined(Protocol):
    """A source whose outcomes draw on other records of the file: it is given all of them at once."""

    joined: Literal[True]


def content_id(*parts: str) -> str:
    """A stable id of 16 hex digits made of the record's own text."""
    listed = f"[{', '.join(map(encode_basestring, parts))}]"  # as JSON, which parts the texts beyond doubt
    return hashlib.sha256(listed.encode("utf-8", "surrogatepass")).hexdigest()[:16]
