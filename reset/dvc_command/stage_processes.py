"""Start a process that has torch and others loaded and forks the stages of a run (reset/runs/stage_server.py)."""

import os
import shutil
import signal
import subprocess  # nosec B404: arguments and no shell
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from reset.runs.stage_server import SOCKET

SOCKETS = "reset-stages-"  # folders of the servers' sockets, with the process id of their `dvc`


def fork_stages() -> None:
    """Start the server before the first stage runs, where stages may be forked; it ends when this process does."""
    if _may_fork() and os.environ.get(SOCKET) != "0":
        _sweep_sockets()
        _start_before_the_first()


def _may_fork() -> bool:
    """Say whether stages may be forked: on Linux, and without a GPU, whose driver does not survive a fork."""
    return sys.platform == "linux" and not any(map(os.path.exists, ("/dev/nvidiactl", "/dev/kfd")))


def _start_before_the_first() -> None:
    from dvc.stage import run

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
