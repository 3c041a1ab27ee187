"""The plots of the page: the rows each draws, and a sentence on how to read it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from reset.files.tables import Row
from reset.report import plots

Rows = Mapping[str, Sequence[Row]]

Chart = tuple[str, str, str, Callable[[Sequence[Row]], plots.Spec]]  # rows, title, how to read it, how it is drawn

CHARTS: tuple[Chart, ...] = (
    (
        "pipelines",
        "Before and after the second stage",
        "The paper's Figures 3 and 6: scores before and after training on the other kind of data. Lines: intervals.",
        plots.pipelines,
    ),
    (
        "checkpoint_lengths",
        "Answer length during training",
        "The paper's Figure 4: mean answer length in tokens. Step 0 is the model that training starts from.",
        partial(plots.facets, score="tokens"),
    ),
    (
        "checkpoint_scores",
        "Scores during training",
        "The paper's Figures 9 to 14: one line per data set. The table below names the checkpoint of each step.",
        partial(plots.facets, score="mean"),
    ),
    (
        "gains",
        "What continued training brings",
        "Gain of each system over the one it started from, against its number of training rows. Lines: intervals.",
        plots.gains,
    ),
    (
        "best_of",
        "Gain from choosing among n answers",
        "Mean score of the best of n random candidates; n = 1 is a random choice.",
        plots.best_of,
    ),
    (
        "loss",
        "Training",
        "Thin: training loss. Thick: dev loss. Click a system in the legend to highlight it.",
        plots.losses,
    ),
    (
        "wins",
        "Which decode settings won",
        "Number of prompts whose chosen answer was sampled with each decode setting.",
        plots.wins,
    ),
)
HISTOGRAM = "One row per system, twenty bins of the score: the darker a bin, the larger its share of answers."


def drawn(rows: Rows, pair: Sequence[str]) -> list[dict[str, Any]]:
    """Return the plots that have rows: `title`, how to read it (`text`), Vega-Lite specification (`spec`).

    `pair` are the two objectives of the trade-off.
    """
    objectives = dict.fromkeys(row["objective"] for row in rows["scores"])  # those of a stand-in are marked
    return [
        {"title": title, "text": text, "spec": draw(plotted)}
        for name, title, text, draw in (_tradeoff(pair), *CHARTS, _lengths(pair))
        if (plotted := [row for row in rows[name] if row.get("n") != 0])  # without groups that have no answers
    ] + [
        {"title": f"Where the scores lie: {name}", "text": HISTOGRAM, "spec": plots.histogram(rows["scores"], name)}
        for name in objectives
    ]


def _tradeoff(pair: Sequence[str]) -> Chart:
    text = f"{pair[0]} (x) and {pair[1]} (y), as in the paper's Figure 1: the upper right is best."
    return "tradeoff", "The trade-off", text[0].upper() + text[1:], partial(plots.tradeoff, objectives=pair)


def _lengths(pair: Sequence[str]) -> Chart:
    title, text = f"{pair[0]} by length", "The paper's Figure 5, lengths in words: do longer answers score lower?"
    return "lengths", title[0].upper() + title[1:], text, partial(plots.lengths, objective=pair[0])
