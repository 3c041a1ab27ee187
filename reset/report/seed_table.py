"""Table 4 as the mean of several runs, as the paper prints it (A.3: three seeds).

The interval of a cell is the 95 % bootstrap interval over runs and prompts (`reset.scoring.bootstrap`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reset.files.tables import Row, read, read_json
from reset.objectives import Objectives, macro_name
from reset.objectives import kind as kind_of
from reset.report import table4
from reset.report.words import interval, mean
from reset.scoring import bootstrap
from reset.scoring.evaluate import SCORES

ByDataset = dict[str, dict[bootstrap.Key, float]]  # data set -> (run, example_id) -> score


def build(
    summaries: Mapping[str, Sequence[tuple[Path, Row]]],
    paper_rows: Mapping[str, str],
    objectives: Objectives,
    pair: Sequence[str],
    *,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Return the columns and rows of Table 4 over runs, ready for JSON; cells have mean, low and high.

    `summaries` maps a system to the scores per prompt and the summary of each run that has it, `paper_rows` a system to
    its row in the paper; `pair` are the two `objectives` that are shown. `runs` of a row is the number of its runs.
    """
    own = {name: objectives[name] for name in pair}
    over_runs = {system: _over_runs(runs, own, resamples, seed) for system, runs in summaries.items()}
    columns = table4.columns(over_runs, objectives, pair)
    theirs = {name: row for name, row in paper_rows.items() if name in over_runs}
    return {
        "columns": [{**asdict(column), "overall": column.overall} for column in columns],
        "rows": [
            {**row, "runs": len(summaries[row["system"]])} for row in table4.rows(over_runs, columns, theirs, pair)
        ],
    }


def _over_runs(runs: Sequence[tuple[Path, Row]], objectives: Objectives, resamples: int, seed: int) -> Row:
    """Summarise a system over its runs as `reset.scoring.evaluate.summarise` does, as far as Table 4 needs it."""
    datasets: dict[str, Row] = {}
    for _, summary in runs:
        datasets = {**summary["datasets"], **datasets}
    scores = {name: _scores([path for path, _ in runs], name, datasets) for name in objectives}

    def figures(part: ByDataset) -> Row:
        found = asdict(bootstrap.macro_mean(part, resamples=resamples, seed=seed))
        return {key: None if value is None else round(value, 4) for key, value in found.items()}

    macro: dict[str, Row] = {}
    for name, objective in objectives.items():
        for kind in objective.kinds():
            if part := {one: of for one, of in scores[name].items() if kind_of(datasets[one]["task"]) == kind}:
                whole = macro_name(name, kind if objective.in_context() else None)
                rests = any(summary["macro"].get(whole, {}).get("stand_in") for _, summary in runs)
                macro[whole] = figures(part) | _mark(rests)
    cells = {
        dataset: {
            name: figures({dataset: scores[name][dataset]}) | _mark(_rests(runs, dataset, name))
            for name in objectives
            if dataset in scores[name]
        }
        for dataset in datasets
    }
    return {
        "macro": macro,
        "datasets": {
            dataset: {**{key: datasets[dataset][key] for key in ("task", "group")}, "scores": own}
            for dataset, own in cells.items()
        },
    }


def _scores(paths: Sequence[Path], objective: str, datasets: Collection[str]) -> ByDataset:
    """Read the scores per prompt of an objective; null scores are left out."""
    scores: ByDataset = {}
    for run, path in enumerate(paths):
        for row in read(path, SCORES):
            if row["score"] is not None and row["dataset"] in datasets and row["objective"] == objective:
                scores.setdefault(row["dataset"], {})[run, row["example_id"]] = row["score"]
    return scores


def _rests(runs: Sequence[tuple[Path, Row]], dataset: str, objective: str) -> bool:
    """Whether a figure of a data set rests on a stand-in in some run."""
    cells = [summary["datasets"].get(dataset, {}).get("scores", {}) for _, summary in runs]
    return any(cell.get(objective, {}).get("stand_in") for cell in cells)


def _mark(rests: bool) -> Row:
    return {"stand_in": True} if rests else {}


def shown(table: Mapping[str, Any]) -> list[Row]:
    """Return the rows of the table as text: mean, interval, and in brackets the paper's value."""
    return [
        {
            "system": f"{row['system']} ({row['paper_row']})" if row["paper_row"] else row["system"],
            "runs": row["runs"],
            **{column["title"]: _text(row, column["name"]) for column in _titled(table["columns"])},
        }
        for row in table["rows"]
    ]


def _titled(columns: Sequence[Row]) -> list[Row]:
    """Return the columns with titles of their own: there is an overall column of each kind."""
    return [
        {**column, "title": f"{column['kind']}, {column['title']}"} if column["overall"] else column
        for column in columns
    ]


def _text(row: Row, name: str) -> str:
    cell, printed = row["cells"][name], row["paper"].get(name)
    return " ".join(part for part in (mean(cell), interval(cell), f"({printed})" if printed else "") if part)


def read_table(path: Path, scale: str) -> list[Row]:
    """Return the rows to show of what `reset-lm seeds --json` wrote to `path`; none of runs of another scale."""
    found = read_json(path) if path.is_file() else {}
    return shown(found["table4"]) if found.get("scale") == scale and "table4" in found else []
