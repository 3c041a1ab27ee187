"""Data sets: local files are there and readable, hub repositories and URLs answer, and declared splits exist."""

import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from reset.checking import hub
from reset.checking.findings import Finding, Found, Unreachable, error, skipped, warning
from reset.errors import ResetError
from reset.examples.origins import Generated, locate
from reset.params.data import Dataset
from reset.sources import Source, Where
from reset.sources.construction import construct, elsewhere
from reset.sources.split_names import SPELLINGS, words

TIMEOUT_S = 10.0
HUB_NAMES = {"dev": "validation"}  # our split -> what the hub calls it where file names alone say it


def check(name: str, row: Dataset, *, offline: bool) -> Found:
    """Yield what is wrong with row `name` of `datasets`."""
    key = f"datasets.{name}"
    try:
        source = construct(row.source, row.options, key=f"params.yaml: {key}")
    except ResetError as problem:
        return [error(f"{key}.options", problem.message)]
    named = elsewhere(row.hub.model_dump() if row.hub else None)
    where = named or source.where
    if row.path:
        return list(_local(key, source, Path(row.path)))
    if named is None and isinstance(source, Generated):
        return []
    if offline and (where.hub or where.urls):
        return [*_offline(key, row, where)]
    if where.hub:
        return _on_hub(key, where, row.revision or where.revision)
    if where.urls:
        return [found for url in where.urls.values() for found in _url(key, url, row.revision or where.revision)]
    return [error(f"{key}.path", "cannot be downloaded automatically", where.how)]


def _local(key: str, source: Source, path: Path) -> Iterator[Finding]:
    """Check that the file or folder exists, and read the first record of each file."""
    if not path.exists():
        yield error(f"{key}.path", f"there is no file or folder '{path}'", _how(source.where))
        return
    try:
        for stream in locate(source, path=path, revision=None, downloads=Path()).streams:
            if next(iter(stream.records), None) is None:
                yield error(f"{key}.path", f"'{stream.origin}' holds no records", "put another file there")
    except ResetError as problem:
        yield error(f"{key}.path", problem.message, _how(source.where) if "holds no file" in problem.message else "")


def _how(where: Where) -> str:
    """Return how to get a data set that is missing: its own text, or where it can be downloaded."""
    if where.how:
        return where.how
    origin = where.hub or ", ".join(where.urls.values())
    return f"put a copy of {origin} there, or set path to null and needs to reset/examples/{_needs(where)}"


def _needs(where: Where) -> str:
    return "hub.py" if where.hub else "origins.py"


def _offline(key: str, row: Dataset, where: Where) -> Iterator[Finding]:
    if where.hub:
        yield from hub.pinned("dataset", where.hub, key, row.revision or where.revision)
    yield skipped(key, f"{where.hub or 'its URLs'} not looked for", "run without --offline where there is a network")


def _on_hub(key: str, where: Where, revision: str | None) -> Found:
    repository, found = hub.look("dataset", str(where.hub), revision, key)
    return found if repository is None else [*found, *_splits(key, where, repository)]


def _splits(key: str, where: Where, repository: hub.Repository) -> Iterator[Finding]:
    """Check that the repository has the configuration and splits of the source, and no loading script."""
    at = f"{key}.source"
    if where.data_files:
        for split in where.splits.values():
            pattern = where.data_files.format(split=split)
            if not any(fnmatch(file, pattern) for file in repository.files):
                yield error(at, f"'{repository.id}' has no file {pattern}", "set path to a local copy")
        return
    if f"{repository.id.rpartition('/')[2]}.py" in repository.files:
        what = f"'{repository.id}' is a loading script, which is never run"
        yield error(at, what, f"set {key}.revision to refs/convert/parquet, or path to a local copy")
        return
    declared, sure = declared_splits(repository, where.config)
    for split in where.splits.values():
        if split not in declared:
            what = f"'{repository.id}' seems to have no split '{split}'; it has {', '.join(sorted(declared)) or 'none'}"
            mend = f"set {key}.revision to one that has it, or path to a local copy"
            yield (error if sure else warning)(at, what, mend)


def declared_splits(repository: hub.Repository, config: str | None) -> tuple[set[str], bool]:
    """Return the names of a repository's splits, and whether its card says so; else they follow from file names.

    A repository whose file names say no split has the split `train` alone: the rule of the `datasets` library.
    """
    for entry in _entries(repository.card.get("dataset_info"), config):
        if splits := {str(split["name"]) for split in entry.get("splits") or ()}:
            return splits, True
    for entry in _entries(repository.card.get("configs"), config):
        files = entry.get("data_files")
        if isinstance(files, list) and (splits := {str(file["split"]) for file in files if isinstance(file, Mapping)}):
            return splits, True
    ours = {SPELLINGS[word] for file in repository.files for word in words(file) if word in SPELLINGS}
    return {HUB_NAMES.get(split, split) for split in ours} or {"train"}, False


def _entries(value: Any, config: str | None) -> Iterable[Mapping[str, Any]]:
    """Return the parts of a data set's card that are about a configuration; all if it has no name."""
    entries = [value] if isinstance(value, Mapping) else value if isinstance(value, list) else []
    named = [entry for entry in entries if isinstance(entry, Mapping)]
    return [entry for entry in named if config is None or entry.get("config_name", config) == config]


def _url(key: str, pattern: str, revision: str | None) -> Iterator[Finding | Unreachable]:
    """Ask for the first byte of a file, as `fetch` would ask for all."""
    url = pattern.format(revision=revision)
    request = urllib.request.Request(url, headers={"Range": "bytes=0-0"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # nosec B310: an address of reset/sources
            return
    except HTTPError as refused:
        if refused.code < 500:
            at = f"{key}.revision" if revision else f"{key}.source"
            yield error(at, f"{url} is not there (status {refused.code})", "set path to a local copy")
            return
        reason = str(refused)
    except (OSError, HTTPException) as failed:
        reason = str(getattr(failed, "reason", failed))
    mend = "check the network, or set path to a local copy; --offline leaves URLs out"
    yield Unreachable(urlsplit(url).netloc, key, reason, mend)
