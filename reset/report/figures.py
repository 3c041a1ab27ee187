"""The page's drawings of means with intervals, by section; each has one question as its title."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from reset.files.tables import Row
from reset.objectives import PARTS, macro_name
from reset.report import intervals
from reset.report.intervals import Line
from reset.report.lineage import Lineage
from reset.report.measured import Measured
from reset.report.words import MINUS

Z = 1.96  # standard errors on either side of a 95 % interval


@dataclass(frozen=True)
class Figure:
    """One question, answered by one drawing or by several of which one is looked at."""

    section: str
    title: str
    text: str
    drawings: Mapping[str, intervals.Drawing]  # by what the picker calls it


def drawn(measured: Measured, of: Lineage) -> list[Figure]:
    """Return the drawings that have lines."""
    rows = measured.rows
    wins = WINS + (NO_GOLD if any("gold" in row for row in rows["curated"]) else "")
    found = [
        Figure("systems", "How good is each system, and how sure is that?", SYSTEMS, _systems(measured, of)),
        Figure("systems", "What does a second stage give, and what does it take?", PIPELINES, _pipelines(rows)),
        Figure(
            "training", "What does continued training bring?", GAINS, {"": _gains(rows["gains"], rows["differences"])}
        ),
        Figure("pools", "Does a decode setting win more often than its share?", wins, _wins(rows["wins"])),
        Figure("judges", "What did choosing change, judge by judge?", JUDGES, _judges(rows["judges"])),
    ]
    return [
        Figure(one.section, one.title, one.text, kept)
        for one in found
        if (kept := {name: drawing for name, drawing in one.drawings.items() if drawing.lines})
    ]


SYSTEMS = (
    "Macro averages over data sets with 95 % intervals over test prompts; colours are families, as on the first screen."
)
PIPELINES = "Macro averages before and after the second stage, with 95 % intervals (the paper's Figures 3 and 6)."
GAINS = (
    "Gain of each system over the one it started from, on the same prompts, with its 95 % interval. "
    "Under its name: the rows that it was trained on. Coloured: clear; the differences of report.comparisons after "
    "Holm's correction, the others each for itself."
)
WINS = (
    "Share of the prompts whose kept answer was sampled with each decode setting, with its 95 % interval (Wilson); the "
    "line is an even share."
)
NO_GOLD = " Prompts whose reference won are left out."
JUDGES = (
    "Change of each judge's mean within a prompt, from all candidates to the kept answer, with its 95 % interval. "
    "First the judges that chose; those that only watched should rise with them."
)


def _systems(measured: Measured, of: Lineage) -> dict[str, intervals.Drawing]:
    """One panel per declared objective; then, of each objective with averages over parts, one panel per average."""
    known = {name for macro in measured.macros.values() for name in macro}
    parts = {
        objective: [name for part in (None, *PARTS) if (name := macro_name(objective, part)) in known]
        for objective in measured.objectives
    }
    shown = {"all objectives": [name for name in measured.objectives if name in known]}
    shown |= {objective: panels for objective, panels in parts.items() if len(panels) > 1}
    return {title: _macros(measured, of, panels) for title, panels in shown.items() if panels}


def _macros(measured: Measured, of: Lineage, panels: Sequence[str]) -> intervals.Drawing:
    """A line per system, with its macro averages `panels`."""
    places = of.places(measured.systems)
    lines = [
        Line(name, [measured.macros[name].get(panel) for panel in panels], family=places[name])
        for name in sorted(measured.systems, key=lambda one: (places[one], measured.systems.index(one)))
    ]
    return intervals.drawing(panels, lines, zero=None, title="macro averages")


def _pipelines(rows: Mapping[str, Sequence[Row]]) -> dict[str, intervals.Drawing]:
    found = {}
    for title in dict.fromkeys(row["pipeline"] for row in rows["pipelines"]):
        own = [row for row in rows["pipelines"] if row["pipeline"] == title]
        scores = list(dict.fromkeys(row["score"] for row in own))
        systems = dict.fromkeys((row["stage"], row["system"]) for row in own)
        cells = {(row["stage"], row["score"]): row for row in own}
        lines = [
            Line(f"{stage}: {system}", [cells.get((stage, score)) for score in scores]) for stage, system in systems
        ]
        found[title] = intervals.drawing(scores, lines, zero=None, title=title)
    return found


def _gains(rows: Sequence[Row], differences: Sequence[Row]) -> intervals.Drawing:
    """The gains; one that is a declared difference too is as clear as that."""
    declared = {(pair["system"], pair["against"]): pair["measures"] for pair in differences}
    panels = list(dict.fromkeys(row["panel"] for row in rows))
    pairs = dict.fromkeys((row["system"], row["against"], row["rows"], row["series"]) for row in rows)
    cells = {
        (row["system"], row["panel"]): {
            **row,
            "mean": row["gain"],
            "p_holm": (declared.get((row["system"], row["against"]), {}).get(row["panel"]) or {}).get("p_holm"),
        }
        for row in rows
    }
    lines = [
        Line(f"{system} {MINUS} {against}", [cells.get((system, panel)) for panel in panels], note=_rows(count, series))
        for system, against, count, series in pairs
    ]
    return intervals.drawing(panels, lines, title="gain over the start")


def _rows(count: int | None, series: str) -> str:
    return series if count is None else f"{count:,} rows: {series}"


def _wins(rows: Sequence[Row]) -> dict[str, intervals.Drawing]:
    found = {}
    for name in dict.fromkeys(row["curated"] for row in rows):
        own = {row["setting"]: row["wins"] for row in rows if row["curated"] == name}
        total = sum(own.values())
        lines = [Line(setting, [share(won, total)], note=f"{won:,} prompts") for setting, won in own.items()]
        even = 1 / len(own)
        found[name] = intervals.drawing(["share of prompts won"], lines, zero=even, title=name, mark="even share")
    return found


def share(part: int, whole: int) -> Row:
    """Return a share with Wilson's 95 % interval."""
    p, n = part / whole, whole
    middle, half = (p + Z**2 / (2 * n)) / (1 + Z**2 / n), Z * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    return {"mean": p, "low": max(0.0, middle - half), "high": min(1.0, middle + half)}


def _judges(rows: Sequence[Row]) -> dict[str, intervals.Drawing]:
    found = {}
    for name in dict.fromkeys(row["curated"] for row in rows):
        own = [row for row in rows if row["curated"] == name]
        tasks = list(dict.fromkeys(row["task"] for row in own))
        cells: dict[tuple[str, str], Any] = {
            (row["verdict"], row["task"]): {**row, "mean": row["change"]} for row in own
        }
        chose = {
            verdict: [task for task in tasks if (cells.get((verdict, task)) or {}).get("chose") == "yes"]
            for verdict in dict.fromkeys(row["verdict"] for row in own)
        }
        lines = [
            Line(verdict, [cells.get((verdict, task)) for task in tasks], note=_role(own_tasks, verdict, cells))
            for verdict, own_tasks in sorted(chose.items(), key=lambda item: not item[1])
        ]
        found[name] = intervals.drawing(tasks, lines, title=name)
    return found


def _role(chose: Sequence[str], verdict: str, cells: Mapping[tuple[str, str], Row]) -> str:
    """Whether a judge entered the selection; `chose` are the tasks in which it did."""
    if not chose:
        return "only watched"
    every = len(chose) == sum(name == verdict for name, _ in cells)
    return "chose" if every else f"chose in {', '.join(chose)}"
