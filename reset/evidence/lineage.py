"""Lineage: the stages behind a file, back to raw records and base models, from the hashes in dvc.lock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from reset.errors import ResetError

TRACED = ("data", "models")  # folders whose files are traced; code and metrics are not


@dataclass(frozen=True)
class Step:
    """One stage that ran: its outputs and inputs (path -> hash) and its parameters (dotted key -> value)."""

    stage: str  # train@mtl
    made: dict[str, str]
    used: dict[str, str]
    params: dict[str, Any]

    @property
    def kind(self) -> str:
        """The stage's name without its row: `train`."""
        return self.stage.partition("@")[0]

    def rows(self, table: str) -> dict[str, Any]:
        """Return the rows of a table of params.yaml that the stage ran with."""
        prefix = f"{table}."
        return {key.removeprefix(prefix): row for key, row in self.params.items() if key.startswith(prefix)}


def read(stages: Mapping[str, Any]) -> dict[str, Step]:
    """Return all stages of a dvc.lock by name. Raises `ResetError` if there are none."""
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
    return {file["path"]: file["md5"] for file in files if file["path"].partition("/")[0] in TRACED}


def trace(ran: Mapping[str, Step], path: str) -> list[Step]:
    """Return the stages behind `path`, each after those whose output it used; the last one made `path`.

    Raises `ResetError` if no stage made `path`, or if a stage used an input that has been made anew since.
    """
    makers = {made: step for step in ran.values() for made in step.made}
    if path not in makers:
        raise ResetError(f"dvc.lock: no stage has made {path} yet")
    steps: dict[str, Step] = {}
    _add_with_inputs(makers[path], makers, steps)
    return list(steps.values())


def _add_with_inputs(step: Step, makers: Mapping[str, Step], steps: dict[str, Step]) -> None:
    """Add the stages behind `step` to `steps`, then `step` itself."""
    for used, mark in step.used.items():
        for made, maker in _makers_of(used, makers):
            if made == used and maker.made[made] != mark:
                raise ResetError(
                    f"dvc.lock: {step.stage} used an older {used} ({mark[:8]}) than {maker.stage} made since "
                    f"({maker.made[made][:8]}); run `dvc repro {step.stage}`"
                )
            if maker.stage not in steps:
                _add_with_inputs(maker, makers, steps)
    steps[step.stage] = step


def _makers_of(used: str, makers: Mapping[str, Step]) -> Iterator[tuple[str, Step]]:
    """Yield output and stage of each output that is `used`, lies inside it (a folder of many stages), or holds it."""
    for made, maker in makers.items():
        paths = PurePosixPath(used), PurePosixPath(made)
        if made == used or paths[0] in paths[1].parents or paths[1] in paths[0].parents:
            yield made, maker


def folder_hash(path: Path) -> str:
    """Return DVC's hash of a folder's content."""
    from dvc_data.hashfile.build import build  # DVC takes a second to import
    from dvc_data.hashfile.db import HashFileDB
    from dvc_objects.fs.local import LocalFileSystem

    files = LocalFileSystem()  # type: ignore[no-untyped-call]
    _, _, content = build(HashFileDB(files, str(path)), str(path), files, "md5", dry_run=True)
    return str(content.hash_info.value)


def file_hash(path: Path) -> str:
    """Return DVC's hash of a file's content."""
    from dvc_data.hashfile.hash import file_md5

    return str(file_md5(str(path)))


def absent(run: str, path: str) -> ResetError:
    """Return the error of a file or folder that dvc.lock has and the run has not here."""
    return ResetError(f"'{run}' has no {path} here; try `dvc checkout` or `dvc pull {path}`")


def require_same(path: str, found: str, mark: str) -> None:
    """Raise `ResetError` if the hash `found` of a file or folder is not `mark`, that of dvc.lock."""
    if found != mark:
        raise ResetError(
            f"{path} differs from dvc.lock ({mark}); restore it with `dvc checkout {path}` or run `dvc repro`"
        )
