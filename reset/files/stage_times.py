"""The log of `dvc repro` as far as it tells how long stages took; `reset.status.run_log` says what its lines are."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LOG = Path(".dvc/tmp/reset_runs.jsonl")  # below the project's folder


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of the log at `path`; not the last, if it is being written."""
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            yield json.loads(text)
        except json.JSONDecodeError:
            continue


def seconds(root: Path, scale: str) -> dict[str, float]:
    """Return how long each stage of `scale` took when it last ran on this machine, by its address, `train@mtl`."""
    found: dict[str, float] = {}
    began: dict[str, dict[str, Any]] = {}
    of_scale = False
    for line in lines(root / LOG):
        if line["what"] == "begin":
            of_scale, began = line["scale"] == scale, {}
        elif line["what"] == "stage":
            began[line["stage"]] = line
        elif line["what"] == "done" and of_scale and line["ran"] and line["stage"] in began:
            found[line["stage"]] = took(began[line["stage"]], line)
    return found


def took(first: Mapping[str, Any], last: Mapping[str, Any]) -> float:
    """Return the seconds between two lines of one run, by a clock that nobody sets, where both lines have it."""
    clock = "clock" if "clock" in first and "clock" in last else "at"
    return max(float(last[clock] - first[clock]), 0.0)
