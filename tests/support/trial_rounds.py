"""Rounds of kills: a project is stopped some times at random moments, run to its end, and compared."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import warm
from tests.support.trials import STAGES, Project, differences, left_over, rater, stage

Stop = Callable[["Project", "subprocess.Popen[str]"], None]
MOST_LATE = 3  # kills that come too late, for each that does not
REPRO = [sys.executable, "-m", "reset.dvc_command.main", "repro"]


def kill_stage(project: Project, process: "subprocess.Popen[str]") -> None:
    """SIGKILL to everything of the stage, as when memory runs out."""
    for one in project.processes():
        one.kill()


def interrupt_group(_: Project, process: "subprocess.Popen[str]") -> None:
    """Ctrl-C: the terminal sends SIGINT to the whole group."""
    os.killpg(process.pid, signal.SIGINT)


def kill_group(_: Project, process: "subprocess.Popen[str]") -> None:
    """SIGKILL to the whole group."""
    os.killpg(process.pid, signal.SIGKILL)


def kill_alone(_: Project, process: "subprocess.Popen[str]") -> None:
    """SIGKILL to `dvc` alone."""
    process.kill()


STOPS: dict[str, Stop] = {"SIGINT": interrupt_group, "SIGKILL": kill_group, "SIGKILL to dvc alone": kill_alone}


@dataclass
class Trial:
    """What came of the kills of one command."""

    what: str
    kills: int = 0
    too_late: int = 0  # the command had ended
    runs: int = 0  # to the end, each compared
    wrong: list[str] = field(default_factory=list)
    repeated: int = 0  # requests for replies that the ledger had

    def as_dict(self) -> dict[str, Any]:
        """For a results file."""
        return vars(self)


class Rounds:
    """An undisturbed project, and copies of it that are killed."""

    def __init__(self, folder: Path, whole: Project, seed: int) -> None:
        self._folder, self.whole, self._draw = folder, whole, random.Random(seed)
        self.seconds: dict[str, float] = {}

    def stage(self, name: str, *, kills: int) -> Trial:
        """Kill a stage `kills` times, twice a round."""
        trial = Trial(f"{name}, SIGKILL")
        while trial.kills < kills and trial.too_late < MOST_LATE * kills:
            self._round(trial, self.whole, stage(name), [name], kill_stage, self.seconds[name])
        return trial

    def repro(self, base: Project, names: list[str], how: str, *, kills: int) -> Trial:
        """Stop `dvc repro` of some stages in the way `how`; `base` is a finished run of them by DVC."""
        trial = Trial(f"dvc repro {' '.join(names)}, {how}")
        while trial.kills < kills and trial.too_late < MOST_LATE * kills:
            self._round(trial, base, [*REPRO, *names], names, STOPS[how], self.seconds["repro"])
        return trial

    def _round(
        self, trial: Trial, base: Project, command: list[str], names: list[str], stop: Stop, seconds: float
    ) -> None:
        project = base.copy(self._folder / f"{len(list(self._folder.iterdir()))}", names)
        repeated = project.server.repeated
        for _ in range(2):
            stopped = project.stop(command, self._draw.uniform(0.05, 0.9) * seconds, stop)
            trial.kills, trial.too_late = trial.kills + stopped, trial.too_late + (not stopped)
            seconds *= 0.7  # what was kept makes it shorter
        try:
            project.finish(command)
        except AssertionError as error:
            trial.wrong.append(str(error)[-300:])
            return
        trial.runs += 1
        found = differences(base, project, names) + left_over(project)
        trial.wrong += [f"{project.folder.name}: {what}" for what in found]
        trial.repeated += project.server.repeated - repeated


@contextmanager
def rounds(folder: Path, seed: int, names: Iterable[str] = STAGES) -> Iterator[Rounds]:
    """An undisturbed project of stages in `folder`, each timed, and the server that starts stages."""
    folder.mkdir(exist_ok=True)
    with rater() as server:
        whole = Project(folder / "whole", server, warm.server()).make()
        for name in names:
            whole.finish(stage(name))
        made = Rounds(folder, whole, seed)
        made.seconds = {name: _again(whole, name, folder) for name in names}
        yield made


def _again(whole: Project, name: str, folder: Path) -> float:
    """Seconds of a stage once the libraries are loaded."""
    return whole.copy(folder / f"timed-{name}", [name]).finish(stage(name))


def by_dvc(made: Rounds, folder: Path, names: list[str]) -> Project:
    """A copy in which DVC has run some stages, timed; its stages are started by DVC's own server."""
    base = made.whole.copy(folder, names).cold()
    base.initialise()
    base.finish([*REPRO, *names])
    made.seconds["repro"] = base.copy(folder.with_name(f"{folder.name}-timed"), names).finish([*REPRO, *names])
    return base
