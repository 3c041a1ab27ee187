"""The page's curves: the section and question of each, how to read it, and which of its rows a reader may pick."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from reset.files.tables import Row
from reset.report import plots
from reset.report.lineage import PALETTE, Lineage, colour

Rows = Mapping[str, Sequence[Row]]
MOST = 7  # series that are shown at once


@dataclass(frozen=True)
class Chart:
    """A plot of the rows `name`."""

    name: str
    section: str
    title: str  # the question that it answers
    text: str
    draw: Callable[[Sequence[Row]], plots.Spec]
    picked: str  # the column whose values a reader picks, at most `MOST`
    panel: str = ""  # the column of the small plots, if each of them has its own series
    one: str = ""  # a column of which one value is shown at a time, if there are several


CHARTS = (
    Chart(
        "best_of",
        "pools",
        "How much does choosing among n answers bring?",
        "Mean score of the best of n random candidates, per data set; n = 1 is a random choice.",
        plots.best_of,
        "curated",
        "dataset",
    ),
    Chart(
        "checkpoint_scores",
        "training",
        "Which abilities come and go during training?",
        "The paper's Figures 9 to 14: one curve per data set, with 95 % intervals. Checkpoints: table below.",
        partial(plots.facets, score="mean"),
        "series",
        "panel",
        "training",
    ),
    Chart(
        "checkpoint_lengths",
        "training",
        "How long do answers get during training?",
        "The paper's Figure 4: mean answer length in tokens. Step 0 is the model that training starts from.",
        partial(plots.facets, score="tokens"),
        "series",
        "panel",
    ),
    Chart(
        "loss",
        "training",
        "Did each training converge?",
        "Thin: training loss. Thick, with points: dev loss, which chooses the checkpoint.",
        plots.losses,
        "system",
    ),
)
HISTOGRAM = "One row per system, twenty bins of the score: the stronger the colour, the larger the share of answers."


def drawn(rows: Rows, pair: Sequence[str], of: Lineage, systems: Sequence[str]) -> list[dict[str, Any]]:
    """Return the plots that have rows: `section`, `title`, `text`, Vega-Lite specification (`spec`), `picker`, `one`.

    `pair` are the two objectives of the trade-off; `systems` decide the colours of the families. Those that are
    compared are picked at first.
    """
    places = of.places(systems)
    compared = dict.fromkeys(row[side] for row in rows["differences"] for side in ("system", "against"))
    found = []
    for chart in (*CHARTS, _lengths(pair), *_histograms(rows)):
        # without groups that have no answers
        plotted = [row for row in rows[chart.name] if row.get("n") != 0]
        if plotted:
            own = [{**row, "colour": colour(_place(row, places))} for row in plotted]
            shown = {"section": chart.section, "title": chart.title, "text": chart.text}
            pickers = {"picker": _picker(own, chart, list(compared)), "one": _one(own, chart)}
            found.append({**shown, "spec": chart.draw(own), **pickers})
    return found


def _place(row: Row, places: Mapping[str, int]) -> int:
    """The number of a row's colour: that of its training, whose curve is of one colour from its start, or system."""
    names = [row[key] for key in ("training", "system") if key in row]
    return next((places[name] for name in names if name in places), len(PALETTE))


def _one(rows: Sequence[Row], chart: Chart) -> dict[str, Any] | None:
    """The values of which one is shown at a time, if there are several."""
    values = list(dict.fromkeys(row[chart.one] for row in rows)) if chart.one else []
    return {"field": chart.one, "values": values} if len(values) > 1 else None


def _picker(rows: Sequence[Row], chart: Chart, first: Sequence[str]) -> dict[str, Any] | None:
    """What can be picked, if there is more than can be shown at once."""
    panels: dict[Any, set[Any]] = {}
    for row in rows:
        panels.setdefault(row.get(chart.panel), set()).add(row[chart.picked])
    values = list(dict.fromkeys(row[chart.picked] for row in rows))
    most = max(map(len, panels.values()))
    chosen = [*(name for name in first if name in values), *(name for name in values if name not in first)][:MOST]
    return {"field": chart.picked, "values": values, "chosen": chosen, "most": MOST} if most > MOST else None


def _lengths(pair: Sequence[str]) -> Chart:
    text = "The paper's Figure 5: answers grouped by their length in words beyond the gold answer."
    draw = partial(plots.lengths, objective=pair[0])
    return Chart("lengths", "systems", f"Do longer answers lose {pair[0]}?", text, draw, "system")


def _histograms(rows: Rows) -> list[Chart]:
    """A plot per objective; those of a stand-in are marked."""
    objectives = dict.fromkeys(row["objective"] for row in rows["scores"])
    return [
        Chart("scores", "systems", f"Where do the {name} scores lie?", HISTOGRAM, _histogram(name), "system")
        for name in objectives
    ]


def _histogram(name: str) -> Callable[[Sequence[Row]], plots.Spec]:
    return partial(plots.histogram, objective=name)
