"""Selection statistics: score gain, wins per decode setting, judge agreement.

What is said of the pool, which the winners are compared with, is of sampled answers: a reference that competes is no
decode setting, and its wins are counted by themselves. Where prompts have unequal numbers of sweeps
(`pools.*.until`), it is of the first sweep, which all of them have; else the hard prompts would count for more.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import comb
from statistics import fmean
from typing import Any

from reset import objectives
from reset.choosing import agreement, verdicts
from reset.choosing.candidates import Candidate, Pool, at_bottom, unwanted
from reset.objectives import ByTask, Speaker


def figures(pool: Pool, kept: Mapping[str, Candidate], weights: Mapping[str, float], low: float) -> dict[str, Any]:
    """Count candidates, those that cannot win by reason, and wins per decode setting; add figures per data set.

    `kept` maps example id -> winner. `let_in` counts the winners that are cut off or loop, where the row allows it.
    `gold` is there if references compete, and `prompts_by_sweeps` if prompts have unequal numbers of sweeps.
    """
    compared, golden = with_equal_sweeps(pool), _of_gold(pool, kept)
    barred = Counter(c.why for candidates in pool.values() for c in candidates if c.why is not None)
    datasets: dict[str, list[str]] = {}
    for example_id, winner in kept.items():
        datasets.setdefault(winner.row["dataset"], []).append(example_id)
    let_in = Counter(why for winner in kept.values() if (why := unwanted(winner.row)))
    of_pool = macro_means(candidate for example_id in kept for candidate in compared[example_id])
    won = Counter(winner.row["setting"] for winner in kept.values() if not winner.is_gold)
    return {
        "candidates": sum(len(candidates) for candidates in pool.values()),
        "candidates_barred": dict(sorted(barred.items())),
        **({"let_in": dict(sorted(let_in.items()))} if let_in else {}),
        "wins": dict(sorted(won.items())),
        **({"gold": golden} if golden else {}),
        **({"prompts_by_sweeps": uneven} if (uneven := unequal_sweeps(pool)) else {}),
        "objectives": {
            name: {"winners": value, "pool": of_pool.get(name)} for name, value in macro_means(kept.values()).items()
        },
        "datasets": {name: _of_dataset(compared, kept, datasets[name], weights, low) for name in sorted(datasets)},
    }


def sampled(pool: Mapping[str, Sequence[Candidate]]) -> dict[str, list[Candidate]]:
    """Return the pool without the references."""
    return {example_id: [one for one in answers if not one.is_gold] for example_id, answers in pool.items()}


def unequal_sweeps(pool: Pool) -> dict[str, int]:
    """Return how many prompts have so many sweeps that compete; empty if all prompts have the same number."""
    last = (max((one.row["sweep"] for one in answers), default=0) for answers in sampled(pool).values())
    counts = Counter(sweep + 1 for sweep in last)
    return {str(sweeps): count for sweeps, count in sorted(counts.items())} if len(counts) > 1 else {}


def with_equal_sweeps(pool: Pool) -> dict[str, list[Candidate]]:
    """Return the sampled answers by which prompts can be compared: of equal numbers of sweeps."""
    first = bool(unequal_sweeps(pool))
    return {
        example_id: [one for one in answers if not first or one.row["sweep"] == 0]
        for example_id, answers in sampled(pool).items()
    }


def _of_gold(pool: Pool, kept: Mapping[str, Candidate]) -> dict[str, Any]:
    """Count the references that compete, those that can win, and those that won, also by task and by data set."""
    golden = {key: one for key, answers in pool.items() for one in answers if one.is_gold}
    won = {key for key in golden if key in kept and kept[key].is_gold}
    counts = {"candidates": len(golden), "can_win": sum(one.can_win for one in golden.values()), "winners": len(won)}
    by = {
        name: {
            part: {
                "prompts": sum(kept[key].row[column] == part for key in kept),
                "winners": sum(golden[key].row[column] == part for key in won),
            }
            for part in sorted({one.row[column] for one in kept.values()})
        }
        for name, column in (("tasks", "task"), ("datasets", "dataset"))
    }
    return {**counts, **by} if golden else {}


def macro_means(answers: Iterable[Candidate]) -> dict[str, float]:
    """Return each objective's mean over data sets of its mean over the answers; nulls take no part."""
    by_name: dict[str, dict[str, list[float]]] = {}
    for answer in answers:
        for name, value in answer.values.items():
            if value is not None:
                by_name.setdefault(name, {}).setdefault(answer.row["dataset"], []).append(value)
    return {
        name: round(fmean(fmean(datasets[key]) for key in sorted(datasets)), 6)
        for name, datasets in sorted(by_name.items())
    }


def _of_dataset(
    pool: Pool, kept: Mapping[str, Candidate], ids: Sequence[str], weights: Mapping[str, float], low: float
) -> dict[str, Any]:
    """Means over prompts: winner's score, candidates' score, distinct texts, share of prompts whose scores differ.

    Scores are of the candidates that can win; a prompt without one in `pool` has none. `least_bad` counts the winners
    that no judge rated above the lowest, `low` those whose value of an objective is 0 or below a bound.
    """
    every = ([c.score for c in pool[example_id] if c.can_win and c.score is not None] for example_id in ids)
    scores = [values for values in every if values]
    means = {
        "winner_score": fmean(kept[example_id].score or 0.0 for example_id in ids),
        "candidate_score": fmean(fmean(values) for values in scores) if scores else None,
        "distinct_texts": fmean(len({c.text for c in pool[example_id]}) for example_id in ids),
        "choice_matters": fmean(max(values) > min(values) for values in scores) if scores else None,
    }
    curve = [round(value, 6) for value in best_of(scores)] if scores else []
    rounded = {name: None if value is None else round(value, 6) for name, value in means.items()}
    least_bad = sum(at_bottom(kept[example_id], weights) for example_id in ids)
    return {
        "rows": len(ids),
        **rounded,
        "least_bad": least_bad,
        "low": _low([kept[key] for key in ids], low),
        "best_of": curve,
    }


def _low(winners: Sequence[Candidate], low: float) -> dict[str, dict[str, int]]:
    """Per objective, how many winners have the value 0 and how many one below `low`."""
    values: dict[str, list[float]] = {}
    for winner in winners:
        for name, value in winner.values.items():
            if value is not None:
                values.setdefault(name, []).append(value)
    return {
        name: {"zero": sum(value == 0 for value in own), "below": sum(value < low for value in own)}
        for name, own in sorted(values.items())
    }


def on_judges(
    pool: Pool,
    kept: Mapping[str, Candidate],
    scores: verdicts.ByAnswer,
    speakers: ByTask,
    weights: Mapping[str, float],
    stand_ins: Collection[str] = (),
) -> dict[str, Any]:
    """Return, per task: agreement of the judges, spread of each objective, how the choice moved each judge, warnings.

    `scores` are all verdicts on the answers; `speakers` are what chose. `stand_ins` are the verdicts of
    judges that stand in for a real one.
    """
    tasks: dict[str, list[str]] = {}
    pool = with_equal_sweeps(pool)
    for example_id in (key for key, answers in pool.items() if answers):
        tasks.setdefault(pool[example_id][0].row["task"], []).append(example_id)

    def with_length(candidate: Candidate) -> dict[str, float | None]:
        return {**scores[candidate.row["answer_id"]], agreement.LENGTH: float(candidate.row["tokens"])}

    by_task = {}
    for task, ids in sorted(tasks.items()):
        prompts = [[with_length(candidate) for candidate in pool[example_id]] for example_id in ids]
        winners = [with_length(kept[example_id]) if example_id in kept else None for example_id in ids]
        gained = agreement.gains(zip(prompts, winners, strict=True))
        by_task[task] = {
            "agreement": agreement.gammas(prompts),
            "spread": agreement.spreads([[c.scaled for c in pool[example_id]] for example_id in ids], weights),
            "means": gained,
            "warnings": agreement.warnings(gained, _choosing(speakers[task], weights), stand_ins),
        }
    return by_task


def _choosing(speakers: Mapping[str, Speaker], weights: Mapping[str, float]) -> list[str]:
    """The verdicts behind the objectives of weight above 0."""
    return objectives.verdicts({name: speaker for name, speaker in speakers.items() if weights[name]})


def best_of(pools: Sequence[Sequence[float]]) -> list[float]:
    """Mean over prompts of the best score among n candidates drawn at random, for n = 1 to the largest pool's size.

    Exact, without sampling: of k sorted scores, the i-th is the best in C(i - 1, n - 1) of the C(k, n) draws. A prompt
    with fewer than n candidates counts with its best. The value for n = 1 is that of a random choice.
    """
    return [fmean(_expected_best(sorted(scores), n) for scores in pools) for n in range(1, max(map(len, pools)) + 1)]


def _expected_best(ordered: Sequence[float], n: int) -> float:
    n = min(n, len(ordered))
    return sum(score * comb(i, n - 1) for i, score in enumerate(ordered)) / comb(len(ordered), n)
