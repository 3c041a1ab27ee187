"""Do the curated sets of a pool predict the order of the systems that were trained on them?

A set predicts by the mean objectives of its rows, over data sets: no training is needed for it. Two systems are
compared if they started from the same model and were trained by the same method, so that little but their rows differs.
Objectives with a part over seen data sets go by that part, because curated rows are of these.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import Any

from reset.choosing.curated_rows import SCHEMAS
from reset.evidence.revisions import Run
from reset.objectives import Measures, Objectives, macro_name
from reset.scoring import comparison

Figures = dict[str, Any]


def measures(objectives: Objectives) -> Measures:
    """Return the average of each objective that is compared with the mean of curated rows."""
    return {name: (name, "seen" if one.in_context() else None) for name, one in objectives.items()}


def order(run: Run, params: Mapping[str, Any], pool: str, objectives: Objectives, *, resamples: int) -> Figures:
    """Return the systems trained on sets of `pool`, and of each two that compare the predicted and the trained change.

    A pair is `alike` in an objective if both changes have the same sign, and `clear` if the interval of the trained one
    excludes 0. Systems that are not trained or not evaluated are left out.
    """
    systems = [*_systems(run, params, pool, objectives)]
    scores = {
        row["system"]: comparison.read([path], measures(objectives))
        for row in systems
        if (path := run.path(f"data/scores/{row['system']}.parquet"))
    }
    pairs = [
        _pair(a, b, scores, resamples)
        for b, a in combinations(systems, 2)
        if (a["init"], a["method"]) == (b["init"], b["method"]) and {a["system"], b["system"]} <= scores.keys()
    ]
    return {"systems": systems, "pairs": pairs, "agreement": _agreement(pairs, [*objectives])}


def _systems(run: Run, params: Mapping[str, Any], pool: str, objectives: Objectives) -> Iterator[Figures]:
    for name, system in params["systems"].items():
        kind, _, curated = str(system["data"]).partition("/")
        row = params["curated"].get(curated, {})
        macro = run.figures(f"metrics/systems/{name}.json").get("macro", {})
        table = run.path(f"data/curated/{curated}.parquet")
        if kind == "curated" and row.get("pool") == pool and macro and table:
            predicted, rows = _predicted(run, curated, row["pick"])
            yield {
                "system": name,
                "init": system["init"],
                "method": params["recipes"][system["recipe"]]["method"],
                "curated": curated,
                "rows": rows,
                "predicted": predicted,
                "trained": {
                    measure: {key: figures[key] for key in ("mean", "low", "high")}
                    for measure, of in measures(objectives).items()
                    if (figures := macro.get(macro_name(*of)))
                },
            }


def _predicted(run: Run, curated: str, pick: str) -> tuple[dict[str, float], int]:
    """The mean over data sets of each objective's mean over curated rows, and how many rows there are."""
    by_name: dict[str, dict[str, list[float]]] = {}
    count = 0
    for row in run.rows(f"data/curated/{curated}.parquet", SCHEMAS[pick]):  # type: ignore[index]
        count += 1
        for name, value in dict(row["objectives"]).items():
            by_name.setdefault(name, {}).setdefault(row["dataset"], []).append(value)
    means = {name: round(fmean(fmean(values) for values in by_name[name].values()), 6) for name in sorted(by_name)}
    return means, count


def _pair(a: Figures, b: Figures, scores: Mapping[str, comparison.ByMeasure], resamples: int) -> Figures:
    trained = comparison.difference(scores[a["system"]], scores[b["system"]], resamples=resamples, seed=0)
    rows = {}
    for name, figures in trained.items():
        if name in a["predicted"] and name in b["predicted"] and figures["mean"] is not None:
            change = round(a["predicted"][name] - b["predicted"][name], 6)
            low, high = figures["low"], figures["high"]
            rows[name] = {
                "predicted": change,
                "trained": {key: figures[key] for key in ("mean", "low", "high")},
                "alike": change * figures["mean"] > 0,
                "clear": low is not None and high is not None and low * high > 0,
            }
    return {"system": a["system"], "against": b["system"], "objectives": rows}


def _agreement(pairs: Sequence[Figures], names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Per objective, how many pairs there are, how many are alike, and the same of the clear ones."""
    counts = {}
    for name in names:
        rows = [pair["objectives"][name] for pair in pairs if name in pair["objectives"]]
        clear = [row for row in rows if row["clear"]]
        if rows:
            counts[name] = {
                "pairs": len(rows),
                "alike": sum(row["alike"] for row in rows),
                "clear": len(clear),
                "clear_alike": sum(row["alike"] for row in clear),
            }
    return counts
