"""Look into a user's files: their first records, columns and splits, by the readers of the line itself."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from reset.errors import ResetError
from reset.examples.origins import NO_SPLIT, locate
from reset.examples.raw_json import Broken
from reset.sources import Record
from reset.sources.fields import has, nested
from reset.sources.own import Own
from reset.sources.split_names import spelled

FIRST = 100  # records of each file that are looked at
MOST = 100_000  # records whose split is looked up in a column


@dataclass(frozen=True)
class Look:
    """What a data set of `datasets` is: its name, its place, its first records, and the splits that file names say."""

    name: str
    path: str
    records: tuple[Record, ...]
    splits: frozenset[str]  # empty: no file's name says one

    @property
    def columns(self) -> list[str]:
        """The names of the columns; those inside objects with dots, as `fields` names them."""
        return list(dict.fromkeys(chain.from_iterable(map(_leaves, self.records))))

    def example(self, column: str) -> str:
        """Return the first value of a column as a text of a few words; "" if none of the records has any."""
        found = (nested(record, column) for record in self.records if has(record, column))
        value = next((str(one) for one in found if one not in (None, "", [])), "")
        return value if len(value) <= 40 else f"{value[:39].rstrip()}…"


def looks(paths: Sequence[str]) -> list[Look]:
    """Look into files and folders, of which there must be one at least."""
    if not paths:
        raise ResetError("Name a file at least")
    found: list[Look] = []
    for path in paths:
        found.append(look(path, [one.name for one in found]))
    return found


def look(path: str, taken: Iterable[str] = ()) -> Look:
    """Look into a file or folder; its data set gets a name that none of `taken` is.

    Raises `ResetError` if nothing is there, or nothing that can be read, or if it is a folder of unlike files.
    """
    if "${" in path:
        raise ResetError(f"{path}: a path with '${{' cannot stand in conf/, rename it")
    streams = list(locate(_any(), path=Path(path), revision=None, downloads=Path()).streams)
    by_file = {stream.origin: list(islice(stream.records, FIRST)) for stream in streams}
    found = list(chain.from_iterable(by_file.values()))
    _require_alike(path, by_file)
    records = tuple(one for one in found if not isinstance(one, Broken))
    if not records:
        why = f", the first is: {found[0].what}" if found and isinstance(found[0], Broken) else ""
        raise ResetError(f"{path}: holds no record that can be read{why}")
    splits = frozenset(stream.split for stream in streams) - {NO_SPLIT}
    return Look(_name(Path(path), set(taken)), path, records, splits)


def _require_alike(path: str, by_file: Mapping[str, Sequence[Record | Broken]]) -> None:
    """Raise `ResetError` if the files of a folder, which is one data set, have no column in common."""
    columns = {
        file: set(chain.from_iterable(_leaves(one) for one in records if not isinstance(one, Broken)))
        for file, records in by_file.items()
    }
    named = {file: names for file, names in columns.items() if names}
    if len(named) > 1 and not set.intersection(*named.values()):
        files = ", ".join(sorted(Path(file).name for file in named))
        raise ResetError(
            f"{path}: a folder is read as one data set, and {files} have no column in common: name the files"
        )


def column_splits(one: Look, column: str) -> frozenset[str] | None:
    """Return the splits that a column says in the first 100,000 records; None if one of its words is no split."""
    streams = locate(_any(), path=Path(one.path), revision=None, downloads=Path()).streams
    records = chain.from_iterable(stream.records for stream in streams)
    words = {_word(record, column) for record in islice(records, MOST) if not isinstance(record, Broken)} - {""}
    splits = {spelled(word) for word in words}
    return None if not splits or None in splits else frozenset(split for split in splits if split)


def _any() -> Own:
    """A source that only says where files are."""
    return Own(task="instruction", fields={"instruction": ""})


def _word(record: Record, column: str) -> str:
    return str(nested(record, column)).strip() if has(record, column) else ""


def _leaves(record: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def _name(path: Path, taken: set[str]) -> str:
    """Return the name of a file, without suffixes, as the name of a row."""
    stem = re.sub(r"[^\w-]+", "_", path.name.split(".")[0] or path.resolve().name).strip("_").lower() or "data"
    names = [stem, *(f"{stem}_{number}" for number in range(2, len(taken) + 2))]
    return next(name for name in names if name not in taken)
