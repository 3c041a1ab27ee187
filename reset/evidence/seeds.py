"""Summarise repeated runs (say, with other seeds): Table 4, mean and spread per score, paired differences."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from reset.errors import ResetError
from reset.evidence.revisions import Run
from reset.files import tables
from reset.objectives import Objectives, measures
from reset.report import seed_table
from reset.scoring import comparison

FOLDERS = ("data/scores", "metrics/systems")  # folders of a run that are read


def gather(
    runs: Mapping[str, Path],
    pairs: Sequence[Sequence[str]],
    paper_rows: Mapping[str, str],
    objectives: Objectives,
    tradeoff: Sequence[str],
    *,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Read `runs` (name -> folder); return `table4`, `scores` per system and macro average, `differences` per pair.

    `table4` is that of `reset.report.seed_table`, of the two `objectives` in `tradeoff`; `paper_rows` maps systems to
    their rows in the paper's. `sd` is the standard deviation over runs (n - 1), None for a single run. A difference
    needs both systems in all runs. Raises `ResetError` for a run without scores, and for runs of different scales,
    whose equal names are different systems.
    """
    read = {name: Run(str(folder), folder) for name, folder in runs.items()}
    if len({run.scale for run in read.values()}) > 1:
        of = ", ".join(f"'{name}' is of scale {run.scale}" for name, run in read.items())
        raise ResetError(f"{of}: repeated runs are of one scale")
    summaries = {name: _summaries(name, run) for name, run in read.items()}
    systems = sorted({system for by_system in summaries.values() for system in by_system})
    scores = [
        row
        for system in systems
        for row in _means_and_sd(
            system, {run: by_system[system] for run, by_system in summaries.items() if system in by_system}
        )
    ]
    compared = measures(objectives)
    folders = [folder / FOLDERS[0] for folder in runs.values()]
    differences = comparison.differences(folders, pairs, compared, resamples=resamples, seed=seed)
    every = [summary for by_system in summaries.values() for summary in by_system.values()]
    return {
        "runs": list(runs),
        "table4": seed_table.build(
            _by_system(runs, summaries), paper_rows, objectives, tradeoff, resamples=resamples, seed=seed
        ),
        "scores": scores,
        "differences": list(comparison.marked(differences, every, compared)),
    }


def _by_system(
    runs: Mapping[str, Path], summaries: Mapping[str, Mapping[str, tables.Row]]
) -> dict[str, list[tuple[Path, tables.Row]]]:
    """The scores per prompt and the summary of each run that has them, by system."""
    by_system: dict[str, list[tuple[Path, tables.Row]]] = {}
    for run, of_run in summaries.items():
        for system, summary in of_run.items():
            path = runs[run] / FOLDERS[0] / f"{system}.parquet"
            if path.is_file():
                by_system.setdefault(system, []).append((path, summary))
    return by_system


def _summaries(name: str, run: Run) -> dict[str, tables.Row]:
    figures = {Path(file).stem: run.figures(file) for file in run.files(FOLDERS[1]) if file.endswith(".json")}
    if not any(figures.values()):
        raise ResetError(f"'{name}' holds no scores: {FOLDERS[1]}/ is empty or missing")
    return {system: summary for system, summary in figures.items() if summary}


def _means_and_sd(system: str, by_run: Mapping[str, tables.Row]) -> list[tables.Row]:
    """One row per macro average of `system`, over the runs that have it: mean, sd and the value of each run."""
    names = dict.fromkeys(name for summary in by_run.values() for name in summary["macro"])
    rows = []
    for name in names:
        means = {run: summary["macro"].get(name, {}).get("mean") for run, summary in by_run.items()}
        values = {run: mean for run, mean in means.items() if mean is not None}
        if values:
            spread = round(stdev(values.values()), 4) if len(values) > 1 else None
            row = {"system": system, "score": name, "mean": round(fmean(values.values()), 4), "sd": spread}
            stands_in = any(summary["macro"].get(name, {}).get("stand_in") for summary in by_run.values())
            rows.append({**row, "runs": values, **({"stand_in": True} if stands_in else {})})
    return rows
