"""Agreement, length bias and gain of judges and watchers, from metrics/select and metrics/watch."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from reset.choosing.agreement import FEWEST, LENGTH, stand_in_label
from reset.files.metrics import Metrics
from reset.files.tables import Row
from reset.objectives import Objectives, by_task, verdicts
from reset.report.choices import in_order


def _by_choice(metrics: Metrics) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield curated set, task and figures: those of the judges, then those of each watcher."""
    for name, choice in in_order(metrics).items():
        for task, figures in choice.get("judges", {}).items():
            yield name, task, figures
    for watcher in metrics.of("watch").values():
        for name, tasks in watcher["choices"].items():
            for task, figures in tasks.items():
                yield name, task, figures


def watched(metrics: Metrics, stand_ins: Collection[str] = ()) -> list[Row]:
    """Return each watcher's verdicts per pool: answers, nulls and mean. Here and below, `stand_ins` are marked."""
    return [
        {"watcher": watcher, "pool": pool, "verdict": stand_in_label(verdict, stand_ins)}
        | {key: figures[key] for key in ("n", "nulls", "mean")}
        for watcher, of_watcher in metrics.of("watch").items()
        for pool, verdicts in of_watcher["pools"].items()
        for verdict, figures in verdicts.items()
    ]


def choosing(
    metrics: Metrics, objectives: Objectives, rated_by: Mapping[str, str], stand_ins: Collection[str]
) -> dict[tuple[str, str], list[str]]:
    """Return the verdicts that chose, by curated set and task: those behind objectives of weight above 0.

    `rated_by` maps each set that is not chosen at random to its verdict in place of "rating".
    """
    weighed = {name: one for name, one in objectives.items() if one.weight}
    return {
        (name, task): verdicts(speakers)
        for name, choice in in_order(metrics).items()
        if name in rated_by
        for task, speakers in by_task(weighed, rated_by[name], () if "stand_ins_chose" in choice else stand_ins).items()
    }


def means(
    metrics: Metrics,
    stand_ins: Collection[str] = (),
    chose: Mapping[tuple[str, str], Collection[str]] | None = None,
) -> list[Row]:
    """Return, per curated set, task and verdict: how the choice moved it, and its gamma with answer length.

    `chose` holds the verdicts that chose (see `choosing`); the others only watched.
    """
    chose = chose or {}
    return [
        {
            "curated": name,
            "task": task,
            "verdict": stand_in_label(verdict, stand_ins),
            "chose": "yes" if verdict in chose.get((name, task), ()) else "no",
            **gained,
            "gamma_with_length": _gamma(figures, verdict, LENGTH),
        }
        for name, task, figures in _by_choice(metrics)
        for verdict, gained in figures["means"].items()
        if verdict != LENGTH
    ]


def agreement(metrics: Metrics, stand_ins: Collection[str] = ()) -> list[Row]:
    """Return gamma within prompts for each two verdicts, with the number of pairs of answers; null if those are few."""
    return [
        {
            **{"curated": name, "task": task},
            **{"first": stand_in_label(first, stand_ins), "second": stand_in_label(second, stand_ins)},
            **{"gamma": _told(gamma), "pairs": gamma["pairs"]},
        }
        for name, task, figures in _by_choice(metrics)
        for (first, second), gamma in ((pair.split("|"), gamma) for pair, gamma in figures["agreement"].items())
        if LENGTH not in (first, second)
    ]


def spread(metrics: Metrics) -> list[Row]:
    """Return each objective's influence on the selection score: weight times standard deviation within a prompt."""
    return [
        {"curated": name, "task": task, "objective": objective, "spread": value}
        for name, task, figures in _by_choice(metrics)
        for objective, value in figures.get("spread", {}).items()
    ]


def warnings(metrics: Metrics) -> list[Row]:
    """Return the warnings of each choice (`reset.choosing.agreement.warnings`)."""
    return [
        {"curated": name, "task": task, "warning": text}
        for name, task, figures in _by_choice(metrics)
        for text in figures["warnings"]
    ]


def _gamma(figures: dict[str, Any], first: str, second: str) -> float | None:
    agreement = figures["agreement"].get("|".join(sorted((first, second))))
    return _told(agreement) if agreement else None


def _told(agreement: dict[str, Any]) -> float | None:
    """A gamma, or None if it rests on fewer than `FEWEST` pairs of answers."""
    return agreement["gamma"] if agreement["pairs"] >= FEWEST else None
