"""List the stages that `dvc repro` would run now: those that DVC reports as changed, and all that depend on them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx

from reset.errors import ResetError


@dataclass(frozen=True)
class Pending:
    """A stage that would run, and why."""

    stage: str
    certain: bool  # False: it runs only if the stages before it change its inputs
    why: str


def pending(folder: Path) -> list[Pending]:
    """Return the stages of the project in `folder` that would run, each after those that it depends on.

    Raises `ResetError` if there is no DVC project, one that DVC cannot read, or one in which it runs.
    """
    from dvc.exceptions import DvcException  # DVC takes a second to import
    from dvc.lock import LockError
    from dvc.repo import Repo

    try:
        repo = Repo(str(folder))
        changed = {name: _why(parts) for name, parts in repo.status().items()}
        graph = repo.index.graph  # an edge leads from a stage to a stage that it depends on
    except LockError as error:
        raise ResetError("DVC is running here: plan afterwards; `reset-lm status` shows what is left") from error
    except DvcException as error:
        raise ResetError(f"DVC: {str(error).splitlines()[0]}") from error
    stages = []
    for stage in networkx.dfs_postorder_nodes(graph):
        name = stage.addressing
        if name in changed:
            stages.append(Pending(name, True, changed[name]))
        elif causes := sorted({before.addressing for before in networkx.descendants(graph, stage)} & changed.keys()):
            more = f" and {len(causes) - 1} more" if causes[1:] else ""
            stages.append(Pending(name, False, f"after {causes[0]}{more}"))
    return stages


def _why(parts: list[Any]) -> str:
    """One stage of DVC's status in a line: `changed deps: objectives.task, reset/choosing/select.py`."""
    reasons = []
    for part in parts:
        if isinstance(part, str):
            reasons.append(part)
        else:
            reasons += [f"{kind}: {', '.join(_names(files))}" for kind, files in part.items()]
    return "; ".join(reasons)


def _names(files: dict[str, Any]) -> list[str]:
    """Names of the changed files; for params.yaml, names of the changed parameters."""
    return [name for file, state in files.items() for name in (state if isinstance(state, dict) else [file])]
