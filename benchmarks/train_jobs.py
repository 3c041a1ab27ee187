"""Runs of benchmarks/train_side.py in processes of their own, which take turns, and their ratios."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.result import check
from reset.runs.launcher import launcher

ROOT = Path(__file__).parents[1]


def measure(job: dict[str, Any]) -> dict[str, float]:
    """The figures of one run of benchmarks/train_side.py, in `ranks` processes of `threads` each."""
    ranks, threads = job["ranks"], job["threads"]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "job.json"
        path.write_text(json.dumps(job))
        start = [sys.executable] if ranks == 1 else launcher(ranks)
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
        command = [*start, str(ROOT / "benchmarks/train_side.py"), str(path), str(Path(folder) / "work")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(done.stderr[-2000:])
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"peak_bytes"')]
    return dict(found[0])


def best(jobs: dict[str, dict[str, Any]], rounds: int) -> dict[str, dict[str, float]]:
    """Of each job the fastest of its rounds; the jobs take turns."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            runs[name].append(measure(job))
            click.echo(f"  {name:<28}{runs[name][-1]['tokens_per_s']:>10,.0f} tokens/s")
    return {name: max(found, key=lambda figures: figures["tokens_per_s"]) for name, found in runs.items()}


def ratios(name: str, found: dict[str, dict[str, float]], memory: str) -> list[dict[str, Any]]:
    """Our figures over those of TRL's defaults: tokens per second by the clock and of processor time, and memory."""
    ours, trl = found["ours"], found["trl"]
    speed, processor = (ours[key] / trl[key] for key in ("tokens_per_s", "tokens_per_cpu_s"))
    return [
        check(f"{name}: tokens/s over TRL's defaults", speed, ">= 1.5"),
        check(f"{name}: tokens per processor second over TRL's defaults", processor, ">= 1.5"),
        check(f"{name}: peak memory over TRL's defaults", ours["peak_bytes"] / trl["peak_bytes"], memory),
    ]
