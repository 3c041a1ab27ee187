"""Where raw records come from: a local file or folder, a generator, the hub, or plain URLs."""

import hashlib
import re
import shutil
import urllib.request
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol, runtime_checkable
from urllib.parse import urlsplit

from reset import registry
from reset.errors import ResetError
from reset.examples import formats
from reset.files.schemas import SPLITS
from reset.sources import Record, Source, Where

NO_SPLIT = "records"  # the file name, without suffix, of records whose split is not known
SPELLINGS = {"val": "dev", "valid": "dev", "validation": "dev"} | {split: split for split in SPLITS}
HUB = {"hub": "reset.examples.hub:Hub"}  # a plug-in, because the `datasets` library takes seconds to import
TIMEOUT_S = 60


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
    records: Iterable[Record | formats.Broken]


class Origin(NamedTuple):
    """Where a source is read from: name and revision for the metrics, and its streams in order."""

    name: str
    revision: str | None
    streams: Iterator[Stream]


def locate(source: Source, *, path: Path | None, revision: str | None, downloads: Path) -> Origin:
    """Locate the records of `source`: at `path` if given, else at the source's own location. No record is read yet.

    Raises `ResetError` if there is no such location.
    """
    where = source.where
    if path:
        return Origin(str(path), None, iter(_local(where, path)))
    if isinstance(source, Generated):
        generated = (Stream(split, f"generated {split} split", source.generate(split)) for split in source.splits)
        return Origin("generated", None, generated)
    if where.hub:
        hub = registry.load(HUB, "hub", "origin")(where, revision)
        parts = where.splits.items()
        return Origin(
            where.hub, hub.commit(), (Stream(ours, f"{where.hub} {part}", hub.records(part)) for ours, part in parts)
        )
    if where.urls:
        revision = revision or where.revision
        return Origin(", ".join(where.urls.values()), revision, _downloaded(where, revision, downloads))
    raise ResetError(f"This data set cannot be downloaded automatically: {where.how or 'set `path` to a local copy'}")


def split_of(name: str, where: Where) -> str:
    """Return the split named in a file's path (train-00000-of-1.parquet, nq-dev.json.gz), or `records` if none is.

    `where.splits` has precedence: if the validation split serves as the test set, `validation.jsonl` is `test`.
    """
    ours = {SPELLINGS.get(theirs, theirs): split for split, theirs in where.splits.items()}
    for word in re.split(r"[^a-z0-9]+", name.lower()):
        if word in SPELLINGS:
            return ours.get(SPELLINGS[word], SPELLINGS[word])
    return NO_SPLIT


def _local(where: Where, path: Path) -> list[Stream]:
    if not path.exists():
        raise ResetError(f"{path}: no such file or folder")
    files = sorted(file for file in path.rglob("*") if formats.known(file)) if path.is_dir() else [path]
    if not files:
        raise ResetError(f"{path}: holds no file whose name ends in {', '.join(formats.SUFFIXES)}")
    names = [str(file.relative_to(path)) if path.is_dir() else file.name for file in files]
    return [
        Stream(split_of(name, where), str(file), formats.records(file)) for name, file in zip(names, files, strict=True)
    ]


def _downloaded(where: Where, revision: str | None, folder: Path) -> Iterator[Stream]:
    for split, pattern in where.urls.items():
        url = pattern.format(revision=revision)
        url_hash = hashlib.sha256(url.encode()).hexdigest()[:16]  # keeps the files of different revisions apart
        file = folder / url_hash / PurePosixPath(urlsplit(url).path).name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            _download(url, file)
        yield Stream(split, url, formats.records(file))


def _download(url: str, file: Path) -> None:
    """Download `url` to `file`, resuming after the bytes that an earlier, failed attempt has left in `file`.part."""
    part = file.with_name(f"{file.name}.part")
    offset = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={offset}-"} if offset else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
            offset = offset if getattr(reply, "status", None) == HTTPStatus.PARTIAL_CONTENT else 0
            length = reply.headers.get("Content-Length")
            with part.open("ab" if offset else "wb") as target:
                shutil.copyfileobj(reply, target)
    except OSError as error:
        raise ResetError(f"Cannot download {url}: {error} (run it again, or set `path` to a local copy)") from error
    if length is not None and part.stat().st_size != offset + int(length):
        raise ResetError(
            f"Cannot download {url}: it stopped at {part.stat().st_size} of {offset + int(length)} bytes; "
            "the next run resumes there (or set `path` to a local copy)"
        )
    part.rename(file)
