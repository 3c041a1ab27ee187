"""The first screen: what was run, the first declared difference in a sentence, the trade-off plane, all differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reset.files.tables import Row
from reset.report import intervals, plane, words
from reset.report.lineage import START, Lineage
from reset.report.measured import Measured
from reset.scoring.comparison import Figures

WIDE, NARROW = (640, 430), (352, 340)  # pixels of the plane's two drawings
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
    places = run.lineage.places(systems)
    legend = [
        (name, next(places[one] for one in systems if run.lineage.family(one) == name))
        for name in run.lineage.order(systems)
    ]
    drawn = [
        plane.plane(measured.rows["tradeoff"], measured.macros, measured.pair, run.lineage, size)
        for size in (WIDE, NARROW)
    ]
    shown = list(measured.measures)[:MOST_MEASURES]
    return {
        "said": said(differences, measured.systems),
        "planes": [one for one in drawn if one],
        "legend": [("starting model" if name == START else name, place) for name, place in legend],
        "forest": intervals.drawing(shown, lines(differences, shown), most=MOST_LINES),
        "forest_more": len(differences) > MOST_LINES or len(measured.measures) > MOST_MEASURES,
        "forest_all": intervals.drawing(list(measured.measures), lines(differences, measured.measures)),
    }


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
