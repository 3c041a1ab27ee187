"""Paired differences of the macro scores of two systems on the same test prompts, over one or several runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reset.files import tables
from reset.scoring import bootstrap
from reset.scoring.evaluate import SCORES

# measure -> (axis, group of data sets; None: all groups)
MEASURES: dict[str, tuple[str, str | None]] = {
    "seen faithfulness": ("faithfulness", "seen"),
    "unseen faithfulness": ("faithfulness", "unseen"),
    "instruction": ("instruction", None),
    "task": ("task", None),
}

Figures = dict[str, float | None]  # mean, low, high; of a difference also p, p_holm and prompts
ByMeasure = dict[str, dict[str, dict[bootstrap.Key, float]]]  # measure -> data set -> (run, example_id) -> score


def read(paths: Iterable[Path]) -> ByMeasure:
    """Read the scores of one system, one path per run; null scores are left out.

    Runs are numbered in the order of `paths`, so run i of one system pairs with run i of another.
    """
    scores: ByMeasure = {measure: {} for measure in MEASURES}
    for run, path in enumerate(paths):
        for row in tables.read(path, SCORES):
            for measure, (axis, group) in MEASURES.items():
                if row["axis"] == axis and group in (None, row["group"]) and row["score"] is not None:
                    scores[measure].setdefault(row["dataset"], {})[run, row["example_id"]] = row["score"]
    return scores


def difference(a: ByMeasure, b: ByMeasure, *, resamples: int, seed: int) -> dict[str, Figures]:
    """Return A minus B per measure, with the 95 % interval of a paired bootstrap; None if no prompt has both scores."""
    return {
        measure: asdict(bootstrap.macro_difference(a[measure], b[measure], resamples=resamples, seed=seed))
        for measure in MEASURES
    }


def differences(
    runs: Sequence[Path], pairs: Sequence[Sequence[str]], *, resamples: int, seed: int
) -> list[dict[str, Any]]:
    """Return the differences of those `pairs` whose two systems have scores in all `runs`.

    A run is a folder of <system>.parquet. The p values are adjusted for multiple comparisons (Holm).
    """
    paths: Mapping[str, list[Path]] = {
        system: [run / f"{system}.parquet" for run in runs] for pair in pairs for system in pair
    }
    scores = {system: read(files) for system, files in paths.items() if all(path.is_file() for path in files)}
    rows: list[dict[str, Any]] = [
        {"system": a, "against": b, "measures": difference(scores[a], scores[b], resamples=resamples, seed=seed)}
        for a, b in pairs
        if a in scores and b in scores
    ]
    shown: list[Figures] = [figures for row in rows for figures in row["measures"].values()]
    for figures, adjusted in zip(shown, bootstrap.holm([figures["p"] for figures in shown]), strict=True):
        figures["p_holm"] = adjusted
    return rows


def marked(rows: Sequence[Mapping[str, Any]], summaries: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield `rows` of differences, with `stand_in: True` in the figures that rest on one in any of the `summaries`."""
    macro = [summary["macro"] for summary in summaries]
    resting = {name for of_system in macro for name, figures in of_system.items() if figures.get("stand_in")}
    for row in rows:
        measures = {
            measure: {**figures, **({"stand_in": True} if macro_name(measure) in resting else {})}
            for measure, figures in row["measures"].items()
        }
        yield {**row, "measures": measures}


def macro_name(measure: str) -> str:
    """Return the name that a measure has among the macro averages of a summary."""
    axis, group = MEASURES[measure]
    return axis if group is None else f"{axis}_{group}"
