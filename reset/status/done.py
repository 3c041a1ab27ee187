"""Which stages are done: dvc.lock against dvc.yaml, params.yaml and the files, without reading a large one.

What a stage made is as dvc.lock says if it is there and, for a file, has its size. Hashes of folders that stages wrote
are computed from dvc.lock and from DVC's cache. Other files, such as code, are hashed up to `LARGE` bytes; a larger one
is taken for unchanged if its size is. `dvc status` reads everything and is the last word.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from reset.status.lock import Entry, File
from reset.status.pipeline import Stage

LARGE = 1_000_000  # bytes
_WORDS: Mapping[Any, Any] = {"off": False, "no": False, "on": True, "yes": True}  # YAML 1.1 and 1.2 differ
Listing = dict[str, str]  # path below a folder -> md5


class Project:
    """The stages of a project and what dvc.lock says of them."""

    def __init__(self, root: Path, stages: Iterable[Stage], lock: Mapping[str, Entry], params: Mapping[str, Any]):
        self._root, self._lock, self._params = root, lock, params
        self.stages = {stage.name: stage for stage in stages}
        self._makers = {out: stage.name for stage in self.stages.values() for out in stage.outs}
        self._below: dict[str, list[str]] = {}  # folder -> the outs in it
        for out in self._makers:
            for folder in Path(out).parents:
                self._below.setdefault(folder.as_posix(), []).append(out)
        self._now = cache(self._file)

    def before(self, stage: Stage) -> set[str]:
        """Return the stages that make what `stage` reads."""
        outs = (out for dep in stage.deps for out in self._outs_of(dep))
        return {self._makers[out] for out in outs} - {stage.name}

    def _outs_of(self, dep: str) -> list[str]:
        """Return the outs that a dependency is, holds or lies in."""
        above = [path for path in (dep, *map(Path.as_posix, Path(dep).parents)) if path in self._makers]
        return above[:1] or self._below.get(dep, [])

    def done(self) -> set[str]:
        """Return the stages that `dvc repro` would leave alone, as would all before them."""
        state: dict[str, bool] = {}

        def is_done(name: str) -> bool:
            if name not in state:
                state[name] = False  # a circle is never done
                stage = self.stages[name]
                state[name] = all([is_done(earlier) for earlier in self.before(stage)]) and self._unchanged(stage)
            return state[name]

        return {name for name in self.stages if is_done(name)}

    def _unchanged(self, stage: Stage) -> bool:
        entry = self._lock.get(stage.name)
        return (
            entry is not None
            and entry.cmd == stage.cmd
            and all(same_value(entry, self._params, key) for key in stage.params)
            and set(entry.deps) == set(stage.deps)
            and all(self._is(path, then) for path, then in entry.deps.items())
            and all(out in entry.outs and self._there(out, entry.outs[out]) for out in stage.outs)
        )

    def _there(self, out: str, then: File) -> bool:
        path = self._root / out
        return path.is_dir() if then.md5.endswith(".dir") else path.is_file() and path.stat().st_size == then.size

    def _is(self, dep: str, then: File) -> bool:
        """Say whether a dependency is what it was; where only its size can be told, that decides."""
        now = self._now(dep)
        return now is not None and (now.md5 == then.md5 if now.md5 and then.md5 else now.size == then.size)

    def _file(self, dep: str) -> File | None:
        """Return what is at `dep` now, with an empty hash if that is not known; None if nothing is."""
        if dep in self._makers:
            entry = self._lock.get(self._makers[dep])
            return entry.outs.get(dep) if entry else None
        path = self._root / dep
        if path.is_file():
            size = path.stat().st_size
            return File(_file_md5(path) if size <= LARGE else "", size, None)
        if not path.is_dir():
            return None
        listing = self._folder(dep)
        files = list(_files(path))
        md5 = "" if listing is None else _folder_md5(listing)
        return File(md5, sum(file.stat().st_size for file in files), len(files))

    def _folder(self, folder: str) -> Listing | None:
        """Return the files below a folder, made by stages or not; None if a hash is not known."""
        listing: Listing = {}
        for out in self._outs_of(folder):
            entry = self._lock.get(self._makers[out])
            file = entry.outs.get(out) if entry else None
            part = self._parts(out, file) if file else None
            if part is None:
                return None
            inside = {Path(path): md5 for path, md5 in part.items() if Path(path).is_relative_to(folder)}
            listing |= {path.relative_to(folder).as_posix(): md5 for path, md5 in inside.items()}
        return None if (others := self._others(folder)) is None else listing | others

    def _parts(self, out: str, file: File) -> Listing | None:
        """Return the files that an out is or holds, with their paths in the project."""
        if not file.md5.endswith(".dir"):
            return {out: file.md5}
        kept = self._root / ".dvc/cache/files/md5" / file.md5[:2] / file.md5[2:]
        if not kept.is_file():
            return None
        return {f"{out}/{row['relpath']}": row["md5"] for row in json.loads(kept.read_text(encoding="utf-8"))}

    def _others(self, folder: str) -> Listing | None:
        """Hash the files below a folder that no stage makes; None if one is large."""
        listing: Listing = {}
        for file in _files(self._root / folder):
            path = file.relative_to(self._root)
            if not any(one.as_posix() in self._makers for one in (path, *path.parents)):
                if file.stat().st_size > LARGE:
                    return None
                listing[path.relative_to(folder).as_posix()] = _file_md5(file)
        return listing


def same_value(entry: Entry, params: Mapping[str, Any], key: str) -> bool:
    """Return whether `key`, with dots, has the value in `params`, a content of params.yaml, that it had for `entry`."""
    found: Any = params
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return key in entry.params and _leaf(entry.params[key]) == _leaf(found)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files that DVC sees (.dvcignore)."""
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path


def _file_md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _folder_md5(listing: Listing) -> str:
    """Return DVC's hash of a folder."""
    rows = [{"md5": md5, "relpath": path} for path, md5 in sorted(listing.items(), key=lambda row: row[0].split("/"))]
    return hashlib.md5(json.dumps(rows, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _leaf(value: Any) -> Any:
    """Return a value of params.yaml in a form in which DVC's writing and ours of the same are equal."""
    if isinstance(value, Mapping):
        return {str(key): _leaf(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_leaf(one) for one in value]
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return _WORDS.get(value, value)
    return value
