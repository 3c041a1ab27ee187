"""What `reset-lm seeds` found as one page in the dress of the report: differences, Table 4, spread over runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reset.files.tables import Row
from reset.report import html, intervals, seed_table, story
from reset.report.lineage import Lineage


def write(path: Path, figures: Mapping[str, Any], tradeoff: Sequence[str], of: Lineage) -> None:
    """Write the page; `figures` are what the command prints as JSON, `of` the lineage of the systems."""
    differences = figures["differences"]
    measures = list(dict.fromkeys(name for pair in differences for name in pair["measures"]))
    rows = points(figures["scores"], tradeoff)
    html.write(
        path,
        "seeds.html.j2",
        scale=figures.get("scale"),
        runs=figures["runs"],
        said=story.said(differences, [row["system"] for row in rows]),
        pair=tradeoff,
        planes=story.planes(rows, {}, tradeoff, of, differences),
        legend=story.legend([row["system"] for row in rows], of),
        forest=intervals.drawing(measures, story.lines(differences, measures), title="differences"),
        table4=seed_table.shown(figures["table4"]),
        spread=[_spread(row) for row in figures["scores"]],
        sections=[("story", "Story"), ("table4", "Table 4"), ("spread", "Spread")],
        script=html.script("page.js"),
    )


def points(scores: Sequence[Row], tradeoff: Sequence[str]) -> list[Row]:
    """Return the means of both objectives of each system that has them, as the trade-off plane draws them."""
    found: dict[str, Row] = {}
    for row in scores:
        if row["score"] in tradeoff:
            found.setdefault(row["system"], {"system": row["system"]})[row["score"]] = row["mean"]
    return [row for row in found.values() if all(name in row for name in tradeoff)]


def _spread(row: Row) -> Row:
    shown = {key: row[key] for key in ("system", "score", "mean", "sd")}
    return {**shown, "runs": ", ".join(f"{run} {value:.3f}" for run, value in row["runs"].items())}
