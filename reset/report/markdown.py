"""The report as Markdown, without its charts."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reset.report.words import MINUS, direction, figure, interval, mean, signed, unknown
from reset.scoring.comparison import Figures

FIGURES = {  # heading, with the two objectives of the trade-off -> rows
    "Before and after the second stage (the paper's Figures 3 and 6)": "pipelines",
    "Along the training: checkpoints (Figures 4 and 9 to 14, macro averages)": "checkpoints",
    "What continued training brings: gain over the starting system": "gains",
    "{0} by length (Figure 5)": "lengths",
    "{1} scores of answers of similar length (Figure 7)": "matched",
}

TABLE4 = {True: "Table 4: ours (the paper's in brackets)", False: "Scores per data set"}  # with the paper's, or without
JUDGES = {
    "Warnings about the judges": "warnings",
    "Mean of each judge before and after selection": "judges",
    "Influence of each objective on the selection score": "spread",
    "Watchers: verdicts per pool": "watched",
}


def markdown(content: Mapping[str, Any]) -> str:
    """Return the page as Markdown, without its charts."""
    columns = content["columns"]
    blocks = [f"# {_cell(content['headline'])}", _cell(content["stand_ins"])]
    blocks += ["\n".join(f"- {_cell(text)}" for text in content["sentences"])]
    blocks += [f"## {TABLE4[content['papers']]}"]
    blocks += [
        _table(["system", *(column.title for column in columns)], [_row(row, columns) for row in content["table4"]])
    ]
    blocks += [_cell(content["note"])]
    if content["seeds"]:
        blocks += ["## Table 4: means of several runs, 95 % intervals (the paper's in brackets)"]
        blocks += [_records(content["seeds"])]
    blocks += _overview(content["overview"])
    blocks += ["## Paired differences, 95 % intervals (bold: significant after Holm's correction)"]
    measures = content["measures"]
    pairs = [
        [f"{pair['system']} {MINUS} {pair['against']}", *(_difference(pair["measures"][name]) for name in measures)]
        for pair in content["differences"]
    ]
    blocks += [_table(["systems", *measures], pairs), content["one_run"]]
    if content["ability"]:
        blocks += ["## General ability", _records(content["ability"])]
    for title, name in FIGURES.items():
        if content[name]:
            blocks += [f"## {title.format(*map(str.capitalize, content['pair']))}", _records(content[name])]
    if content["curated"]:
        blocks += ["## Candidates and chosen answers", _records(content["curated"])]
    if content["barred"]:
        blocks += ["## Candidates that could not win", _records(content["barred"])]
    for title, name in JUDGES.items():
        if content[name]:
            blocks += [f"## {title}", _records(content[name])]
    if content["accounts"]:
        blocks += ["## Where the rows went", _records(content["accounts"])]
    if content["table1"]:
        blocks += ["## Table 1: ours (the paper's in brackets)", _records(content["table1"])]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _row(row: Mapping[str, Any], columns: Sequence[Any]) -> list[str]:
    label = f"{row['system']} ({row['paper_row']})" if row["paper_row"] else row["system"]
    cells = [
        mean(row["cells"][column.name]) + (f" ({printed})" if (printed := row["paper"].get(column.name)) else "")
        for column in columns
    ]
    return [label, *cells]


def _difference(figures: Figures) -> str:
    shown = f"{signed(figures)} {interval(figures) or unknown(figures)}".strip()
    return Bold(shown) if direction(figures) else shown


class Bold(str):
    """A table cell shown in bold."""

    __slots__ = ()


def _overview(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return ["## Scores per system, macro averages", _records(rows)] if rows else []


def _records(rows: Sequence[Mapping[str, Any]]) -> str:
    def shown(value: Any) -> str:
        return figure(value) if isinstance(value, float) or value is None else str(value)

    return _table(
        [key.replace("_", " ") for key in rows[0]], [[shown(value) for value in row.values()] for row in rows]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(f"**{_cell(text)}**" if isinstance(text, Bold) else _cell(text) for text in line) + " |"
        for line in lines
    )


def _cell(text: str) -> str:
    """Return text with Markdown's special characters escaped."""
    return re.sub(r"([\\`*<>|]|(?<!\w)_|_(?!\w))", r"\\\1", " ".join(text.split()))
