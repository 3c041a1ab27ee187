"""Find the configuration, the tokenizer and the list of files of each starting model from the hub or a local folder."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from reset.bases import convert
from reset.bases.hub import FILES
from reset.bases.usable import WEIGHTS
from reset.checking import hub
from reset.checking.findings import Found, error, skipped
from reset.params.training import Base


@dataclass(frozen=True)
class Files:
    """A model's files: those that are not weights lie in `folder`, `sizes` has all (name -> bytes)."""

    id: str
    folder: Path
    sizes: Mapping[str, int]

    @property
    def bytes(self) -> int:
        """Bytes of the files that stage `base` takes."""
        return sum(size for name, size in self.sizes.items() if any(fnmatch(name, pattern) for pattern in FILES))


def find(name: str, base: Base, *, made: bool, offline: bool) -> tuple[Files | None, Found]:
    """Return the files of row `name` of `base`, or None, and what is wrong; with `made`, stage `base` has got them.

    Pickled weights that stage `base` will convert are counted as the safetensors that it makes of them.
    """
    files, found = _find(name, base, made=made, offline=offline)
    return (_converted(files) if files and base.options.get("convert") else files), found


def _converted(files: Files) -> Files:
    pickled = {name: size for name, size in files.sizes.items() if fnmatch(name, convert.PICKLED)}
    if not pickled or any(name.endswith(".safetensors") for name in files.sizes):
        return files
    others = {name: size for name, size in files.sizes.items() if name not in pickled and name != convert.INDEX}
    return replace(files, sizes={**others, WEIGHTS[0]: sum(pickled.values())})


def _find(name: str, base: Base, *, made: bool, offline: bool) -> tuple[Files | None, Found]:
    key, id, revision = f"base.{name}.options", str(base.options.get("id")), base.options.get("revision")
    if made:
        return _in_folder(id, Path("models/base") / name), []
    if Path(id).is_dir():
        return _in_folder(id, Path(id)), []
    if id.startswith((".", "/", "~")) or id.count("/") > 1:
        return None, [error(f"{key}.id", f"there is no folder '{id}'", "correct the path, or name a hub id")]
    if offline:
        return _in_cache(key, id, revision)
    repository, found = hub.look("model", id, revision, key)
    if repository is None:
        return None, found
    try:
        return Files(id, hub.small_files(repository), repository.files), found
    except hub.REFUSALS as failed:
        return None, [*found, hub.lost(key, failed)]


def _in_folder(id: str, folder: Path) -> Files:
    return Files(id, folder, {file.name: file.stat().st_size for file in folder.iterdir() if file.is_file()})


def _in_cache(key: str, id: str, revision: str | None) -> tuple[Files | None, Found]:
    """Return what the hub's cache has of a model; its weights count as there, and are not looked for."""
    folder, what = hub.cached(id, revision), f"'{id}' not looked for on the hub"
    moves = hub.pinned("model", id, key, revision)
    mend = "run without --offline where there is a network"
    if folder is None:
        return None, [*moves, skipped(f"{key}.id", what, mend)]
    files = _in_folder(id, folder)
    sizes = {WEIGHTS[0]: 0, **files.sizes}
    lines = [*moves, skipped(f"{key}.id", f"{what}; its small files are in the cache", mend)]
    return Files(id, folder, sizes), lines
