"""DeepSpeed's launcher in a fork of the warm server, as are the process that it starts on this host and its ranks."""

import runpy
import subprocess
from typing import Any

LAUNCH = "deepspeed.launcher.launch"
start = subprocess.Popen


def warm(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    at = command.index(LAUNCH) if LAUNCH in command else None  # in a command for other hosts it is part of a text
    return start(command if at is None else [*command[:at], "tests.support.warm", *command[at:]], **options)


if __name__ == "__main__":
    subprocess.Popen = warm  # type: ignore[assignment, misc]
    runpy.run_module("deepspeed.launcher.runner", run_name="__main__", alter_sys=True)
