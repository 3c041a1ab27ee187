"""Figures in words: how a number, an interval and a difference are put, and the report as Markdown."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reset.scoring.comparison import Figures

LEVEL = 0.05  # of tests, as 95 % is of intervals
DASH = "–"  # noqa: RUF001
MINUS = "−"  # noqa: RUF001


def mean(figures: Figures | None) -> str:
    """The mean to three places, or a dash where there is none."""
    return figure(figures["mean"] if figures else None)


def figure(value: float | None) -> str:
    """A number to three places, or a dash where there is none."""
    return DASH if value is None else f"{value:.3f}".replace("-", MINUS)


def signed(figures: Figures | None) -> str:
    """A difference with its sign."""
    value = figures["mean"] if figures else None
    return DASH if value is None else f"{value:+.3f}".replace("-", MINUS)


def interval(figures: Figures | None) -> str:
    """A 95 % interval in brackets, or nothing where there is none."""
    if not figures or figures["low"] is None:
        return ""
    return f"[{figure(figures['low'])}, {figure(figures['high'])}]"


def direction(figures: Figures | None) -> str:
    """`up` or `down` where the interval leaves zero out, also after Holm's correction if there is one, else nothing."""
    return "" if figures and (figures.get("p_holm") or 0.0) >= LEVEL else _leans(figures)


def _leans(figures: Figures | None) -> str:
    """`up` or `down` where the interval alone leaves zero out."""
    if not figures or figures["low"] is None or figures["high"] is None:
        return ""
    return "up" if figures["low"] > 0 else "down" if figures["high"] < 0 else ""


def sentences(differences: Sequence[Mapping[str, Any]], systems: Sequence[str]) -> list[str]:
    """One sentence per difference, the first being the headline."""
    if not systems:
        return ["No system has been evaluated yet."]
    if not differences:
        return [f"Scores of {', '.join(systems)}; no two of them are a declared pair."]
    return [_sentence(difference) for difference in differences]


def _sentence(difference: Mapping[str, Any]) -> str:
    parts = [
        _part(measure, figures) for measure, figures in difference["measures"].items() if figures["mean"] is not None
    ]
    shown = ", ".join(parts) or "no scored prompt in common"
    return f"{difference['system']} against {difference['against']}: {shown}."


def _part(measure: str, figures: Figures) -> str:
    if way := _leans(figures):
        doubt = "" if direction(figures) else ", not clear among so many (Holm)"
        return f"{measure} {way} by {figure(abs(figures['mean'] or 0.0))} {interval(figures)}{doubt}"
    return f"{measure} no clear change, {signed(figures)} {interval(figures)}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as columns for a terminal."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


FIGURES = {  # heading -> rows
    "Before and after the second stage (the paper's Figures 3 and 6)": "pipelines",
    "Along the training (Figures 4 and 9 to 14, macro averages)": "checkpoints",
    "What continued training brings, over the system it starts from": "gains",
    "Faithfulness by length (Figure 5)": "lengths",
    "Instruction scores of answers of like length (Figure 7)": "matched",
}

JUDGES = {
    "Warnings of the judges": "warnings",
    "What the choice did to each judge": "judges",
    "What each axis brings to the sum that chooses": "spread",
    "What the watchers say of each pool": "watched",
}


def markdown(content: Mapping[str, Any]) -> str:
    """The page as Markdown, without its charts."""
    columns = content["columns"]
    blocks = [f"# {_cell(content['headline'])}", "\n".join(f"- {_cell(text)}" for text in content["sentences"])]
    blocks += ["## Table 4: ours (the paper's in brackets)"]
    blocks += [
        _table(["system", *(column.title for column in columns)], [_row(row, columns) for row in content["table4"]])
    ]
    blocks += [_cell(content["note"]), *_overview(content["overview"])]
    blocks += ["## Paired differences, 95 % intervals (in bold: clear of zero after Holm's correction)"]
    measures = content["measures"]
    pairs = [
        [f"{pair['system']} {MINUS} {pair['against']}", *(_difference(pair["measures"][name]) for name in measures)]
        for pair in content["differences"]
    ]
    blocks += [_table(["systems", *measures], pairs)]
    for title, name in FIGURES.items():
        if content[name]:
            blocks += [f"## {title}", _records(content[name])]
    if content["curated"]:
        blocks += ["## What was picked", _records(content["curated"])]
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
        mean(row["cells"][column.name]) + (f" ({said})" if (said := row["paper"].get(column.name)) else "")
        for column in columns
    ]
    return [label, *cells]


def _difference(figures: Figures) -> str:
    shown = f"{signed(figures)} {interval(figures)}".strip()
    return Bold(shown) if direction(figures) else shown


class Bold(str):
    """A cell to stand out."""

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
    """Text that Markdown takes for nothing but text."""
    return re.sub(r"([\\`*<>|]|(?<!\w)_|_(?!\w))", r"\\\1", " ".join(text.split()))
