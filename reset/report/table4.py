"""Table 4: our faithfulness and instruction scores beside the paper's, per data set and as macro averages."""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from reset.errors import ResetError
from reset.files.tables import Row
from reset.report.words import label
from reset.scoring.comparison import Figures

PAPER = Path(__file__).with_name("paper_table4.csv")
KINDS = {"abstractive": "faithfulness", "extractive": "faithfulness", "instruction": "instruction"}  # kind -> axis
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
    """A column of Table 4: a data set, or an overall column, whose `name` is that of a macro average in the metrics."""

    name: str
    title: str
    kind: str
    overall: bool
    unseen: bool = False


def columns(summaries: Mapping[str, Row]) -> list[Column]:
    """Return the paper's columns; data sets that only we have follow those of the same kind."""
    shown = []
    for of, overall in OVERALL.items():
        for name, unseen in _datasets(summaries, of).items():
            shown.append(Column(name, TITLES.get(name, name), of, overall=False, unseen=unseen))
        title = "alignment" if of == "instruction" else "overall"
        shown.append(Column(overall, title, of, overall=True))
    return shown


def kind(task: str) -> str:
    """Return the kind of column in which Table 4 shows data sets of a task."""
    return {"instruction": "instruction", "extractive_qa": "extractive"}.get(task, "abstractive")


def _datasets(summaries: Mapping[str, Row], wanted: str) -> dict[str, bool]:
    """Map the data sets of a kind to whether they are unseen: the paper's first, then ours by name."""
    if wanted == "instruction":  # the paper has one column for all of them
        return {}
    ours = {
        name: dataset["group"] == "unseen"
        for summary in summaries.values()
        for name, dataset in summary["datasets"].items()
        if kind(dataset["task"]) == wanted
    }
    return {**THEIRS[wanted], **{name: ours[name] for name in sorted(ours)}}


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


def rows(summaries: Mapping[str, Row], shown: Sequence[Column], paper_rows: Mapping[str, str]) -> list[Row]:
    """Return one row per system: those with a row in the paper, evaluated or not, then the others."""
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
    if column.overall:
        figures = summary["macro"].get(column.name)
    else:
        figures = summary["datasets"].get(column.name, {}).get("scores", {}).get(KINDS[column.kind])
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
