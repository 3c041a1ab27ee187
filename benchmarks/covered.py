"""How many lines and branches of `reset` do the tests see?

    pip install coverage==7.10.7
    coverage run -m pytest -n 2 --dist loadfile; coverage combine; python -m benchmarks.covered

Branches count beside lines, as `coverage report` counts them. What runs in the stages and commands that tests start
counts, in a worker of Ray or of vLLM it does not.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks import result

LEAST = 10  # files that are named


@click.command()
def main() -> None:
    """Sum up what `coverage combine` has left."""
    with TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(told)], check=True)
        files: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))["files"]
    figures = {name: file["summary"] for name, file in files.items()}
    checks = [result.check("share of lines and branches", share(figures), ">= 0.95")]
    least = sorted(figures, key=lambda name: (share({name: figures[name]}), name))[:LEAST]
    result.publish(
        "covered",
        checks,
        **{"libraries": ["coverage", "pytest"], "quick": False, "folders": folders(figures)},
        least={name: result.digits(share({name: figures[name]})) for name in least},
    )


def share(figures: Mapping[str, Mapping[str, int]]) -> float:
    """The part of the lines and branches of files that was run; 1 for files without any."""
    of = sum(one["num_statements"] + one["num_branches"] for one in figures.values())
    seen = sum(one["covered_lines"] + one["covered_branches"] for one in figures.values())
    return seen / of if of else 1.0


def folders(figures: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    """The share of each folder of `reset`, of what lies below it too."""
    rooms = {name: PurePath(name).parts[1] if len(PurePath(name).parts) > 2 else "" for name in figures}
    return {
        room or "reset": result.digits(share({name: figures[name] for name in figures if rooms[name] == room}))
        for room in sorted({*rooms.values()})
    }


if __name__ == "__main__":
    main()
