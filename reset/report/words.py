"""Format numbers, intervals and differences as text, and the report as Markdown."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reset.scoring.comparison import Figures

LEVEL = 0.05  # significance level, that of the 95 % intervals
DASH = "–"  # noqa: RUF001
MINUS = "−"  # noqa: RUF001


def mean(figures: Figures | None) -> str:
    """Return the mean with three decimals, or a dash if there is none."""
    return figure(figures["mean"] if figures else None)


def figure(value: float | None) -> str:
    """Return a number with three decimals, or a dash for None."""
    return DASH if value is None else f"{value:.3f}".replace("-", MINUS)


def signed(figures: Figures | None) -> str:
    """Return a mean difference with its sign, or a dash if there is none."""
    value = figures["mean"] if figures else None
    return DASH if value is None else f"{value:+.3f}".replace("-", MINUS)


def interval(figures: Figures | None) -> str:
    """Return the 95 % interval in brackets, or "" if there is none."""
    if not figures or figures["low"] is None:
        return ""
    return f"[{figure(figures['low'])}, {figure(figures['high'])}]"


def direction(figures: Figures | None) -> str:
    """Return `up` or `down` if the interval excludes zero and p_holm, if given, is below LEVEL; else ""."""
    return "" if figures and (figures.get("p_holm") or 0.0) >= LEVEL else _side_of_zero(figures)


def _side_of_zero(figures: Figures | None) -> str:
    """`up` or `down` if the interval excludes zero, else ""."""
    if not figures or figures["low"] is None or figures["high"] is None:
        return ""
    return "up" if figures["low"] > 0 else "down" if figures["high"] < 0 else ""


def sentences(differences: Sequence[Mapping[str, Any]], systems: Sequence[str]) -> list[str]:
    """Return one sentence per difference; the first is the headline."""
    if not systems:
        return ["No system has been evaluated yet."]
    if not differences:
        return [f"Scores of {', '.join(systems)}; no declared pair to compare."]
    return [_sentence(difference) for difference in differences]


def _sentence(difference: Mapping[str, Any]) -> str:
    parts = [
        _part(measure, figures) for measure, figures in difference["measures"].items() if figures["mean"] is not None
    ]
    shown = ", ".join(parts) or "no scored prompt in common"
    return f"{difference['system']} against {difference['against']}: {shown}."


def _part(measure: str, figures: Figures) -> str:
    if side := _side_of_zero(figures):
        caveat = "" if direction(figures) else ", not significant after Holm's correction"
        return f"{measure} {side} by {figure(abs(figures['mean'] or 0.0))} {interval(figures)}{caveat}"
    return f"{measure} no clear change, {signed(figures)} {interval(figures)}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as aligned columns for the terminal."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


FIGURES = {  # heading -> rows
    "Before and after the second stage (the paper's Figures 3 and 6)": "pipelines",
    "Along the training: checkpoints (Figures 4 and 9 to 14, macro averages)": "checkpoints",
    "What continued training brings: gain over the starting system": "gains",
    "Faithfulness by length (Figure 5)": "lengths",
    "Instruction scores of answers of similar length (Figure 7)": "matched",
}

JUDGES = {
    "Warnings about the judges": "warnings",
    "Mean of each judge before and after selection": "judges",
    "Influence of each axis on the selection score": "spread",
    "Watchers: verdicts per pool": "watched",
}


def markdown(content: Mapping[str, Any]) -> str:
    """Return the page as Markdown, without its charts."""
    columns = content["columns"]
    blocks = [f"# {_cell(content['headline'])}", "\n".join(f"- {_cell(text)}" for text in content["sentences"])]
    blocks += ["## Table 4: ours (the paper's in brackets)"]
    blocks += [
        _table(["system", *(column.title for column in columns)], [_row(row, columns) for row in content["table4"]])
    ]
    blocks += [_cell(content["note"]), *_overview(content["overview"])]
    blocks += ["## Paired differences, 95 % intervals (bold: significant after Holm's correction)"]
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
        blocks += ["## Candidates and chosen answers", _records(content["curated"])]
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
    shown = f"{signed(figures)} {interval(figures)}".strip()
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
