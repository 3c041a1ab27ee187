"""Lineage: the stages behind a file, from raw records and base models on, by the hashes that dvc.lock keeps of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from reset.errors import ResetError

KEPT = ("data", "models")  # folders whose files make other files; code and metrics do not count as origins


@dataclass(frozen=True)
class Step:
    """One stage that ran: what it made of what, path to hash, and the parameters it ran with, dotted key to value."""

    stage: str  # train@mtl
    made: dict[str, str]
    used: dict[str, str]
    params: dict[str, Any]

    @property
    def kind(self) -> str:
        """The stage without its row: `train`."""
        return self.stage.partition("@")[0]

    def rows(self, table: str) -> dict[str, Any]:
        """The rows of a table of params.yaml that the stage ran with."""
        prefix = f"{table}."
        return {key.removeprefix(prefix): row for key, row in self.params.items() if key.startswith(prefix)}


def read(stages: Mapping[str, Any]) -> dict[str, Step]:
    """All stages of a dvc.lock, by name. Raises `ResetError` where there is none."""
    if not stages:
        raise ResetError("dvc.lock: no stages; nothing has run yet")
    return {
        name: Step(
            name,
            _hashes(ran.get("outs", ())),
            _hashes(ran.get("deps", ())),
            ran.get("params", {}).get("params.yaml", {}),
        )
        for name, ran in stages.items()
    }


def _hashes(files: Any) -> dict[str, str]:
    return {file["path"]: file["md5"] for file in files if file["path"].partition("/")[0] in KEPT}


def trace(ran: Mapping[str, Step], path: str) -> list[Step]:
    """The stage that made `path` and all that its inputs came from, each behind those it builds on.

    Raises `ResetError` where nothing made `path`, or where a stage used other content than there is now.
    """
    makers = {made: step for step in ran.values() for made in step.made}
    if path not in makers:
        raise ResetError(f"dvc.lock: no stage has made {path} yet")
    found: dict[str, Step] = {}
    _follow(makers[path], makers, found)
    return list(found.values())


def _follow(step: Step, makers: Mapping[str, Step], found: dict[str, Step]) -> None:
    for used, mark in step.used.items():
        for made, maker in _behind(used, makers):
            if made == used and maker.made[made] != mark:
                raise ResetError(
                    f"dvc.lock: {step.stage} was made of another {used} ({mark[:8]}) than {maker.stage} has made since "
                    f"({maker.made[made][:8]}); run `dvc repro {step.stage}`"
                )
            if maker.stage not in found:
                _follow(maker, makers, found)
    found[step.stage] = step


def _behind(used: str, makers: Mapping[str, Step]) -> Iterator[tuple[str, Step]]:
    """What was made as `used`, inside or around it: of a folder that several stages fill, or of a part of one."""
    for made, maker in makers.items():
        paths = PurePosixPath(used), PurePosixPath(made)
        if made == used or paths[0] in paths[1].parents or paths[1] in paths[0].parents:
            yield made, maker


def folder_hash(path: Path) -> str:
    """The hash that DVC gives to a folder's content."""
    from dvc_data.hashfile.build import build  # DVC takes a second to import
    from dvc_data.hashfile.db import HashFileDB
    from dvc_objects.fs.local import LocalFileSystem

    files = LocalFileSystem()  # type: ignore[no-untyped-call]
    _, _, content = build(HashFileDB(files, str(path)), str(path), files, "md5", dry_run=True)
    return str(content.hash_info.value)
