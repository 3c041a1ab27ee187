"""Clones of this checkout and small repositories, in which tests run the line, or DVC, as a user would."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support import ROOT, warm


def run(folder: Path, *command: str) -> str:
    """Run a command in `folder` as a user would and return what it printed; fail with its last lines.

    All `dvc` of a test's process have their stages forked by one server, which a user's starts anew each time; but for
    a test with a hub of its own, whose address is read when the hub's library is loaded. The check before a heavy run
    and the records for MLflow, which have tests of their own, are off unless a test sets their variables.
    """
    beside = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    hub = {"HF_ENDPOINT", "HF_HOME"} & os.environ.keys()
    environment = warm.environment() if command[0] == "dvc" and not hub else {**os.environ}
    environment = {"RESET_CHECK": "0", "RESET_TRACKING": "0", **environment, "PATH": beside, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


def clone(into: Path) -> Path:
    """The committed and uncommitted files of this checkout as a repository of its own, without caches."""
    listed = run(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, into / name)
    run(into, "git", "init", "-q")
    return into


def initialise(folder: Path) -> None:
    """Make `folder` an empty repository of Git and DVC, by a copy of one: `dvc init` takes a second."""
    shutil.copytree(_empty().name, folder, dirs_exist_ok=True)


@cache
def _empty() -> TemporaryDirectory[str]:
    """It is there until this process ends."""
    made = TemporaryDirectory(prefix="reset-tests-")
    run(Path(made.name), "git", "init", "-q")
    run(Path(made.name), sys.executable, "-m", "dvc", "init", "-q")
    return made


def commit(folder: Path) -> None:
    """Commit everything that git may see."""
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    run(folder, "git", "add", "-A")
    run(folder, "git", *who, "commit", "-qm", "ran")


def ran(output: str) -> set[str]:
    """The stages that a `dvc repro` said it ran, or would run."""
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}
