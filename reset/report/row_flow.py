"""Where the rows of each data set went: into its splits, or aside, by reason; a bar per data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reset.files.metrics import Metrics
from reset.files.schemas import SPLITS
from reset.files.tables import Row

NAMED = 12.0  # percent of a bar from which a part has its number in it


@dataclass(frozen=True)
class Drawing:
    """What the template draws: a legend of (place, name), and a bar per data set."""

    legend: Sequence[tuple[str, str]]
    bars: Sequence[dict[str, Any]]


def flows(metrics: Metrics) -> list[Row]:
    """Return, per data set that was prepared: rows read, rows of each split, and rows set aside by reason.

    They add up: what `fetch` set aside is among the rows read.
    """
    found = []
    for name, prepared in metrics.of("prepare").items():
        fetched = metrics.read(f"fetch/{name}")
        aside: dict[str, int] = {}
        for figures in (fetched, prepared):
            for reason, count in figures.get("set_aside", {}).items():
                aside[reason] = aside.get(reason, 0) + count
        splits = {split: prepared.get("splits", {}).get(split, 0) for split in SPLITS}
        read = fetched.get("rows_in", prepared["rows_in"])
        found.append({"dataset": name, "read": read, "splits": splits, "set_aside": aside})
    return found


def drawing(rows: Sequence[Row]) -> Drawing:
    """Draw `flows`; the reasons have the places `a0`, `a1` and so on, the most frequent first."""
    totals: dict[str, int] = {}
    for row in rows:
        for reason, count in row["set_aside"].items():
            totals[reason] = totals.get(reason, 0) + count
    reasons = sorted(totals, key=lambda reason: -totals[reason])
    places = {split: f"s{number}" for number, split in enumerate(SPLITS)}
    places |= {reason: f"a{min(number, 3)}" for number, reason in enumerate(reasons)}
    shown = {name for row in rows for name, count in {**row["splits"], **row["set_aside"]}.items() if count}
    return Drawing([(places[name], name) for name in places if name in shown], [_bar(row, places) for row in rows])


def _bar(row: Row, places: dict[str, str]) -> dict[str, Any]:
    counts = {**row["splits"], **row["set_aside"]}
    whole = sum(counts.values()) or 1
    parts = [
        {
            "place": place,
            "width": round(100 * counts[name] / whole, 2),
            "text": f"{counts[name]:,}" if 100 * counts[name] / whole >= NAMED else "",
            "title": f"{counts[name]:,} {name}",
        }
        for name, place in places.items()
        if counts.get(name)
    ]
    return {"name": row["dataset"], "note": _note(row), "parts": parts}


def _note(row: Row) -> str:
    """How many rows were read, and how many of them were set aside for which reason."""
    aside = ", ".join(f"{count:,} {reason}" for reason, count in row["set_aside"].items() if count)
    return f"{row['read']:,} rows read" + (f"; set aside: {aside}" if aside else "; none set aside")
