"""General ability beside the trade-off: IFEval's accuracies, and tasks of lm-evaluation-harness, per system.

Prompt-level accuracy is the share of prompts all of whose instructions are followed, instruction-level accuracy that of
all instructions (Zhou et al. 2023, section 3.2). What a check cannot tell is left out and counted in `nulls`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from reset.files import schemas
from reset.files.metrics import Metrics
from reset.files.tables import Row, read

FOLDER = "watch/ability"  # of metrics/


def rows(metrics: Metrics, systems: Sequence[str], verified: Mapping[str, Path]) -> list[Row]:
    """Return a row per system that has any figure; `verified` maps a system to the verdicts of judge `verifiable`."""
    found = {
        system: {**accuracies(verified[system]), **_tasks(metrics.read(f"{FOLDER}/{system}"))}
        if system in verified
        else _tasks(metrics.read(f"{FOLDER}/{system}"))
        for system in systems
    }
    columns = dict.fromkeys(column for row in found.values() for column in row)
    return [{"system": system, **{one: row.get(one) for one in columns}} for system, row in found.items() if row]


def accuracies(path: Path) -> Row:
    """Return the accuracies of one system, and on how many prompts and instructions they rest; empty if on none."""
    verdicts = [row for row in read(path, schemas.VERDICTS) if row["detail"]] if path.is_file() else []
    if not verdicts:
        return {}
    prompts = {name: [row["score"] for row in verdicts if row["name"] == f"prompt_{name}"] for name in MODES}
    each = [
        one
        for row in verdicts
        if row["name"] == "prompt_strict"
        for one in json.loads(row["detail"]).get("instructions", ())
    ]
    return {
        "IFEval prompts": str(len(prompts["strict"])),
        **{f"prompt {name}": _mean(scores) for name, scores in prompts.items()},
        **{f"instruction {name}": _mean(one[name] for one in each) for name in MODES},
        "nulls": f"{_nulls(prompts['strict'])} prompts, {_nulls(one['strict'] for one in each)} instructions",
    }


MODES = ("strict", "loose")


def _mean(scores: Iterable[float | bool | None]) -> float | None:
    known = [float(score) for score in scores if score is not None]
    return fmean(known) if known else None


def _nulls(scores: Iterable[Any]) -> int:
    return sum(score is None for score in scores)


def _tasks(figures: Row) -> Row:
    """Return each metric of each task, and its standard error where it has one."""
    row: Row = {}
    for task, of_task in figures.get("tasks", {}).items():
        for metric, told in of_task["metrics"].items():
            row[f"{task}: {metric}"] = told["value"]
            if told["stderr"] is not None:
                row[f"{task}: {metric}, standard error"] = told["stderr"]
    return row
