"""Where raw records come from: a local file or folder, a generator, the hub, or plain URLs."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from reset import registry
from reset.errors import ResetError
from reset.examples import formats
from reset.examples.downloads import downloaded
from reset.examples.raw_json import Broken
from reset.sources import Record, Source, Where
from reset.sources.split_names import SPELLINGS, VAGUE, words

NO_SPLIT = "records"  # the file name, without suffix, of records whose split is not known
HUB = {"hub": "reset.examples.hub:Hub"}  # a plug-in, because the `datasets` library takes seconds to import
NOTES = (
    ".md",
    ".txt",
    ".pdf",
    ".py",
    ".ipynb",
    ".yaml",
    ".yml",
    ".log",
    ".html",
)  # files beside data that hold no records
DESCRIPTIONS = (
    "dataset_info.json",
    "dataset_infos.json",
    "dataset_dict.json",
    "state.json",
)  # of `datasets`, no records


@runtime_checkable
class Generated(Protocol):
    """A source that generates its records instead of downloading them."""

    splits: tuple[str, ...]

    def generate(self, split: str) -> Iterator[Record]:
        """Yield the raw records of `split`."""
        ...


class Stream(NamedTuple):
    """Records of one file, URL or hub split; `origin` is its name in error messages."""

    split: str
    origin: str
    records: Iterable[Record | Broken]


class Origin(NamedTuple):
    """Where a source is read from: name and revision for the metrics, its streams in order, and files left alone."""

    name: str
    revision: str | None
    streams: Iterator[Stream]
    not_read: tuple[str, ...] = ()


def locate(
    source: Source, *, path: Path | None, revision: str | None, downloads: Path, where: Where | None = None
) -> Origin:
    """Locate the records of `source`: at `path`, else at `where`, else where the source says. No record is read yet.

    Raises `ResetError` if there is no such location, or if the name of a local file says more than one split.
    """
    own, where = where is None, where or source.where
    if path:
        return _local(where, path)
    if own and isinstance(source, Generated):
        generated = (Stream(split, f"generated {split} split", source.generate(split)) for split in source.splits)
        return Origin("generated", None, generated)
    if where.hub:
        return _on_hub(where, where.hub, revision)
    if where.urls:
        revision = revision or where.revision
        files = downloaded(where.urls, revision, downloads)
        streams = (Stream(split, url, formats.records(file)) for split, url, file in files)
        return Origin(", ".join(where.urls.values()), revision, streams)
    raise ResetError(f"This data set cannot be downloaded automatically: {where.how or 'set `path` to a local copy'}")


def split_of(name: str, where: Where) -> str:
    """Return the split that a file's path names (train-00000-of-1.parquet, nq-dev.json.gz), or `records` if none.

    `where.splits` has precedence: if the validation split serves as the test set, `validation.jsonl` is `test`.
    Raises `ResetError` if the path names two splits.
    """
    ours = {SPELLINGS.get(theirs, theirs): split for split, theirs in where.splits.items()}
    named = {ours.get(split, split) for word in words(name) if (split := SPELLINGS.get(word))}
    if len(named) > 1:
        raise ResetError(f"{name}: its name says more than one split ({', '.join(sorted(named))}): rename it")
    return named.pop() if named else NO_SPLIT


def _on_hub(where: Where, name: str, revision: str | None) -> Origin:
    hub = registry.load(HUB, "hub", "origin")(where, revision)
    streams = (
        Stream(ours, f"{name} {part}{_first(rows)}", hub.records(part, rows))
        for ours, part in where.splits.items()
        for rows in [where.take.get(ours)]
    )
    return Origin(name, hub.commit(), streams)


def _first(rows: int | None) -> str:
    return "" if rows is None else f", its first {rows} rows"


def _local(where: Where, path: Path) -> Origin:
    if not path.exists():
        raise ResetError(f"{path}: no such file or folder")
    if not path.is_dir():
        return Origin(str(path), None, iter([Stream(split_of(path.name, where), str(path), formats.records(path))]))
    files = sorted(file for file in path.rglob("*") if file.is_file())
    read = [file for file in files if _holds_records(file.relative_to(path))]
    if not read:
        raise ResetError(f"{path}: holds no file whose name ends in {', '.join(formats.SUFFIXES)}")
    names = [str(file.relative_to(path)) for file in read]
    splits = [split_of(name, where) for name in names]
    if set(splits) == {NO_SPLIT} and len(words(path.name)) == 1:  # `mine/test` says it, `my_test_run` does not
        splits = [split_of(path.name, where)] * len(read)
    elif unsure := [name for name, split in zip(names, splits, strict=True) if split == NO_SPLIT and _is_vague(name)]:
        raise ResetError(f"{path / unsure[0]}: beside files with a split it may be dev or test: rename it to say which")
    streams = [Stream(split, str(file), formats.records(file)) for split, file in zip(splits, read, strict=True)]
    others = [str(file.relative_to(path)) for file in files if file not in set(read)]
    _require_no_other_split(path, others, splits, where)
    return Origin(str(path), None, iter(streams), tuple(others))


def _require_no_other_split(path: Path, others: Iterable[str], splits: Collection[str], where: Where) -> None:
    """Raise `ResetError` if a file that is not read has the name of a split that no file has which is."""
    for name in others:
        hidden = any(part.startswith(".") for part in Path(name).parts)
        if hidden or Path(name).suffix.lower() in NOTES:
            continue
        if (split := split_of(name, where)) not in {NO_SPLIT, *splits}:
            raise ResetError(
                f"{path / name}: its name says {split}, but its format is not read: convert it to one of "
                f"{', '.join(formats.SUFFIXES)}, or take it out of the folder"
            )


def _holds_records(name: Path) -> bool:
    hidden = any(part.startswith(".") for part in name.parts)
    return formats.known(name) and not hidden and name.name not in DESCRIPTIONS


def _is_vague(name: str) -> bool:
    return not set(VAGUE).isdisjoint(words(name))
