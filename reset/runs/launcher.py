"""The command that starts several training processes with DeepSpeed's launcher, here or on the hosts of a hostfile."""

import os
import re
import shutil
import socket
import sys
from pathlib import Path

from reset.errors import ResetError
from reset.runs import endings


def launcher(processes: int, hostfile: str | None = None) -> list[str]:
    """Return the launcher's command, to which the caller appends a module or script and its arguments.

    A `hostfile` has lines like `gpu1 slots=8`; its slots must add up to `processes`. Several hosts are reached by pdsh
    over ssh without a password and must see this folder under the same path. Without a hostfile all processes run here;
    DeepSpeed's default hostfile (/job/hostfile) is ignored.
    """
    # told to end, DeepSpeed's launcher ends its ranks: nothing trains on without the stage that started it
    ending = [sys.executable, "-m", endings.__name__]
    deepspeed = [*ending, sys.executable, "-m", "deepspeed.launcher.runner", "--no_local_rank"]
    if hostfile is None:
        local = ["--num_gpus", str(processes), "--master_addr", "127.0.0.1", "--master_port", str(free_port())]
        return [*deepspeed, "--hostfile", os.devnull, *local]
    hosts = _slots(Path(hostfile))
    if sum(hosts.values()) != processes:
        raise ResetError(f"{hostfile} has {sum(hosts.values())} slots, train.processes is {processes}")
    deepspeed += ["--hostfile", hostfile]
    if list(hosts) == ["localhost"]:
        return [*deepspeed, "--no_ssh_check", "--master_addr", "127.0.0.1", "--master_port", str(free_port())]
    if len(hosts) > 1 and shutil.which("pdsh") is None:
        raise ResetError(
            f"{hostfile} names {len(hosts)} hosts: the DeepSpeed launcher needs pdsh, which is not installed"
        )
    return deepspeed


def _slots(hostfile: Path) -> dict[str, int]:
    """Read the number of processes per host."""
    try:
        lines = [line.partition("#")[0].strip() for line in hostfile.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise ResetError(f"{hostfile}: {error.strerror} (train.hostfile)") from error
    matches = {line: re.fullmatch(r"(\S+)\s+slots=([1-9]\d*)", line) for line in lines if line}
    hosts = {match[1]: int(match[2]) for match in matches.values() if match}
    if not matches or len(hosts) != len(matches):
        wrong = next((line for line, match in matches.items() if match is None), "")
        raise ResetError(f"{hostfile}: '{wrong}' is not a line like 'gpu1 slots=8', each host once (train.hostfile)")
    return hosts


def free_port() -> int:
    """Return a port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
