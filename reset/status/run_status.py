"""Where a run is: every stage's state, the progress of those that run, time and dollars left, and the page so far."""

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reset import params
from reset.params.document import Params
from reset.status import lock, pipeline, progress, run_log
from reset.status.done import Project
from reset.status.left import Dollars, Work, dollars
from reset.status.pace import Basis, Estimate, Pace, committed
from reset.status.pipeline import Stage
from reset.status.run_log import Run

PAGE = Path("metrics/report/index.html")
State = Literal["done", "running", "stopped", "failed", "not started"]


@dataclass(frozen=True)
class Running:
    """A stage that runs, or ran when its run was killed: for how long, how far, and how long still, by what."""

    stage: str
    seconds: float
    progress: progress.Progress | None
    seconds_left: float | None
    basis: Basis | None


@dataclass(frozen=True)
class Kind:
    """Numbers of stages of a kind; `seconds_left` is None if nothing tells, 0 if none is left."""

    kind: str
    done: int
    running: int
    left: int  # without those that run
    seconds_left: float | None

    @property
    def all(self) -> int:
        """Number of stages of this kind."""
        return self.done + self.running + self.left


@dataclass(frozen=True)
class Page:
    """The page of the last report: when it was written, and whether it is of what is there now."""

    path: str
    at: float
    current: bool


@dataclass(frozen=True)
class Status:
    """All that `reset-lm status` says; times in seconds.

    `seconds_left` rests on `basis`, most of it on the first, and leaves out the stages without a figure: `unknown`.
    """

    scale: str
    state: State
    began: float | None
    ended: float | None
    kinds: tuple[Kind, ...]
    running: tuple[Running, ...]  # of a run that was killed: what it was at
    failed: tuple[str, ...]
    seconds_left: float
    basis: tuple[Basis, ...]
    unknown: int
    dollars: Dollars
    page: Page | None


def read(root: Path = Path()) -> Status:
    """Return the status of the project in `root`, the working folder. Raises `ResetError` if params.yaml is wrong."""
    p = params.load(root / params.FILE)
    values = pipeline.load_yaml(root / params.FILE)
    stages = pipeline.stages(pipeline.load_yaml(root / "dvc.yaml"), values)
    run = run_log.read(root, {out: stage.name for stage in stages for out in stage.outs})
    project = Project(root, stages, lock.read(root / "dvc.lock"), values)
    done = project.done() - run.running.keys()
    return _status(root, p, project.stages, done, run)


def _status(root: Path, p: Params, stages: dict[str, Stage], done: set[str], run: Run) -> Status:
    work = Work(p)
    pace = Pace(work, stages, run.seconds, committed(root, p.scale))
    begun = {name: at for name, at in run.running.items() if name in stages}
    running = tuple(_running(root, stages[name], at, work, pace, run) for name, at in begun.items())
    at_work = begun.keys() if run.alive else set[str]()
    left = {one.stage: _estimate(one) for one in running if one.stage in at_work}
    left |= {name: pace.of(stage) for name, stage in stages.items() if name not in done and name not in left}
    known = [each for each in left.values() if each is not None]
    seconds, unknown = sum(each.seconds for each in known), len(left) - len(known)
    return Status(
        scale=p.scale,
        state=_state(run, left),
        began=run.began,
        ended=run.ended,
        kinds=tuple(_kinds(stages.values(), done, set(at_work), left)),
        running=running,
        failed=tuple(name for name in run.failed if name in left),
        seconds_left=seconds,
        basis=_basis(known),
        unknown=unknown,
        dollars=dollars(p, work, left, None if left and not known else seconds),
        page=_page(root, current="report" in done),
    )


def _estimate(running: Running) -> Estimate | None:
    if running.seconds_left is None or running.basis is None:
        return None
    return Estimate(running.seconds_left, running.basis)


def _basis(known: Iterable[Estimate]) -> tuple[Basis, ...]:
    """Return what the estimates rest on, that of most seconds first."""
    seconds = defaultdict[Basis, float](float)
    for each in known:
        seconds[each.basis] += each.seconds
    return tuple(sorted(seconds, key=lambda basis: -seconds[basis]))


def _state(run: Run, left: Collection[str]) -> State:
    if run.alive:
        return "running"
    if not left:
        return "done"
    if any(name in left for name in run.failed):
        return "failed"
    return "not started" if run.began is None else "stopped"


def _running(root: Path, stage: Stage, began: float, work: Work, pace: Pace, run: Run) -> Running:
    answers = work.of(stage) if stage.kind in progress.ANSWERS else None
    far = progress.of(root, stage, began, None if answers is None else round(answers))
    spent, whole = max((time.time() if run.alive else began) - began, 0.0), pace.of(stage)
    if far and far.seconds_left is not None:
        return Running(stage.name, spent, far, far.seconds_left, "last runs")
    left = None if whole is None else max(whole.seconds - spent, 0.0)
    return Running(stage.name, spent, far, left, None if whole is None else whole.basis)


def _kinds(
    stages: Iterable[Stage], done: set[str], running: set[str], left: Mapping[str, Estimate | None]
) -> list[Kind]:
    """Count by kind, in the order of dvc.yaml."""
    by_kind: dict[str, list[str]] = {}
    for stage in stages:
        by_kind.setdefault(stage.kind, []).append(stage.name)
    rows = []
    for kind, names in by_kind.items():
        count = Counter("done" if n in done else "running" if n in running else "left" for n in names)
        estimates = [left[name] for name in names if name in left]
        known = [each.seconds for each in estimates if each is not None]
        total = sum(known) if known or not estimates else None
        rows.append(Kind(kind, count["done"], count["running"], count["left"], total))
    return rows


def _page(root: Path, *, current: bool) -> Page | None:
    path = root / PAGE
    return Page(str(PAGE), path.stat().st_mtime, current) if path.is_file() else None
