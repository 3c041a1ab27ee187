"""The rows of the report's tables and plots of what stage `select` did, from metrics/select."""

import re

from reset.files.metrics import Metrics
from reset.files.tables import Row
from reset.report.words import label


def choices(metrics: Metrics) -> dict[str, Row]:
    """Return the metrics of stage `select` by curated set; the name says so if stand-ins chose."""
    return {label(name, choice.get("stand_ins_chose")): choice for name, choice in in_order(metrics).items()}


def in_order(metrics: Metrics) -> dict[str, Row]:
    """Return the metrics of stage `select` by curated set, in the order of params.yaml, whose first a reader sees."""
    found = metrics.of("select")
    return {name: found[name] for name in metrics.rows.get("select", ()) if name in found}


def best_of(metrics: Metrics) -> list[Row]:
    """Return the mean score of the best of n random candidates per data set; one curve for sets of the same pool."""
    by_set: dict[str, Row] = {}
    for name, choice in choices(metrics).items():
        curves = {dataset: figures.get("best_of", []) for dataset, figures in choice.get("datasets", {}).items()}
        if curves not in by_set.values():
            by_set[name] = curves
    return [
        {"curated": name, "dataset": dataset, "n": n, "score": score}
        for name, curves in by_set.items()
        for dataset, curve in curves.items()
        for n, score in enumerate(curve, start=1)
    ]


def wins(metrics: Metrics) -> list[Row]:
    """Return the prompts won by each decode setting, per curated set with several settings; without references."""
    return [
        {"curated": name, "setting": setting, "wins": count}
        for name, choice in choices(metrics).items()
        if len(won := choice.get("wins", {})) > 1
        for setting, count in sorted(won.items(), key=lambda item: natural(item[0]))
    ]


def natural(text: str) -> list[tuple[int, float, str]]:
    """Return the sort key of natural order: t0.5 before t0.7, k5 before k10."""
    parts = re.split(r"(\d+(?:\.\d+)?)", text)
    return [(0, float(part), part) if index % 2 else (1, 0.0, part) for index, part in enumerate(parts)]


def curated(metrics: Metrics) -> list[Row]:
    """Return, per curated set and data set, the variety of its candidates, the gain in mean score, and low winners.

    `least_bad` is the number of winners that no judge rated above the lowest, `gold` that of winners that are the
    reference; there if references compete in any set, and null in the others. `<objective> 0` is the number of winners
    whose value of it is 0; null where the objective is not of the data set's task. `pool_figures_of` is there if
    prompts have unequal numbers of sweeps in any set: what is said of its candidates is of the first.
    """
    keys = ("rows", "distinct_texts", "candidate_score", "winner_score", "choice_matters", "least_bad")
    told = choices(metrics)
    objectives = sorted(
        {name for choice in told.values() for of in choice.get("datasets", {}).values() for name in of.get("low", {})}
    )
    golden, uneven = (any(key in choice for choice in told.values()) for key in ("gold", "prompts_by_sweeps"))
    return [
        {"curated": name, "dataset": dataset, **{key: figures.get(key) for key in keys}}
        | {f"{one} 0": figures.get("low", {}).get(one, {}).get("zero") for one in objectives}
        | ({"gold": _gold(choice, dataset)} if golden else {})
        | ({"pool_figures_of": "first sweep" if "prompts_by_sweeps" in choice else "all"} if uneven else {})
        for name, choice in told.items()
        for dataset, figures in choice.get("datasets", {}).items()
    ]


def _gold(choice: Row, dataset: str) -> int | None:
    """How many winners of a data set are the reference; None if references do not compete."""
    winners: int | None = choice["gold"]["datasets"][dataset]["winners"] if "gold" in choice else None
    return winners


def barred(metrics: Metrics) -> list[Row]:
    """Return, per curated set, how many candidates could not win, by reason."""
    return [
        {"curated": name, "reason": reason, "candidates": count, "of": choice["candidates"]}
        for name, choice in choices(metrics).items()
        for reason, count in choice.get("candidates_barred", {}).items()
    ]
