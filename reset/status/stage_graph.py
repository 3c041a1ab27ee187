"""The stages of dvc.yaml by kind: how many there are, and which kinds make what they read.

`dvc dag` draws one box a stage, side by side: lines of thousands of characters for some hundred stages.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reset import params
from reset.status import pipeline
from reset.status.done import Project


@dataclass(frozen=True)
class Node:
    """The stages of a kind; `reads_from` are kinds in the order of dvc.yaml, its own for a later round."""

    kind: str
    stages: int
    reads_from: tuple[str, ...]


def read(root: Path = Path()) -> list[Node]:
    """Return the kinds of the project in `root`, in the order of dvc.yaml. Raises `ResetError` for odd files."""
    values = pipeline.load_yaml(root / params.FILE)
    project = Project(root, pipeline.stages(pipeline.load_yaml(root / "dvc.yaml"), values), {}, values)
    by_kind: dict[str, list[pipeline.Stage]] = {}
    for stage in project.stages.values():
        by_kind.setdefault(stage.kind, []).append(stage)
    return [Node(kind, len(each), _kinds(project, each, by_kind)) for kind, each in by_kind.items()]


def _kinds(project: Project, stages: Iterable[pipeline.Stage], order: Iterable[str]) -> tuple[str, ...]:
    before = {name.partition("@")[0] for stage in stages for name in project.before(stage)}
    return tuple(kind for kind in order if kind in before)
