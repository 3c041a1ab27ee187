"""Figures in words: how a number, an interval and a difference are put, and the report as Markdown."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reset.comparison import Figures

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
    """`up` or `down` where the interval leaves zero out, else nothing."""
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
    if way := direction(figures):
        return f"{measure} {way} by {figure(abs(figures['mean'] or 0.0))} {interval(figures)}"
    return f"{measure} no clear change, {signed(figures)} {interval(figures)}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as columns for a terminal."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def markdown(content: Mapping[str, Any]) -> str:
    """The page as Markdown, without its charts."""
    columns = content["columns"]
    blocks = [f"# {_cell(content['headline'])}", "\n".join(f"- {_cell(text)}" for text in content["sentences"])]
    blocks += ["## Table 4: ours (the paper's in brackets)"]
    blocks += [
        _table(["system", *(column.title for column in columns)], [_row(row, columns) for row in content["table4"]])
    ]
    blocks += [_cell(content["note"]), "## Paired differences, 95 % intervals"]
    measures = content["measures"]
    pairs = [
        [f"{pair['system']} {MINUS} {pair['against']}", *(_difference(pair["measures"][name]) for name in measures)]
        for pair in content["differences"]
    ]
    blocks += [_table(["systems", *measures], pairs)]
    if content["curated"]:
        blocks += ["## What was picked", _records(content["curated"])]
    if content["accounts"]:
        blocks += ["## Where the rows went", _records(content["accounts"])]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _row(row: Mapping[str, Any], columns: Sequence[Any]) -> list[str]:
    label = f"{row['system']} ({row['paper_row']})" if row["paper_row"] else row["system"]
    cells = [
        mean(row["cells"][column.name]) + (f" ({said})" if (said := row["paper"].get(column.name)) else "")
        for column in columns
    ]
    return [label, *cells]


def _difference(figures: Figures) -> str:
    return f"{signed(figures)} {interval(figures)}".strip()


def _records(rows: Sequence[Mapping[str, Any]]) -> str:
    def shown(value: Any) -> str:
        return figure(value) if isinstance(value, float) or value is None else str(value)

    return _table(
        [key.replace("_", " ") for key in rows[0]], [[shown(value) for value in row.values()] for row in rows]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Text that Markdown takes for nothing but text."""
    return re.sub(r"([\\`*<>|]|(?<!\w)_|_(?!\w))", r"\\\1", " ".join(text.split()))
