"""What `dvc repro` would run now: what DVC itself says has changed, and all that builds on it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx

from reset.errors import ResetError


@dataclass(frozen=True)
class Pending:
    """A stage that would run, and why; `certain` is false where only its inputs may come out otherwise."""

    stage: str
    certain: bool
    why: str


def pending(folder: Path) -> list[Pending]:
    """The stages of the project in `folder` that would run, each behind those it waits for.

    Raises `ResetError` where there is no DVC project, or one that DVC cannot read.
    """
    from dvc.exceptions import DvcException  # DVC takes a second to import
    from dvc.repo import Repo

    try:
        repo = Repo(str(folder))
        changed = {name: _why(parts) for name, parts in repo.status().items()}
        graph = repo.index.graph  # an edge leads from a stage to what it needs
    except DvcException as error:
        raise ResetError(f"DVC: {str(error).splitlines()[0]}") from error
    found = []
    for stage in networkx.dfs_postorder_nodes(graph):
        name = stage.addressing
        if name in changed:
            found.append(Pending(name, True, changed[name]))
        elif waits := sorted({one.addressing for one in networkx.descendants(graph, stage)} & changed.keys()):
            found.append(
                Pending(name, False, f"after {waits[0]}" + (f" and {len(waits) - 1} more" if waits[1:] else ""))
            )
    return found


def _why(parts: list[Any]) -> str:
    """What DVC's status says of one stage, in a line: `changed deps: select.weights, reset/choosing/select.py`."""
    said = []
    for part in parts:
        if isinstance(part, str):
            said.append(part)
        else:
            said += [f"{what}: {', '.join(_names(files))}" for what, files in part.items()]
    return "; ".join(said)


def _names(files: dict[str, Any]) -> list[str]:
    """Files, and of params.yaml the parameters."""
    return [name for file, how in files.items() for name in (how if isinstance(how, dict) else [file])]
