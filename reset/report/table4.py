"""Table 4: the two objectives of the trade-off per data set and as macro averages, beside the paper's.

The paper's columns and rows are shown if the two are its own: faithfulness and instruction.
"""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from reset.errors import ResetError
from reset.files.tables import Row
from reset.objectives import Objective, Objectives, macro_name
from reset.objectives import kind as kind_of
from reset.report.words import label
from reset.scoring.comparison import Figures

PAPER = Path(__file__).with_name("paper_table4.csv")
PAPERS = ("faithfulness", "instruction")  # its objectives
THEIRS = {  # the paper's data sets in its order; True: unseen in training
    "abstractive": {"cnn_dailymail": False, "ms_marco": False, "wikisum": True},
    "extractive": {"nq": False, "searchqa": True, "bioasq": True},
}
OVERALL = {
    "abstractive": "faithfulness_abstractive",
    "extractive": "faithfulness_extractive",
    "instruction": "instruction",
}
TITLES = {
    "cnn_dailymail": "CNN DailyMail",
    "ms_marco": "MS MARCO",
    "wikisum": "WikiSum",
    "nq": "NQ",
    "searchqa": "SearchQA",
    "bioasq": "BioASQ",
}
ROUNDING = 0.006  # largest difference that rounding to two places can explain


@dataclass(frozen=True)
class Column:
    """A column of Table 4: an objective on a data set, or an overall column, named as a macro average in the metrics.

    `dataset` is None in an overall column.
    """

    name: str
    title: str
    kind: str
    objective: str
    dataset: str | None
    unseen: bool = False

    @property
    def overall(self) -> bool:
        """Whether the column is a macro average."""
        return self.dataset is None


def is_papers(pair: Sequence[str]) -> bool:
    """Return whether the two objectives are the paper's, so that its table can stand beside ours."""
    return {*pair} == {*PAPERS}


def columns(summaries: Mapping[str, Row], objectives: Objectives, pair: Sequence[str]) -> list[Column]:
    """Return the columns of both objectives: the paper's, then data sets that only we have, kind by kind.

    Instructions have one column for all data sets, as in the paper.
    """
    several = sum(objectives[name].in_context() for name in pair) > 1
    shown: list[Column] = []
    for name in pair:
        for kind in objectives[name].kinds():
            taken = {column.name for column in shown}
            theirs = THEIRS.get(kind, {}) if is_papers(pair) and name == PAPERS[0] else {}
            ours = _datasets(summaries, objectives[name], kind, theirs)
            for dataset, unseen in ours.items():
                own = f"{name}_{dataset}" if dataset in taken else dataset
                title = TITLES.get(dataset, dataset) + (f" ({name})" if several else "")
                shown.append(Column(own, title, kind, name, dataset, unseen))
            part = kind if objectives[name].in_context() else None
            shown.append(Column(macro_name(name, part), _title(name, kind, pair, several), kind, name, None))
    return shown


def _title(name: str, kind: str, pair: Sequence[str], several: bool) -> str:
    """The title of an overall column."""
    if kind == "instruction":
        return "alignment" if is_papers(pair) and name == "instruction" else name
    return f"overall ({name})" if several else "overall"


def _datasets(
    summaries: Mapping[str, Row], objective: Objective, kind: str, papers: Mapping[str, bool]
) -> dict[str, bool]:
    """Map the data sets of a kind to whether they are unseen: the paper's first, then ours by name."""
    if kind == "instruction":
        return {}
    ours = {
        name: dataset["group"] == "unseen"
        for summary in summaries.values()
        for name, dataset in summary["datasets"].items()
        if dataset["task"] in objective.verdicts and kind_of(dataset["task"]) == kind
    }
    return {**papers, **{name: ours[name] for name in sorted(ours)}}


def paper() -> dict[str, dict[str, str]]:
    """Return the paper's Table 4 as printed, by row and column name; overall columns are named as in our metrics."""
    lines = [line for line in PAPER.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {
        line.pop("row"): {OVERALL.get(key, key): text for key, text in line.items()} for line in csv.DictReader(lines)
    }


def inconsistent(row: Mapping[str, str]) -> dict[str, float]:
    """Return the mean of a paper row's cells for each overall value that rounding does not explain."""
    means = {OVERALL[kind]: fmean(float(row[name]) for name in names) for kind, names in THEIRS.items()}
    return {name: mean for name, mean in means.items() if abs(mean - float(row[name])) > ROUNDING}


def note() -> str:
    """Return a sentence on each overall value of the paper that is not the mean of its cells."""
    return " ".join(
        f"The paper prints {row[name]} as the overall of {label}; the mean of its cells is {mean:.2f}."
        for label, row in paper().items()
        for name, mean in inconsistent(row).items()
    )


def rows(
    summaries: Mapping[str, Row], shown: Sequence[Column], paper_rows: Mapping[str, str], pair: Sequence[str]
) -> list[Row]:
    """Return one row per system: those with a row in the paper, evaluated or not, then the others."""
    if not is_papers(pair):
        return [_row(name, summary, shown, {}, None) for name, summary in summaries.items()]
    theirs = paper()
    if unknown := [name for name in paper_rows.values() if name not in theirs]:
        raise ResetError(f"The paper's Table 4 has no row '{unknown[0]}'. It has: {', '.join(theirs)}")
    names = [*paper_rows, *(name for name in summaries if name not in paper_rows)]
    return [_row(name, summaries.get(name), shown, theirs, paper_rows.get(name)) for name in names]


def _row(
    system: str, summary: Row | None, shown: Sequence[Column], theirs: Mapping[str, Mapping[str, str]], row: str | None
) -> Row:
    """One system's cells beside those of the paper's `row`."""
    printed = theirs[row] if row else {}
    corrected = inconsistent(printed) if row else {}
    return {
        "system": system,
        "paper_row": row,
        "cells": {column.name: _cell(summary, column) for column in shown},
        "paper": {
            column.name: text + (f" (its cells: {corrected[column.name]:.2f})" if column.name in corrected else "")
            for column in shown
            if (text := printed.get(column.name))
        },
    }


def _cell(summary: Row | None, column: Column) -> Figures | None:
    if summary is None:
        return None
    if column.dataset is None:
        figures = summary["macro"].get(column.name)
    else:
        figures = summary["datasets"].get(column.dataset, {}).get("scores", {}).get(column.objective)
    return {key: figures[key] for key in ("mean", "low", "high", "stand_in") if key in figures} if figures else None


def flat(rows: Sequence[Row], shown: Sequence[Column]) -> list[Row]:
    """Return Table 4 with one plain value per field, for a CSV file."""
    marks = {name for row in rows for name, cell in row["cells"].items() if cell and cell.get("stand_in")}
    return [
        {"system": row["system"], "paper_row": row["paper_row"], **dict(_fields(row, shown, marks))} for row in rows
    ]


def _fields(row: Row, shown: Sequence[Column], marks: Collection[str]) -> Iterator[tuple[str, Any]]:
    for column in shown:
        cell = row["cells"][column.name] or dict.fromkeys(("mean", "low", "high"))
        name = label(column.name, column.name in marks)
        yield name, cell["mean"]
        yield f"{name}_low", cell["low"]
        yield f"{name}_high", cell["high"]
        yield f"{column.name}_paper", row["paper"].get(column.name)
