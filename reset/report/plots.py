"""The page's plots as Vega-Lite specifications; `dvc plots` can draw their rows as well."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from reset.files.tables import Row
from reset.report.words import label

Spec = dict[str, Any]
HEIGHT = 320
NEAR = (0.2, 0.1)  # two labels closer than these shares of the axes x and y would overlap
SIDES: tuple[dict[str, Any], ...] = (
    {"dy": -13},
    {"dy": 15},
    {"dx": 10, "align": "left"},
    {"dx": -10, "align": "right"},
)
NOWHERE = -1  # no label: it would overlap those of other points


def tradeoff(rows: Sequence[Row], objectives: Sequence[str]) -> Spec:
    """The paper's Figure 1: two objectives, x and y; in the paper faithfulness and instruction following."""
    sides, marks = _sides(rows, objectives), str(rows[0].get("stand_in", "")).split(", ")
    titles = [label(f"{name} (macro average)", name in marks) for name in objectives]
    x, y = (alt.X(_field(objectives[0]), title=titles[0]), alt.Y(_field(objectives[1]), title=titles[1]))
    base = _chart([{**row, "side": side} for row, side in zip(rows, sides, strict=True)]).encode(
        x=x.scale(zero=False, padding=60).axis(tickCount=8),
        y=y.scale(zero=False, padding=25).axis(tickCount=8),
        tooltip=["system:N", *(alt.Tooltip(_field(name), format=".3f") for name in objectives)],
    )
    points = base.mark_point(filled=True, size=110, opacity=1).encode(
        color=alt.Color("system:N", title=None).legend(orient="bottom", columns=6)
    )
    names = [
        base.mark_text(fontSize=12, **SIDES[side]).encode(text="system:N").transform_filter(f"datum.side == {side}")
        for side in sorted({*sides} - {NOWHERE})
    ]
    corner = _chart([{"corner": "ideal: the best of both", **{a: max(row[a] for row in rows) for a in objectives}}])
    at = corner.encode(x=_field(objectives[0]), y=_field(objectives[1]), tooltip=["corner:N"])
    star = at.mark_point(shape="M0,-1L.3,-.3L1,0L.3,.3L0,1L-.3,.3L-1,0L-.3,-.3Z", size=160, color="#888", filled=True)
    return _spec(alt.layer(points, star, *names))


def front(rows: Sequence[Row], pair: Sequence[str]) -> Spec:
    """Points of the grid of weights (one line per set of floors), the present choice and a random one."""
    base = _chart(rows).encode(
        x=alt.X(_field(pair[0]), title=f"{pair[0]} (mean of the winners)").scale(zero=False),
        y=alt.Y(_field(pair[1]), title=f"{pair[1]} (mean of the winners)").scale(zero=False),
        tooltip=["kind:N", "weights:N", "floors:N", "prompts:Q", *(alt.Tooltip(_field(n), format=".3f") for n in pair)],
    )
    colour = alt.Color("floors:N", title="floors").sort(None).legend(orient="bottom", columns=2, labelLimit=300)
    grid = base.transform_filter("datum.kind == 'front' || datum.kind == 'beaten'")
    points = grid.mark_circle(size=30).encode(
        color=colour, opacity=alt.when("datum.kind == 'front'").then(alt.value(1)).otherwise(alt.value(0.25))
    )
    line = base.transform_filter("datum.kind == 'front'").mark_line(strokeWidth=1).encode(color=colour)
    marked = base.transform_filter("datum.kind == 'chosen' || datum.kind == 'random'")
    marks = marked.mark_point(shape="cross", size=160, filled=True, color="#888")
    names = marked.mark_text(dy=-14, fontSize=12).encode(text="kind:N")
    return _spec(alt.layer(line, points, marks, names))


def _field(name: str) -> str:
    """A number in the rows as Vega-Lite names it."""
    return f"{name}:Q"


def _sides(rows: Sequence[Row], objectives: Sequence[str]) -> list[int]:
    """Choose the side of each point's label, an index of SIDES; NOWHERE if every side would overlap a close label."""
    near = {
        name: share * (max(row[name] for row in rows) - min(row[name] for row in rows) or 1.0)
        for name, share in zip(objectives, NEAR, strict=True)
    }
    sides = [NOWHERE] * len(rows)
    for place in sorted(
        range(len(rows)), key=lambda i: -rows[i][objectives[1]]
    ):  # top down: the highest point gets its label above
        close = [i for i in range(len(rows)) if all(abs(rows[i][a] - rows[place][a]) < near[a] for a in objectives)]
        free = [side for side in range(len(SIDES)) if side not in {sides[i] for i in close}]
        sides[place] = free[0] if free else NOWHERE
    return sides


def losses(rows: Sequence[Row]) -> Spec:
    """Training loss (thin) and dev loss (thick) against the step; a click in the legend highlights a system."""
    chosen = alt.selection_point("chosen", fields=["system"], bind="legend")
    base = _chart(rows).encode(
        x=alt.X("step:Q", title="step"),
        color=alt.Color("system:N", title="click to pick").legend(orient="bottom", columns=4),
        opacity=alt.when(chosen).then(alt.value(1)).otherwise(alt.value(0.06)),
        tooltip=["system:N", "step:Q", "loss:Q", "dev_loss:Q"],
    )
    train = base.mark_line(strokeWidth=1).encode(y=alt.Y("loss:Q", title="loss").scale(zero=False))
    dev = base.mark_line(strokeWidth=3, point=True).encode(y="dev_loss:Q").transform_filter("isValid(datum.dev_loss)")
    return _spec((train.transform_filter("isValid(datum.loss)") + dev).add_params(chosen))


def histogram(rows: Sequence[Row], objective: str) -> Spec:
    """Histogram of one objective's scores, one row per system: the darker a bin, the larger its share of answers."""
    chart = (
        _chart([row for row in rows if row["objective"] == objective])
        .mark_rect()
        .encode(
            x=alt.X("low:Q", title=f"{objective} score").bin("binned"),
            x2="high:Q",
            y=alt.Y("system:N", title=None).sort(None),
            opacity=alt.Opacity("share:Q", title="share of answers")
            .scale(range=[0.03, 1])
            .legend(orient="bottom", format="%"),
            tooltip=["system:N", "low:Q", "high:Q", "answers:Q", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    return _spec(chart.properties(height=22 * len({row["system"] for row in rows if row["objective"] == objective})))


def wins(rows: Sequence[Row]) -> Spec:
    """Number of prompts won by each decode setting, per curated set."""
    chart = (
        _chart(rows)
        .mark_bar()
        .encode(
            x=alt.X("wins:Q", title="prompts won"),
            y=alt.Y("setting:N", title=None).sort(None),
            yOffset="curated:N",
            color=alt.Color("curated:N", title=None).legend(orient="bottom"),
            tooltip=["curated:N", "setting:N", "wins:Q"],
        )
    )
    bars = len({row["setting"] for row in rows}) * len({row["curated"] for row in rows})
    return _spec(chart.properties(height=10 * bars))


def pipelines(rows: Sequence[Row]) -> Spec:
    """Figures 3 and 6: each macro average before and after the second stage, with its interval."""
    base = _chart(rows).encode(
        y=alt.Y("score:N", title=None).sort(None).axis(labelLimit=200),
        yOffset=alt.YOffset("stage:N").sort(["before", "after"]),
        color=alt.Color("stage:N", title=None).sort(["before", "after"]).legend(orient="bottom"),
        tooltip=["pipeline:N", "system:N", "score:N", alt.Tooltip("mean:Q", format=".3f"), "low:Q", "high:Q"],
    )
    bars = base.mark_bar().encode(x=alt.X("mean:Q", title="macro average").scale(domain=[0, 1]))
    errors = base.mark_rule(color="#888").encode(x="low:Q", x2="high:Q", color=alt.value("#888"))
    chart = alt.layer(bars, errors).properties(width=260, height=40 * len({row["score"] for row in rows}))
    return _spec(chart.facet(alt.Facet("pipeline:N", title=None), columns=2))


def facets(rows: Sequence[Row], score: str) -> Spec:
    """Figures 4 and 9 to 14: `score` against the step; one plot per `panel`, one line per `series`."""
    chosen = alt.selection_point("chosen", fields=["series"], bind="legend")
    chart = (
        _chart(rows)
        .mark_line(point=True)
        .encode(
            x=alt.X("step:Q", title="step"),
            y=alt.Y(f"{score}:Q", title=None).scale(zero=False),
            color=alt.Color("series:N", title="click to pick").legend(orient="bottom", columns=3),
            opacity=alt.when(chosen).then(alt.value(1)).otherwise(alt.value(0.06)),
            tooltip=["system:N", "checkpoint:N", "step:Q", "series:N", alt.Tooltip(f"{score}:Q", format=".3f")],
        )
    )
    faceted = chart.properties(width=260, height=180).facet(alt.Facet("panel:N", title=None).sort(None), columns=2)
    return _spec(faceted.add_params(chosen).resolve_scale(y="independent", x="independent"))


def gains(rows: Sequence[Row]) -> Spec:
    """Gain over the starting system against training rows; one plot per measure, one line per series."""
    base = _chart(rows).encode(
        x=alt.X("rows:Q", title="training rows").scale(type="log", nice=False, padding=20).axis(tickCount=4),
        color=alt.Color("series:N", title=None).legend(orient="bottom", columns=1, labelLimit=400),
        tooltip=["system:N", "against:N", "rows:Q", alt.Tooltip("gain:Q", format="+.3f"), "low:Q", "high:Q"],
    )
    lines = base.mark_line(point=True).encode(y=alt.Y("gain:Q", title="gain"))
    layers = alt.layer(base.mark_rule().encode(y="low:Q", y2="high:Q"), lines).properties(width=260, height=200)
    return _spec(layers.facet(alt.Facet("panel:N", title=None).sort(None), columns=2))


def lengths(rows: Sequence[Row], objective: str) -> Spec:
    """Figure 5: an objective by length relative to the gold answer."""
    title = label(f"{objective} of abstractive answers", rows[0].get("stand_in"))
    chart = (
        _chart(rows)
        .mark_bar()
        .encode(
            x=alt.X(_field(objective), title=title).scale(domain=[0, 1]),
            y=alt.Y("system:N", title=None).sort(None),
            yOffset=alt.YOffset("length:N").sort(None),
            color=alt.Color("length:N", title=None).sort(None).legend(orient="bottom", labelLimit=260),
            tooltip=["system:N", "length:N", "n:Q", alt.Tooltip(_field(objective), format=".3f")],
        )
    )
    return _spec(chart.properties(height=36 * len({row["system"] for row in rows})))


def best_of(rows: Sequence[Row]) -> Spec:
    """Mean score of the best of n candidates, from a random choice (n = 1) to the whole pool."""
    chart = (
        _chart(rows)
        .mark_line(point=True)
        .encode(
            x=alt.X("n:O", title="candidates to choose from").axis(labelAngle=0),
            y=alt.Y("score:Q", title="mean score of the best").scale(zero=False),
            color=alt.Color("dataset:N", title=None).legend(orient="bottom"),
            strokeDash=alt.StrokeDash("curated:N", title=None).legend(orient="bottom"),
            tooltip=["curated:N", "dataset:N", "n:O", alt.Tooltip("score:Q", format=".3f")],
        )
    )
    return _spec(chart)


def _chart(rows: Sequence[Row]) -> alt.Chart:
    return alt.Chart(alt.Data(values=list(rows)), width="container", height=HEIGHT)  # type: ignore[no-untyped-call]


def _spec(chart: alt.TopLevelMixin) -> Spec:
    spec: Mapping[str, Any] = chart.to_dict()
    return {**{key: value for key, value in spec.items() if key != "config"}, "background": None}
