"""What a watcher of several runs said: its mean per system, and paired differences with their 95 % intervals.

A watcher chooses nothing (docs/judges.md). `metrics/watch` has its means; the intervals here are those of
`reset.scoring.bootstrap`, over prompts and runs, of the data sets that it judges.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.result import digits
from reset.files import schemas, tables
from reset.scoring import bootstrap

Scores = dict[str, dict[bootstrap.Key, float]]  # data set -> (run, example_id) -> score


def read(runs: Sequence[Path], watcher: str, pool: str) -> Scores:
    """The verdicts of a watcher on a pool with one answer to a prompt, of all runs; null ones are left out."""
    found: Scores = defaultdict(dict)
    for number, run in enumerate(runs):
        for row in tables.read(run / f"data/watched/{watcher}/{pool}.parquet", schemas.VERDICTS):
            if row["score"] is not None:
                example = row["answer_id"].rsplit("|", 2)[0]
                found[example.split("/")[0]][number, example] = row["score"]
    return dict(found)


def gather(runs: Sequence[Path], watcher: str, pairs: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Per system the mean of each data set and over them; per pair the difference over data sets."""
    names = dict.fromkeys(name for pair in pairs for name in pair)
    scores = {name: read(runs, watcher, name) for name in names}
    return {
        "means": {name: _means(of) for name, of in scores.items()},
        "differences": [
            {"system": a, "against": b}
            | asdict(bootstrap.macro_difference(scores[a], scores[b], resamples=1000, seed=0))
            for a, b in pairs
        ],
        "choices": _choices(runs, watcher),
    }


def _choices(runs: Sequence[Path], watcher: str) -> dict[str, dict[str, float]]:
    """Per curated set and task, the watcher's mean over all candidates and over the chosen ones, the mean of runs."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        for chosen, tasks in json.loads((run / f"metrics/watch/{watcher}.json").read_text())["choices"].items():
            for task, figures in tasks.items():
                for row in figures["means"].values():
                    for key in ("pool", "winners"):
                        found[f"{chosen}/{task}"][key].append(row[key])
    return {name: {key: digits(fmean(of)) for key, of in row.items()} for name, row in found.items()}


def _means(scores: Scores) -> dict[str, float]:
    means = {dataset: fmean(of.values()) for dataset, of in scores.items()}
    return {name: digits(mean) for name, mean in {**means, "all": fmean(means.values())}.items()}
