"""The first screen: what was run, the first declared difference in a sentence, the trade-off plane, all differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reset.files.tables import Row
from reset.report import intervals, plane, words
from reset.report.lineage import START, Lineage
from reset.report.measured import Measured
from reset.scoring.comparison import Figures

WIDE, NARROW = (640, 440), (352, 340)  # pixels of the plane's two drawings
FLAT, CLOSE = ((640, 235), (352, 270)), ((640, 290), (352, 300))  # of the whole and of the close-up, if there is one
NEAR = 0.35  # a family within this share of both axes is shown close up
MOST_LINES, MOST_MEASURES = 10, 5  # of the differences on the first screen; section Systems has all


@dataclass(frozen=True)
class Run:
    """What the page says of a run besides its metrics."""

    facts: Sequence[tuple[str, str]] = ()  # such as ("scale", "micro")
    lineage: Lineage = field(default_factory=Lineage)
    costs: Sequence[Row] = ()  # a row per stage; see `reset.report.costs`
    longest: Sequence[Row] = ()  # the runs of stages that took longest
    dollars: Sequence[Row] = ()  # a row per judge and pool, of judges that ask a server


def story(measured: Measured, run: Run) -> dict[str, Any]:
    """Return what the first screen shows, by the names that the template uses."""
    differences = measured.rows["differences"]
    systems = [row["system"] for row in measured.rows["tradeoff"]]
    shown = list(measured.measures)[:MOST_MEASURES]
    return {
        "said": said(differences, measured.systems),
        "planes": planes(measured.rows["tradeoff"], measured.macros, measured.pair, run.lineage, differences),
        "legend": legend(systems, run.lineage),
        "forest": intervals.drawing(shown, lines(differences, shown), most=MOST_LINES),
        "forest_more": len(differences) > MOST_LINES or len(measured.measures) > MOST_MEASURES,
        "forest_all": intervals.drawing(list(measured.measures), lines(differences, measured.measures)),
    }


def legend(systems: Sequence[str], of: Lineage) -> list[tuple[str, int]]:
    """Return the families with the numbers of their colours."""
    places = of.places(systems)
    first = {of.family(name): places[name] for name in reversed(systems)}
    return [("starting model" if name == START else name, first[name]) for name in of.order(systems)]


def planes(
    rows: Sequence[Row],
    macros: Mapping[str, Mapping[str, Row]],
    pair: Sequence[str],
    of: Lineage,
    differences: Sequence[Mapping[str, Any]],
) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the plane of all points, and if need be a close-up: each a title, and a wide and a narrow drawing."""
    close = closely(rows, pair, of, differences)
    found = [("", rows, FLAT if close else (WIDE, NARROW))] if rows else []
    if close:
        found.append((f"Close up: {of.family(close[0]['system'])} and what was made of it", close, CLOSE))
    places = of.places([row["system"] for row in rows])
    return [
        (title, [plane.plane(own, macros, pair, of, size, places) for size in sizes]) for title, own, sizes in found
    ]


def closely(
    rows: Sequence[Row], pair: Sequence[str], of: Lineage, differences: Sequence[Mapping[str, Any]]
) -> Sequence[Row]:
    """Return the points of the family that the first difference is about, if they lie close together among others."""
    if not differences:
        return []
    family = of.family(differences[0]["system"])
    own = [row for row in rows if of.family(row["system"]) == family]
    if not 2 < len(own) < len(rows):
        return []
    return own if all(_spread(own, name) <= NEAR * _spread(rows, name) for name in pair) else []


def _spread(rows: Sequence[Row], name: str) -> float:
    values: list[float] = [row[name] for row in rows]
    return max(values) - min(values)


def lines(differences: Sequence[Mapping[str, Any]], measures: Sequence[str]) -> list[intervals.Line]:
    """Return a line per declared difference."""
    return [
        intervals.Line(f"{row['system']} {words.MINUS} {row['against']}", [row["measures"][name] for name in measures])
        for row in differences
    ]


def said(differences: Sequence[Mapping[str, Any]], systems: Sequence[str]) -> dict[str, Any]:
    """Return the first difference as the headline (`first`, its first measure) and its other measures (`rest`)."""
    if not differences:
        return {"first": words.sentences(differences, systems)[0], "rest": [], "tone": ""}
    pair = differences[0]
    known = [(name, figures) for name, figures in pair["measures"].items() if figures["mean"] is not None]
    if not known:
        return {"first": words.sentences(differences[:1], systems)[0], "rest": [], "tone": ""}
    name, figures = known[0]
    return {
        "first": f"{pair['system']} against {pair['against']}: {_named(name, figures)} is {words.change(figures)}.",
        "tone": words.direction(figures),
        "rest": [
            {"name": _named(other, own), "tone": words.direction(own), "text": words.change(own)}
            for other, own in known[1:]
        ],
    }


def _named(name: str, figures: Figures) -> str:
    return words.label(name, figures.get("stand_in"))
