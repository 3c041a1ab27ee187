"""Selection statistics: score gain, wins per decode setting, judge agreement."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import comb
from statistics import fmean
from typing import Any

from reset.choosing import agreement, verdicts
from reset.choosing.candidates import Candidate, Pool


def figures(pool: Pool, kept: Mapping[str, Candidate]) -> dict[str, Any]:
    """Count candidates, those that cannot win by reason, and wins per decode setting; add figures per data set.

    `kept` maps example id -> winner.
    """
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
    """Means over prompts: winner's score, candidates' score, distinct texts, share of prompts whose scores differ."""
    scores = {example_id: [c.score for c in pool[example_id] if c.score is not None] for example_id in ids}
    means = {
        "winner_score": fmean(kept[example_id].score or 0.0 for example_id in ids),
        "candidate_score": fmean(fmean(values) for values in scores.values()),
        "distinct_texts": fmean(len({c.text for c in pool[example_id]}) for example_id in ids),
        "choice_matters": fmean(max(values) > min(values) for values in scores.values()),
    }
    curve = [round(value, 6) for value in best_of(list(scores.values()))]
    return {"rows": len(ids), **{name: round(value, 6) for name, value in means.items()}, "best_of": curve}


def on_judges(
    pool: Pool,
    kept: Mapping[str, Candidate],
    scores: verdicts.ByAnswer,
    axes: Mapping[str, Mapping[str, str]],
    weights: Mapping[str, float],
) -> dict[str, Any]:
    """Return, per task: agreement of the judges, spread of each axis, each judge's mean before and after, warnings.

    `scores` are all verdicts on the answers; `axes` maps task -> axis -> verdict name.
    """
    tasks: dict[str, list[str]] = {}
    for example_id in pool:
        tasks.setdefault(pool[example_id][0].row["task"], []).append(example_id)

    def with_length(candidate: Candidate) -> dict[str, float | None]:
        return {**scores[candidate.row["answer_id"]], agreement.LENGTH: float(candidate.row["tokens"])}

    by_task = {}
    for task, ids in sorted(tasks.items()):
        prompts = [[with_length(candidate) for candidate in pool[example_id]] for example_id in ids]
        gained = agreement.gains(prompts, [with_length(kept[example_id]) for example_id in ids if example_id in kept])
        by_task[task] = {
            "agreement": agreement.gammas(prompts),
            "spread": agreement.spreads([[c.axes for c in pool[example_id]] for example_id in ids], weights),
            "means": gained,
            "warnings": agreement.warnings(gained, axes[task].values()),
        }
    return by_task


def best_of(pools: Sequence[Sequence[float]]) -> list[float]:
    """Mean over prompts of the best score among n candidates drawn at random, for n = 1 to the smallest pool's size.

    Exact, without sampling: of k sorted scores, the i-th is the best in C(i - 1, n - 1) of the C(k, n) draws. The value
    for n = 1 is that of a random choice.
    """
    return [fmean(_expected_best(sorted(scores), n) for scores in pools) for n in range(1, min(map(len, pools)) + 1)]


def _expected_best(ordered: Sequence[float], n: int) -> float:
    return sum(score * comb(i, n - 1) for i, score in enumerate(ordered)) / comb(len(ordered), n)
