"""One process that has the heavy libraries loaded and forks what a test starts: an import of eleven seconds less each.

It is the server that `dvc repro` starts (reset/runs/stage_server.py), one for all tests of a process. A test that gives
`environment()` to a stage, or to a `dvc`, has it forked; `command` runs any other module in this way.
"""

import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import psutil

from reset.runs.stage_server import SOCKET, ask
from tests.support import ROOT
from tests.support.waiting import until


class Server(NamedTuple):
    """A running server: its process, and the variable that names it for a command."""

    process: psutil.Process
    variable: dict[str, str]

    def stages(self) -> list[psutil.Process]:
        """What it has forked and runs."""
        return [child for child in self.process.children() if child.status() != psutil.STATUS_ZOMBIE]


def start(environment: Mapping[str, str]) -> Server:
    """Start a server in `environment`, which ends with this process, and let it load what a training needs."""
    socket = Path(mkdtemp(prefix="reset-tests-")) / "socket"
    code = {**environment, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "reset.runs.stage_server", str(socket), str(os.getpid())]
    process = psutil.Process(subprocess.Popen(command, cwd=ROOT, env=code).pid)
    until(socket.exists)
    named = {SOCKET: str(socket)}
    train = [sys.executable, "-m", "stages.train", "--help"]
    subprocess.run(train, cwd=ROOT, env={**code, **named}, stdout=subprocess.DEVNULL, check=True)
    return Server(process, named)


@cache
def server() -> Server:
    """The server of this process."""
    return start(os.environ)


def environment(*, cold: bool = False) -> dict[str, str]:
    """This process's environment, for a command whose stages the server forks, or none if it shall be `cold`."""
    named = {SOCKET: "0"} if cold else server().variable
    return {**os.environ, **named, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def command(module: str, *arguments: str, ranks: Sequence[str] = ()) -> list[str]:
    """The command that runs `module` in a fork of the server; of `ranks`, a launcher's command, each in one.

    It needs `environment()`.
    """
    this = "tests.support.warm"
    if not ranks:
        return [sys.executable, "-m", this, module, *arguments]
    at = ranks.index("deepspeed.launcher.runner")
    runner = [*ranks[:at], this, "tests.support.warm_runner", *ranks[at + 1 :]]
    return [*runner, "--module", this, module, *arguments]


def main() -> None:
    """Run a module in a fork, or here where no server is, and end as it does, by a signal too."""
    module, *arguments = sys.argv[1:]
    status = ask(os.environ.get(SOCKET, ""), module, arguments)
    if status is None:
        sys.argv[:] = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    elif status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
        os.kill(os.getpid(), -status)
    else:
        sys.exit(status)


if __name__ == "__main__":
    main()
