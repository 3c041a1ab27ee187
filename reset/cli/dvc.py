"""The command `dvc` of this environment: DVC's own, with what makes a long line light.

- Stages run under the interpreter that runs DVC, whether or not its environment is activated: the interpreter's folder
  comes first on PATH.
- dvc.lock is updated in place (reset/runs/dvc_lock.py), and params.yaml is parsed once, not once per stage.
- On Linux without a GPU, the stages of `dvc repro` and `dvc exp run` are started by a process that has torch and others
  loaded (reset/runs/stage_server.py); RESET_STAGE_SERVER=0 in the environment turns that off.
- Before the first stage of a run that needs models of the hub or a judge's server, `reset-lm check` looks for all that
  it needs (reset/checking/before_run.py); RESET_CHECK=0 leaves that out, and so does naming targets.
- DVC's list of locks survives a kill (reset/runs/dvc_rwlock.py).
- A damaged file of DVC's cache is found by its hash.
- Beginning and end of a run and of its stages are noted for `reset-lm status` (reset/status/run_log.py).
- `dvc exp show` without flags shows the scores that sum up a run and the parameters that differ (`_show_few`).
- What belongs to no stage any more is told at the end (reset/planning/orphans.py).

A `dvc` that was installed elsewhere does without: slower, with the same result.
"""

import os
import shutil
import signal
import subprocess  # nosec B404: arguments and no shell
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from reset.runs import endings
from reset.runs.dvc_lock import update_in_place
from reset.runs.dvc_rwlock import write_rwlock_whole
from reset.runs.stage_server import SOCKET

SOCKETS = "reset-stages-"  # folders of the servers' sockets, with the process id of their `dvc`


def main() -> int:
    """Run DVC with the arguments of the command line and return its exit status."""
    endings.told()
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin stop everybody on a machine that is busy
    from dvc.cli import main as dvc

    _hash_cached_files()
    if sys.argv[1:2] in (["repro"], ["exp"]):
        if _may_fork() and os.environ.get(SOCKET) != "0":
            _serve_stages()
        update_in_place()
        write_rwlock_whole()
        _parse_params_once()
        _check_first()
        _log_runs()
        _tell_orphans()
        _show_few()
    return int(dvc())


def _may_fork() -> bool:
    """Say whether stages may be forked: on Linux, and without a GPU, whose driver does not survive a fork."""
    return sys.platform == "linux" and not any(map(os.path.exists, ("/dev/nvidiactl", "/dev/kfd")))


def _serve_stages() -> None:
    """Start the server that runs stages before the first one runs; it ends when this process does."""
    from dvc.stage import run

    _sweep_sockets()
    original = run.cmd_run

    def cmd_run(stage: Any, dry: bool = False, run_env: Any = None) -> Any:
        if not dry and SOCKET not in os.environ:
            os.environ[SOCKET] = str(Path(tempfile.mkdtemp(prefix=f"{SOCKETS}{os.getpid()}-")) / "socket")
            command = [sys.executable, "-m", "reset.runs.stage_server", os.environ[SOCKET], str(os.getpid())]
            subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_deaf)  # nosec B603: arguments and no shell
        return original(stage, dry=dry, run_env=run_env)

    run.cmd_run = cmd_run


def _sweep_sockets() -> None:
    """Delete the folders of the sockets of runs that were killed together with their server."""
    for former in Path(tempfile.gettempdir()).glob(f"{SOCKETS}*-*"):
        pid = former.name.removeprefix(SOCKETS).partition("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(former, ignore_errors=True)


def _deaf() -> None:
    """Let a process that is about to start be deaf to Ctrl-C; a stage that the server forks hears it again."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _hash_cached_files() -> None:
    """Let DVC compare a file of its cache with its hash before use, once after each change of its size or time.

    DVC 3.67 trusts every file there that has the mode 0444, whatever it holds. A damaged one is deleted, and what it
    held is made again.
    """
    from dvc_data.hashfile.db import HashFileDB
    from dvc_data.hashfile.db.local import LocalHashFileDB

    LocalHashFileDB.check = HashFileDB.check  # type: ignore[method-assign]


def _parse_params_once() -> None:
    """Keep the content of params.yaml while the file stays as it is."""
    from dvc.dependency import param
    from dvc.fs import localfs

    original, parsed = param.load_path, dict[Any, Any]()

    def load_path(path: str, fs: Any, **kwargs: Any) -> Any:
        if fs.protocol != localfs.protocol or not os.path.isfile(path):
            return original(path, fs, **kwargs)
        there = os.stat(path)
        key = (path, there.st_mtime_ns, there.st_size, there.st_ino)
        if key not in parsed:
            parsed[key] = original(path, fs, **kwargs)
        return parsed[key]

    param.load_path = load_path


def _check_first() -> None:
    """Let a `repro` of the whole line look for all that it needs, before the first stage that it runs."""
    from dvc.repo import Repo
    from dvc.stage import Stage

    reproduce, run = Repo.reproduce, Stage.run
    failed: list[Exception] = []
    due = False

    def reproduce_whole(self: Any, targets: Any = None, *args: Any, **kwargs: Any) -> Any:
        nonlocal due
        due = not targets and not kwargs.get("dry")
        return reproduce(self, targets, *args, **kwargs)

    def run_checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal due
        if due:
            due = False
            _note(failed, Path(self.repo.root_dir))
        if failed:  # also for other stages, with --keep-going
            raise failed[0]
        return run(self, *args, **kwargs)

    Repo.reproduce, Stage.run = reproduce_whole, run_checked


def _note(failed: list[Exception], root: Path) -> None:
    """Append the error of the check in `root` to `failed`, if it finds one."""
    from dvc.exceptions import DvcException

    from reset.checking import before_run
    from reset.errors import ResetError

    try:
        before_run.require(root)
    except ResetError as error:
        failed.append(DvcException(error.message))


def _log_runs() -> None:
    """Note beginning and end of a `repro` and of each stage that it runs."""
    from dvc.repo import Repo
    from dvc.stage import Stage, run

    from reset.status.run_log import Writer

    reproduce, stage_run, command = Repo.reproduce, Stage.run, run.cmd_run
    ran: list[str] = []  # the stages whose command was run, and not taken from DVC's cache of runs

    def reproduce_noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("dry"):
            return reproduce(self, *args, **kwargs)
        log = Writer(Path(self.root_dir))
        log.begin()
        try:
            return reproduce(self, *args, **kwargs)
        finally:
            log.add("end")

    def run_noted(self: Any, dry: bool = False, *args: Any, **kwargs: Any) -> Any:
        if dry:
            return stage_run(self, dry, *args, **kwargs)
        log, name, what = Writer(Path(self.repo.root_dir)), self.addressing, "failed"
        log.add("stage", stage=name)
        try:
            result = stage_run(self, dry, *args, **kwargs)
            what = "done"
            return result
        finally:
            log.add(what, stage=name, ran=name in ran)

    def command_noted(stage: Any, *args: Any, **kwargs: Any) -> Any:
        ran.append(stage.addressing)
        return command(stage, *args, **kwargs)

    Repo.reproduce, Stage.run, run.cmd_run = reproduce_noted, run_noted, command_noted


def _tell_orphans() -> None:
    """Let DVC say, at the end of a `repro`, what belongs to no stage."""
    from dvc.repo import Repo
    from dvc.ui import ui

    original = Repo.reproduce

    def reproduce(self: Any, *args: Any, **kwargs: Any) -> Any:
        from reset.planning import orphans

        stages = original(self, *args, **kwargs)
        if found := orphans.find(self, Path(self.root_dir)):
            ui.write(f"{found}: `reset-lm tidy` removes them")
        return stages

    Repo.reproduce = reproduce


def _show_few() -> None:
    """Let the table of `exp show` have few columns, unless a flag says which; `--drop '^$'` shows all."""
    from dvc.commands.experiments import show

    original = show.show_experiments

    def show_experiments(td: Any, headers: Any, keep: Any = (), drop: Any = (), **kwargs: Any) -> None:
        told = keep or drop or any(kwargs.get(flag) for flag in ("only_changed", "csv", "markdown"))
        if not told and os.path.isfile("params.yaml"):
            kwargs["only_changed"] = _leave_few(td, headers)
        original(td, headers, keep=keep, drop=drop, **kwargs)

    show.show_experiments = show_experiments


def _leave_few(td: Any, headers: Any) -> bool:
    """Leave the scores that sum up a run in DVC's table, under short titles; False if it has none, and is as it was."""
    from reset.evidence import few_columns
    from reset.files import fast_yaml

    try:
        titles = few_columns.titles(fast_yaml.load(Path("params.yaml").read_text(encoding="utf-8")), headers["metrics"])
    except (KeyError, TypeError):  # a params.yaml of another form
        return False
    if not titles:
        return False
    td.drop(*(column for kind in ("metrics", "deps") for column in headers.get(kind, ()) if column not in titles))
    for column, title in titles.items():
        td.rename(column, title)
    td.protect("Experiment", "Created", *titles.values())
    headers.update(metrics=list(titles.values()), deps=[])
    return True


if __name__ == "__main__":
    sys.exit(main())
