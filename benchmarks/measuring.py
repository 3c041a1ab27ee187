"""One run in a process of its own: seconds as it tells them, peak memory as it is seen from outside."""

import json
import subprocess
import sys
import time
from typing import Any

import click
import psutil

POLL_S = 0.02


def measured(module: str, *arguments: str) -> dict[str, Any]:
    """Run `module` with `--run` and arguments: its last line of JSON, and `peak` bytes of it and its children."""
    command = [sys.executable, "-m", module, "--run", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    tree, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        peak = max(peak, _resident(tree))
        time.sleep(POLL_S)
    output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise click.ClickException(f"{' '.join(command)} failed")
    return {**json.loads(output.splitlines()[-1]), "peak": peak}


def _resident(tree: psutil.Process) -> int:
    total = 0
    for process in (tree, *_children(tree)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def _children(tree: psutil.Process) -> list[psutil.Process]:
    try:
        return tree.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
