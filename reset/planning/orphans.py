"""Find what rows that were renamed or removed have left behind: entries of dvc.lock, and files of the stages' folders.

Stages such as `report` depend on whole folders. A file there that no stage makes any more is part of the folder's hash
on this machine and missing in a clone, which then runs those stages again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reset.errors import ResetError
from reset.files.atomic import atomic

FOLDERS = ("data", "models", "metrics")  # where the stages write
LOCK = Path("dvc.lock")


@dataclass(frozen=True)
class Orphans:
    """What belongs to no stage: entries of dvc.lock by name, and files, both in order."""

    entries: list[str]
    files: list[Path]

    def __bool__(self) -> bool:
        return bool(self.entries or self.files)

    def __str__(self) -> str:
        return f"{len(self.entries)} entries of {LOCK} and {len(self.files)} files belong to no stage"


def find(repo: Any, root: Path) -> Orphans:
    """Return the orphans of the project `root`; `repo` is DVC's, read already."""
    index = repo.index
    outs = {Path(out.fs_path) for out in index.outs}
    files = [path for path in _written(root) if not any(part in outs for part in (path, *path.parents))]
    names = {stage.name for stage in index.stages}
    return Orphans([name for name in _entries(root / LOCK) if name not in names], [f.relative_to(root) for f in files])


def load(root: Path) -> Orphans:
    """Return the orphans of the project `root`. Raises `ResetError` where DVC cannot read it."""
    from dvc.exceptions import DvcException  # DVC takes a second to import
    from dvc.repo import Repo

    try:
        return find(Repo(str(root)), root.resolve())
    except DvcException as error:
        raise ResetError(f"DVC: {str(error).splitlines()[0]}") from error


def _written(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted(path for path in (root / folder).rglob("*") if path.is_file() and path.name != ".gitignore")


def _entries(lock: Path) -> list[str]:
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    return re.findall(r"^  ([^\s'\"].*):$", text, flags=re.MULTILINE)


def remove(orphans: Orphans, root: Path) -> None:
    """Delete the files, the folders that they leave empty, and the entries of dvc.lock."""
    for file in orphans.files:
        (root / file).unlink()
        for folder in (root / file).parents:
            if folder == root or any(folder.iterdir()):
                break
            folder.rmdir()
    if orphans.entries:
        text = (root / LOCK).read_text(encoding="utf-8")
        for name in orphans.entries:
            text = re.sub(rf"^  {re.escape(name)}:\n(?:   .*\n)*", "", text, flags=re.MULTILINE)
        with atomic(root / LOCK) as temporary:
            temporary.write_text(text, encoding="utf-8")
