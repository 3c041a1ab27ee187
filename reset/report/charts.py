"""Which plots the page draws of which rows, and the sentence that says how to read each."""

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
        "Faithfulness to the right, instruction following upwards (the paper's Figure 1): the upper right is best.",
        plots.tradeoff,
    ),
    (
        "pipelines",
        "Before and after the second stage",
        "The paper's Figures 3 and 6: what a second stage of the other kind of data does to both. Lines: intervals.",
        plots.pipelines,
    ),
    (
        "checkpoint_lengths",
        "Response length along the training",
        "The paper's Figure 4: mean length of an answer, from the model that the training starts with on.",
        partial(plots.facets, score="tokens"),
    ),
    (
        "checkpoint_scores",
        "Scores along the training",
        "The paper's Figures 9 to 14, for each data set. The table below says what each step is.",
        partial(plots.facets, score="mean"),
    ),
    (
        "gains",
        "What continued training brings",
        "What each system gained over the one it started from, beside the rows it was trained on; lines: intervals.",
        plots.gains,
    ),
    (
        "best_of",
        "What choosing brings",
        "The score that the best of n random candidates has on average; n = 1 is a random choice.",
        plots.best_of,
    ),
    (
        "lengths",
        "Faithfulness by length",
        "The paper's Figure 5, lengths in words: does length alone explain what is unfaithful?",
        plots.lengths,
    ),
    (
        "loss",
        "Training",
        "Thin: training loss. Thick: loss on dev rows. A click on a system in the legend picks it out.",
        plots.losses,
    ),
    ("wins", "Which decode settings won", "Prompts whose kept answer came from each decode setting.", plots.wins),
)
HISTOGRAM = "Each line is a system; the darker a twentieth of the scale, the more of its answers score there."


def drawn(rows: Rows) -> list[dict[str, Any]]:
    """The plots that there are rows for: title, how to read it (`text`), Vega-Lite specification (`spec`)."""
    axes = dict.fromkeys(row["axis"] for row in rows["scores"])
    return [
        {"title": title, "text": text, "spec": draw(counted)}
        for name, title, text, draw in CHARTS
        if (counted := [row for row in rows[name] if row.get("n") != 0])  # a mean of nothing is not drawn
    ] + [
        {"title": f"Where the scores lie: {axis}", "text": HISTOGRAM, "spec": plots.histogram(rows["scores"], axis)}
        for axis in axes
    ]
