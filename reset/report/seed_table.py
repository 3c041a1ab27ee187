"""Table 4 as the mean of several runs, as the paper prints it (A.3: three seeds).

The interval of a cell is the 95 % bootstrap interval over runs and prompts (`reset.scoring.bootstrap`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reset.files.tables import Row, read, read_json
from reset.report import table4
from reset.report.words import interval, mean
from reset.scoring import bootstrap
from reset.scoring.evaluate import SCORES

ByDataset = dict[str, dict[bootstrap.Key, float]]  # data set -> (run, example_id) -> score


def build(
    summaries: Mapping[str, Sequence[tuple[Path, Row]]], paper_rows: Mapping[str, str], *, resamples: int, seed: int
) -> dict[str, Any]:
    """Return the columns and rows of Table 4 over runs, ready for JSON; cells have mean, low and high.

    `summaries` maps a system to the scores per prompt and the summary of each run that has it, `paper_rows` a system to
    its row in the paper. `runs` of a row is the number of its runs.
    """
    over_runs = {system: _over_runs(runs, resamples, seed) for system, runs in summaries.items()}
    columns = table4.columns(over_runs)
    rows = table4.rows(over_runs, columns, {name: row for name, row in paper_rows.items() if name in over_runs})
    return {
        "columns": [asdict(column) for column in columns],
        "rows": [{**row, "runs": len(summaries[row["system"]])} for row in rows],
    }


def _over_runs(runs: Sequence[tuple[Path, Row]], resamples: int, seed: int) -> Row:
    """Summarise a system over its runs as `reset.scoring.evaluate.summarise` does, as far as Table 4 needs it."""
    datasets: dict[str, Row] = {}
    for _, summary in runs:
        datasets = {**summary["datasets"], **datasets}
    scores = _scores([path for path, _ in runs], datasets)
    by_kind: dict[str, ByDataset] = {}
    for name, of_dataset in scores.items():
        by_kind.setdefault(table4.kind(datasets[name]["task"]), {})[name] = of_dataset

    def figures(part: ByDataset) -> Row:
        found = asdict(bootstrap.macro_mean(part, resamples=resamples, seed=seed))
        return {key: None if value is None else round(value, 4) for key, value in found.items()}

    macros = {table4.OVERALL[kind]: figures(part) for kind, part in by_kind.items()}
    cells = {name: figures({name: of_dataset}) for name, of_dataset in scores.items()}
    marks = [_marked(summary) for _, summary in runs]
    return {
        "macro": {name: cell | _mark(any(name in mark for mark in marks)) for name, cell in macros.items()},
        "datasets": {
            name: {
                **{key: datasets[name][key] for key in ("task", "group")},
                "scores": {_axis(datasets[name]["task"]): cell | _mark(any(name in mark for mark in marks))},
            }
            for name, cell in cells.items()
        },
    }


def _axis(task: str) -> str:
    return table4.KINDS[table4.kind(task)]


def _scores(paths: Sequence[Path], datasets: Mapping[str, Row]) -> ByDataset:
    """Read the scores per prompt on the axis that Table 4 shows of each data set; null scores are left out."""
    scores: ByDataset = {}
    for run, path in enumerate(paths):
        for row in read(path, SCORES):
            if row["score"] is not None and row["dataset"] in datasets and row["axis"] == _axis(row["task"]):
                scores.setdefault(row["dataset"], {})[run, row["example_id"]] = row["score"]
    return scores


def _marked(summary: Row) -> set[str]:
    """Names of the macro averages and data sets of a run whose figures rest on a stand-in."""
    cells = {name: row["scores"].get(_axis(row["task"]), {}) for name, row in summary["datasets"].items()}
    return {name for name, figures in {**summary["macro"], **cells}.items() if figures.get("stand_in")}


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
