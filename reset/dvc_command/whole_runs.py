"""What happens around a `dvc repro` and its stages: the check before, the log of the run, orphans after."""

from pathlib import Path
from typing import Any


class Run:
    """One `repro` of a repository: whether its check is due, and the stages whose command was run.

    A stage whose result DVC took from its cache of runs is done too, and its command was not run.
    """

    def __init__(self, root: Path, whole: bool) -> None:
        from reset.status.run_log import Writer

        self.root, self.due, self.failed = root, whole, ""
        self.ran: set[str] = set()
        self.log = Writer(root)

    def check(self) -> None:
        """Look for all that the line needs, before its first stage; no other stage runs after a check that failed.

        Raises:
            DvcException: something is missing; also at the stages behind the first, with `--keep-going`.
        """
        from dvc.exceptions import DvcException

        from reset.checking import before_run
        from reset.errors import ResetError

        if self.due:
            self.due = False
            try:
                before_run.require(self.root)
            except ResetError as error:
                self.failed = error.message
        if self.failed:
            raise DvcException(self.failed)

    def orphans(self, repo: Any) -> None:
        """Say what belongs to no stage any more."""
        from dvc.ui import ui

        from reset.planning import orphans

        if found := orphans.find(repo, self.root):
            ui.write(f"{found}: `reset-lm tidy` removes them")


def watch_runs() -> None:
    """Let DVC's `Repo.reproduce` and `Stage.run` do all this."""
    from dvc.repo import Repo
    from dvc.stage import Stage, run

    reproduce, stage_run, command = Repo.reproduce, Stage.run, run.cmd_run
    runs: list[Run] = []

    def reproduce_watched(self: Any, targets: Any = None, *args: Any, **kwargs: Any) -> Any:
        this, dry = Run(Path(self.root_dir), whole=not targets), kwargs.get("dry")
        runs.append(this)
        if not dry:
            this.log.begin()
        try:
            stages = reproduce(self, targets, *args, **kwargs)
        finally:
            if not dry:
                this.log.add("end")
        this.orphans(self)
        return stages

    def run_watched(self: Any, dry: bool = False, *args: Any, **kwargs: Any) -> Any:
        if dry or not runs:
            return stage_run(self, dry, *args, **kwargs)
        this, name, what = runs[-1], self.addressing, "failed"
        this.log.add("stage", stage=name)
        try:
            this.check()
            result = stage_run(self, dry, *args, **kwargs)
            what = "done"
            return result
        finally:
            this.log.add(what, stage=name, ran=name in this.ran)

    def command_watched(stage: Any, *args: Any, **kwargs: Any) -> Any:
        if runs:
            runs[-1].ran.add(stage.addressing)
        return command(stage, *args, **kwargs)

    Repo.reproduce, Stage.run, run.cmd_run = reproduce_watched, run_watched, command_watched
