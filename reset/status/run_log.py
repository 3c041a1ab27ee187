"""The log of `dvc repro`: which stage began and ended when, one JSON object a line, in DVC's folder for such files.

The command `dvc` of this environment writes it (reset/dvc_command/); `reset-lm status` reads it. A run that was killed
has no last line: whether it goes on is asked of the system, by the process and the time at which that began. Of a run
by another `dvc`, its lock on what the stage writes (.dvc/tmp/rwlock) says what runs.
"""

import json
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from reset.files import atomic
from reset.files.stage_times import LOG, took
from reset.files.stage_times import lines as logged

LOCKS = Path(".dvc/tmp/rwlock")
KEPT = 5000  # lines of earlier runs


class Writer:
    """Appends to the log of the project `root`."""

    def __init__(self, root: Path) -> None:
        self._root, self._path = root, root / LOG

    def begin(self) -> None:
        """Note that this process begins a run; forget all but the last `KEPT` lines."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.is_file():
            lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
            if len(lines) > KEPT:
                self._path.write_text("".join(lines[-KEPT:]), encoding="utf-8")
        pid = os.getpid()
        self.add("begin", pid=pid, start=atomic.began(pid), scale=_scale(self._root))

    def add(self, what: str, **more: Any) -> None:
        """Append a line."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"what": what, "at": time.time(), "clock": time.monotonic(), **more}) + "\n")


@dataclass
class Run:
    """The last run, times in seconds since 1970; `seconds` has those of each stage that has run at this scale."""

    began: float | None = None  # None: no run is known
    ended: float | None = None  # None: it runs, or it was killed
    alive: bool = False
    running: dict[str, float] = field(default_factory=dict)  # stage -> its beginning, also of a run that was killed
    lines: dict[str, dict[str, Any]] = field(default_factory=dict)  # stage -> the line of its beginning
    failed: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def read(root: Path, makers: dict[str, str]) -> Run:
    """Return the last run of the project `root`; `makers` are the stages by what they write."""
    lines = list(logged(root / LOG))
    run, of_scale, scale = Run(), True, _scale(root)
    for line in lines:
        if line["what"] == "begin":
            of_scale = line["scale"] == scale
            run = Run(began=line["at"], alive=_alive(line["pid"], line.get("start")), seconds=run.seconds)
        else:
            _take(run, line, of_scale)
    locked = {} if run.alive and run.ended is None else _locked(root, makers)
    if locked:  # another dvc
        began = min(locked.values())
        return Run(began, None, True, locked, seconds=run.seconds)
    return run


def _take(run: Run, line: dict[str, Any], of_scale: bool) -> None:
    if line["what"] == "end":
        run.ended, run.alive = line["at"], False
    elif line["what"] == "stage":
        run.running[line["stage"]], run.lines[line["stage"]] = line["at"], line
    elif line["what"] in ("done", "failed"):
        run.running.pop(line["stage"], None)
        began = run.lines.pop(line["stage"], line)
        if line["what"] == "failed":
            run.failed.append(line["stage"])
        elif of_scale and line["ran"]:
            run.seconds[line["stage"]] = took(began, line)


def _alive(pid: int, start: int | None = None) -> bool:
    """Say whether the process lives: not another of the same number, nor one that its parent has yet to bury."""
    try:
        return atomic.began(pid) == start or start is None
    except (psutil.Error, OSError):
        return False


def _locked(root: Path, makers: dict[str, str]) -> dict[str, float]:
    """Return the stages whose outs a living process has locked, with the beginning of that process or lock."""
    path = root / LOCKS
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    found: dict[str, float] = {}
    for out, by in content.get("write", {}).items():
        stage = makers.get(os.path.relpath(out, root.resolve()))
        if stage and by["pid"] != os.getpid() and _alive(by["pid"]):
            found[stage] = path.stat().st_mtime
    return found


def _scale(root: Path) -> str | None:
    """Return the scale that params.yaml names."""
    path = root / "params.yaml"
    named = re.search(r"^scale: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE) if path.is_file() else None
    return named[1] if named else None
