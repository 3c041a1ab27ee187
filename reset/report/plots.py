"""The page's curves and histograms as Vega-Lite specifications; `dvc plots` can draw their rows as well.

The rows of a specification lie at its top (`data`), so that the page's picker can leave some out. The page sets the
width, and the number of columns of small plots.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from reset.files.tables import Row
from reset.report.lineage import GREY, PALETTE
from reset.report.words import label

Spec = dict[str, Any]
TENTHS = [n / 10 for n in range(11)]
HEIGHT = 170  # of a small plot, pixels
GAP = 0.08  # least distance of two labels at the ends of curves, as a share of the axis y
FRONT_HEIGHT = 420
NAME_GAP = 0.045  # least distance of two names on the front, as a share of the axis y


def front(rows: Sequence[Row], pair: Sequence[str]) -> Spec:
    """Points of the grid of weights (one line per set of floors), and by name choices (crosses) and systems (diamonds).

    `rows` are those of `reset.report.tradeoff_page.drawn`; intervals are lines where a row has them.
    """
    figures = (alt.Tooltip(_field(name), format=".3f") for name in pair)
    base = _chart(_named_beside(rows, pair)).encode(
        x=_axis(alt.X, pair[0], pair[0]),
        y=_axis(alt.Y, pair[1], pair[1]),
        tooltip=["kind:N", "name:N", "weights:N", "floors:N", "prompts:Q", *figures],
    )
    colour = alt.Color("floors:N", title="floors").sort(None).scale(range=[*PALETTE, GREY])
    colour = colour.legend(orient="bottom", columns=2, labelLimit=300, symbolOpacity=1)
    named, grid = base.transform_filter("datum.name"), base.transform_filter("!datum.name")
    points = grid.mark_circle(size=30).encode(
        color=colour, opacity=alt.when("datum.kind == 'front'").then(alt.value(1)).otherwise(alt.value(0.25))
    )
    line = grid.transform_filter("datum.kind == 'front'").mark_line(strokeWidth=1).encode(color=colour)
    shape = alt.when("datum.kind == 'trained'").then(alt.value("diamond")).otherwise(alt.value("cross"))
    marks = named.mark_point(size=130, filled=True, opacity=1, color=GREY).encode(shape=shape)
    crosses = []
    if any("x_low" in row for row in rows if not row["name"]):  # a layer without rows has no extent
        crosses += _crosses(grid, pair, color=colour)
    if any("x_low" in row for row in rows if row["name"]):
        crosses += _crosses(named, pair)
    layers = [*crosses, line, points, *_names(named, rows, pair), marks]
    return _spec(alt.layer(*layers).properties(width="container", height=FRONT_HEIGHT))


def _names(named: alt.Chart, rows: Sequence[Row], pair: Sequence[str]) -> list[alt.Chart]:
    """Names at their own heights: of systems on the left, where the front is not, of choices on the right."""
    found = []
    for trained in sorted({row["kind"] == "trained" for row in rows if row["name"]}):
        test, side = ("==", -1) if trained else ("!=", 1)
        own = named.transform_filter(f"datum.kind {test} 'trained'")
        leader = own.mark_rule(color=GREY, opacity=0.6, x2Offset=10 * side)
        text = own.mark_text(align="left" if side > 0 else "right", dx=12 * side, fontSize=12)
        found.append(leader.encode(x2=_field(pair[0]), y2="label_y:Q"))
        found.append(text.encode(y=_axis(alt.Y, "label_y", pair[1]), text="name:N"))
    return found


def _axis(axis: Any, field: str, title: str) -> Any:
    return axis(_field(field), title=title).scale(zero=False).axis(tickCount=6)


def _crosses(base: alt.Chart, pair: Sequence[str], **colour: alt.Color) -> list[alt.Chart]:
    """Both 95 % intervals of the points that have them."""
    rule = base.transform_filter("isValid(datum.x_low)").mark_rule(color=GREY, opacity=0.35)
    x, y = _axis(alt.X, "x_low", pair[0]), _axis(alt.Y, "y_low", pair[1])
    return [rule.encode(x=x, x2="x_high:Q", **colour), rule.encode(y=y, y2="y_high:Q", **colour)]


def _named_beside(rows: Sequence[Row], pair: Sequence[str]) -> list[Row]:
    """Give each row with a name the height of that name (`label_y`), so that no two names meet."""
    found = [dict(row) for row in rows]
    heights = [row[pair[1]] for row in found]
    ranked = sorted((row for row in found if row["name"]), key=lambda row: row[pair[1]])
    gap = NAME_GAP * (max(heights) - min(heights) or 1.0)
    for row, height in zip(ranked, _spread([row[pair[1]] for row in ranked], gap, min(heights)), strict=True):
        row["label_y"] = height
    return found


def _field(name: str) -> str:
    """A number in the rows as Vega-Lite names it."""
    return f"{name}:Q"


def losses(rows: Sequence[Row]) -> Spec:
    """Training loss (thin) and dev loss (thick, with points) against the step; one small plot per system."""
    long = [
        {key: row[key] for key in ("system", "step", "colour")} | {"loss": row[key], "of": name}
        for row in rows
        for key, name in (("loss", "training"), ("dev_loss", "dev"))
        if row[key] is not None
    ]
    base = _chart().encode(
        x=alt.X("step:Q", title="step").axis(tickCount=4),
        y=alt.Y("loss:Q", title="loss").scale(zero=False),
        color=_own_colour(),
        tooltip=["system:N", "of:N", "step:Q", alt.Tooltip("loss:Q", format=".3f")],
    )
    dev = "datum.of == 'dev'"
    lines = base.mark_line().encode(detail="of:N", strokeWidth=alt.condition(dev, alt.value(2.5), alt.value(1)))
    points = base.mark_point(filled=True, size=40).encode(opacity=alt.condition(dev, alt.value(1), alt.value(0)))
    return _small(alt.layer(lines, points), long, "system")


def histogram(rows: Sequence[Row], objective: str) -> Spec:
    """Histogram of one objective's scores, one row per system; stronger colour: more answers."""
    own = [row for row in rows if row["objective"] == objective]
    chart = (
        _chart(own)
        .mark_rect()
        .encode(
            x=alt.X("low:Q", title=f"{objective} score").bin("binned").scale(domain=[0, 1]).axis(values=TENTHS),
            x2="high:Q",
            y=alt.Y("system:N", title=None).sort(None),
            color=_own_colour(),
            opacity=alt.Opacity("share:Q", title="share of answers")
            .scale(range=[0.04, 1])
            .legend(orient="bottom", format="%", symbolFillColor=GREY),
            tooltip=["system:N", "low:Q", "high:Q", "answers:Q", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    return _spec(chart.properties(width="container", height=alt.Step(22)))


def facets(rows: Sequence[Row], score: str) -> Spec:
    """Figures 4 and 9 to 14: `score` against the step; one small plot per `panel`, one named curve per `series`."""
    tooltip = ["system:N", "checkpoint:N", "step:Q", "series:N", alt.Tooltip(f"{score}:Q", format=".3f")]
    return _curves(rows, "step", score, "panel", tooltip=tooltip, title="step")


def best_of(rows: Sequence[Row]) -> Spec:
    """Mean score of the best of n candidates, from a random choice (n = 1) to the whole pool."""
    named = [{**row, "series": row["curated"]} for row in rows]
    tooltip = ["curated:N", "dataset:N", "n:Q", alt.Tooltip("score:Q", format=".3f")]
    return _curves(named, "n", "score", "dataset", tooltip=tooltip, title="candidates to choose from")


def _curves(rows: Sequence[Row], x: str, y: str, panel: str, *, tooltip: list[Any], title: str) -> Spec:
    """Curves with their names at their ends, in small plots; an interval is a band where rows have low and high."""
    base = _chart().encode(
        x=alt.X(f"{x}:Q", title=title).axis(tickCount=4, format="d"),
        y=alt.Y(f"{y}:Q", title=None).scale(zero=False).axis(tickCount=4),
        detail="series:N",
        tooltip=tooltip,
    )
    coloured = base.encode(color=_own_colour())
    lines = coloured.mark_line(point=True)
    ends = base.transform_filter("datum.last")
    leaders = ends.mark_rule(color=GREY, opacity=0.6, xOffset=4, x2Offset=13).encode(x2=f"{x}:Q", y2="label_y:Q")
    names = ends.mark_text(align="left", dx=15, fontSize=11).encode(y="label_y:Q", text="series:N")
    layers = [lines, leaders, names]
    if any(row.get("low") is not None for row in rows):
        layers.insert(0, coloured.mark_rule(opacity=0.5).encode(y="low:Q", y2="high:Q"))
    return _small(alt.layer(*layers), with_names(rows, x, y, panel), panel)


def with_names(rows: Sequence[Row], x: str, y: str, panel: str) -> list[Row]:
    """Mark the last row of each curve (`last`) with the height of its name (`label_y`).

    No two names meet, none is below the lowest point, and all are as near their curves as that allows.
    """
    found = [dict(row) for row in rows]
    for name in dict.fromkeys(row[panel] for row in found):
        own = [row for row in found if row[panel] == name]
        heights = [row[key] for row in own for key in (y, "low", "high") if row.get(key) is not None]
        gap = GAP * (max(heights) - min(heights) or 1.0)
        ends = {row["series"]: row for row in sorted(own, key=lambda row: row[x])}
        ranked = sorted(ends.values(), key=lambda row: row[y])
        for row, height in zip(ranked, _spread([row[y] for row in ranked], gap, min(heights)), strict=True):
            row |= {"last": True, "label_y": height}
    return found


def _spread(heights: Sequence[float], gap: float, lowest: float) -> list[float]:
    """Return ascending heights moved as little as possible (least squares) to be `gap` apart and not below `lowest`."""
    from scipy.optimize import isotonic_regression  # as slow to load as all of Altair; tables alone need no curve

    nearest = isotonic_regression([height - place * gap for place, height in enumerate(heights)]).x
    return [max(float(height), lowest) + place * gap for place, height in enumerate(nearest)]


def lengths(rows: Sequence[Row], objective: str) -> Spec:
    """Figure 5: an objective by length relative to the gold answer."""
    title = label(f"{objective} of abstractive answers", rows[0].get("stand_in"))
    chart = (
        _chart(rows)
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            x=alt.X(f"{objective}:Q", title=title).scale(domain=[0, 1]).axis(values=TENTHS),
            y=alt.Y("system:N", title=None).sort(None),
            color=_own_colour(),
            shape=alt.Shape("length:N", title=None)
            .sort(None)
            .legend(orient="top", columns=1, labelLimit=260, symbolFillColor=GREY),
            tooltip=["system:N", "length:N", "n:Q", alt.Tooltip(f"{objective}:Q", format=".3f")],
        )
    )
    return _spec(chart.properties(width="container", height=alt.Step(26)))


def _own_colour() -> alt.Color:
    """The colour of the family, which the page writes into the rows (`colour`)."""
    return alt.Color("colour:N", legend=None).scale(None)


def _chart(rows: Sequence[Row] | None = None) -> alt.Chart:
    return alt.Chart(alt.Undefined if rows is None else alt.Data(values=list(rows)))  # type: ignore[no-untyped-call]


def _small(layers: alt.LayerChart | alt.FacetChart, rows: Sequence[Row], panel: str) -> Spec:
    data = alt.Data(values=list(rows))  # type: ignore[no-untyped-call]
    of = alt.Facet(f"{panel}:N", title=None).sort(None)
    chart = layers.properties(width=260, height=HEIGHT).facet(of, data=data, columns=2, spacing=24)
    return _spec(chart.resolve_scale(y="independent", x="independent"))


def _spec(chart: alt.TopLevelMixin) -> Spec:
    spec: Mapping[str, Any] = chart.to_dict()
    return {**{key: value for key, value in spec.items() if key != "config"}, "background": None}
