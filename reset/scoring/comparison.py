"""Paired differences of the macro scores of two systems on the same test prompts, over one or several runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reset.files import tables
from reset.objectives import Measures, macro_name, parts
from reset.scoring import bootstrap
from reset.scoring.evaluate import SCORES

Figures = dict[str, float | None]  # mean, low, high; of a difference also p, p_holm and prompts
ByMeasure = dict[str, dict[str, dict[bootstrap.Key, float]]]  # measure -> data set -> (run, example_id) -> score


def read(paths: Iterable[Path], measures: Measures) -> ByMeasure:
    """Read the scores of one system, one path per run; null scores are left out.

    Runs are numbered in the order of `paths`, so run i of one system pairs with run i of another.
    """
    scores: ByMeasure = {measure: {} for measure in measures}
    for run, path in enumerate(paths):
        for row in tables.read(path, SCORES):
            of = {None, *parts(row["task"], row["group"])}
            for measure, (objective, part) in measures.items():
                if row["objective"] == objective and part in of and row["score"] is not None:
                    scores[measure].setdefault(row["dataset"], {})[run, row["example_id"]] = row["score"]
    return scores


def difference(a: ByMeasure, b: ByMeasure, *, resamples: int, seed: int) -> dict[str, Figures]:
    """Return A minus B per measure, with the 95 % interval of a paired bootstrap; None if no prompt has both scores."""
    return {
        measure: asdict(bootstrap.macro_difference(a[measure], b[measure], resamples=resamples, seed=seed))
        for measure in a
    }


def differences(
    runs: Sequence[Path], pairs: Sequence[Sequence[str]], measures: Measures, *, resamples: int, seed: int
) -> list[dict[str, Any]]:
    """Return the differences of those `pairs` whose two systems have scores in all `runs`, in all `measures`.

    A run is a folder of <system>.parquet. The p values are adjusted for multiple comparisons (Holm).
    """
    paths: Mapping[str, list[Path]] = {
        system: [run / f"{system}.parquet" for run in runs] for pair in pairs for system in pair
    }
    scores = {system: read(files, measures) for system, files in paths.items() if all(path.is_file() for path in files)}
    rows: list[dict[str, Any]] = [
        {"system": a, "against": b, "measures": difference(scores[a], scores[b], resamples=resamples, seed=seed)}
        for a, b in pairs
        if a in scores and b in scores
    ]
    shown: list[Figures] = [figures for row in rows for figures in row["measures"].values()]
    for figures, adjusted in zip(shown, bootstrap.holm([figures["p"] for figures in shown]), strict=True):
        figures["p_holm"] = adjusted
    return rows


def marked(
    rows: Sequence[Mapping[str, Any]], summaries: Iterable[Mapping[str, Any]], of: Measures
) -> Iterator[dict[str, Any]]:
    """Yield `rows` of differences, with `stand_in: True` in the figures that rest on one in any of the `summaries`.

    `of` says what each measure is an average of.
    """
    macro = [summary["macro"] for summary in summaries]
    resting = {name for of_system in macro for name, figures in of_system.items() if figures.get("stand_in")}
    for row in rows:
        measures = {
            measure: {**figures, **({"stand_in": True} if macro_name(*of[measure]) in resting else {})}
            for measure, figures in row["measures"].items()
        }
        yield {**row, "measures": measures}
