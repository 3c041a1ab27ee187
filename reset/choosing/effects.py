"""What a choice among the answers of a pool did: to scores, to data sets, and to every judge."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import comb
from statistics import fmean
from typing import Any

from reset.choosing import agreement, verdicts
from reset.choosing.candidates import Candidate, Pool


def figures(pool: Pool, kept: Mapping[str, Candidate]) -> dict[str, Any]:
    """Say what the choice did: candidates that could not win, wins per decode setting, and figures per data set."""
    barred = Counter(c.why for candidates in pool.values() for c in candidates if c.why is not None)
    datasets: dict[str, list[str]] = {}
    for example_id, winner in kept.items():
        datasets.setdefault(winner.row["dataset"], []).append(example_id)
    return {
        "candidates": sum(len(candidates) for candidates in pool.values()),
        "candidates_barred": dict(sorted(barred.items())),
        "wins": dict(sorted(Counter(winner.row["setting"] for winner in kept.values()).items())),
        "datasets": {name: _of_dataset(pool, kept, datasets[name]) for name in sorted(datasets)},
    }


def _of_dataset(pool: Pool, kept: Mapping[str, Candidate], ids: Sequence[str]) -> dict[str, Any]:
    """Mean scores of the winners and of all that could have won, distinct texts, and how often the choice mattered."""
    able = {example_id: [c.score for c in pool[example_id] if c.score is not None] for example_id in ids}
    figures = {
        "winner_score": fmean(kept[example_id].score or 0.0 for example_id in ids),
        "candidate_score": fmean(fmean(scores) for scores in able.values()),
        "distinct_texts": fmean(len({c.text for c in pool[example_id]}) for example_id in ids),
        "choice_matters": fmean(max(scores) > min(scores) for scores in able.values()),
    }
    curve = [round(value, 6) for value in best_of(list(able.values()))]
    return {"rows": len(ids), **{name: round(value, 6) for name, value in figures.items()}, "best_of": curve}


def on_judges(
    pool: Pool,
    kept: Mapping[str, Candidate],
    said: verdicts.ByAnswer,
    axes: Mapping[str, Mapping[str, str]],
    weights: Mapping[str, float],
) -> dict[str, Any]:
    """Per task: how the judges agree, what each brings to the sum, and what the choice did to all of them."""
    tasks: dict[str, list[str]] = {}
    for example_id in pool:
        tasks.setdefault(pool[example_id][0].row["task"], []).append(example_id)

    def all_said(candidate: Candidate) -> dict[str, float | None]:
        return {**said[candidate.row["answer_id"]], agreement.LENGTH: float(candidate.row["tokens"])}

    figures = {}
    for task, ids in sorted(tasks.items()):
        groups = [[all_said(candidate) for candidate in pool[example_id]] for example_id in ids]
        gained = agreement.gains(groups, [all_said(kept[example_id]) for example_id in ids if example_id in kept])
        figures[task] = {
            "agreement": agreement.gammas(groups),
            "spread": agreement.spreads([[c.axes for c in pool[example_id]] for example_id in ids], weights),
            "means": gained,
            "warnings": agreement.warnings(gained, axes[task].values()),
        }
    return figures


def best_of(pools: Sequence[Sequence[float]]) -> list[float]:
    """Mean over prompts of the best score among n candidates drawn at random, for n = 1 to the smallest pool's size.

    Exact, without drawing: of k scores in order, the i-th is the best of n in C(i - 1, n - 1) of C(k, n) draws. The
    first value is that of a random choice.
    """
    return [fmean(_expected_best(sorted(scores), n) for scores in pools) for n in range(1, min(map(len, pools)) + 1)]


def _expected_best(ordered: Sequence[float], n: int) -> float:
    return sum(score * comb(i, n - 1) for i, score in enumerate(ordered)) / comb(len(ordered), n)
