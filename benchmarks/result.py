"""What a benchmark leaves behind: benchmarks/results/<name>.json, and one line of JSON with the checks.

A quick run writes <name>_quick.json, which Git leaves alone: its figures are none to claim.
"""

import json
import operator
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click


def check(what: str, value: float, bar: str) -> dict[str, Any]:
    """A figure against its bar, ">= 3.0", "<= 0.1" or "< 25"."""
    sign, limit = bar.split()
    holds = {">=": operator.ge, "<=": operator.le, "<": operator.lt}[sign](value, float(limit))
    return {"what": what, "value": digits(value), "bar": bar, "holds": holds}


def digits(value: float) -> float:
    """The first six digits of a figure, which a fixed number of decimals would take from a small one."""
    return float(f"{value:.6g}")


def result_file(name: str, quick: bool) -> Path:
    """Where the result of a benchmark lies."""
    return Path(f"benchmarks/results/{name}{'_quick' if quick else ''}.json")


def publish(name: str, checks: list[dict[str, Any]], *, libraries: list[str], quick: bool, **figures: Any) -> None:
    """Write the result file and print the checks as the last line."""
    shared = {"niceness": os.nice(0), "load_average": load_average()}  # what else ran beside it
    machine = {"processor": _processor(), "cores": len(os.sched_getaffinity(0)), **shared}
    date = datetime.now(UTC).isoformat(timespec="seconds")
    used = versions(libraries)
    content = {"name": name, "date": date, "machine": machine, "versions": used, "checks": checks, **figures}
    path = result_file(name, quick)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    click.echo(json.dumps({"name": name, "checks": checks}))


def load_average() -> float:
    """Processes that ran or waited over the last minute, on average."""
    return round(os.getloadavg()[0], 1)


def versions(libraries: list[str]) -> dict[str, str]:
    """The versions of Python and of what was measured."""
    return {"python": platform.python_version(), **{library: version(library) for library in libraries}}


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
