"""The plots of the page: the rows each draws, and a sentence on how to read it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from reset.files.tables import Row
from reset.report import plots

Rows = Mapping[str, Sequence[Row]]

CHARTS: tuple[tuple[str, str, str, Callable[[Sequence[Row]], plots.Spec]], ...] = (
    (
        "tradeoff",
        "The trade-off",
        "Faithfulness (x) and instruction following (y), the paper's Figure 1: the upper right is best.",
        plots.tradeoff,
    ),
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
        "lengths",
        "Faithfulness by length",
        "The paper's Figure 5, lengths in words: are longer answers less faithful?",
        plots.lengths,
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


def drawn(rows: Rows) -> list[dict[str, Any]]:
    """Return the plots that have rows: `title`, how to read it (`text`), Vega-Lite specification (`spec`)."""
    axes = dict.fromkeys(row["axis"] for row in rows["scores"])  # those of a stand-in are marked
    return [
        {"title": title, "text": text, "spec": draw(plotted)}
        for name, title, text, draw in CHARTS
        if (plotted := [row for row in rows[name] if row.get("n") != 0])  # without groups that have no answers
    ] + [
        {"title": f"Where the scores lie: {axis}", "text": HISTOGRAM, "spec": plots.histogram(rows["scores"], axis)}
        for axis in axes
    ]
