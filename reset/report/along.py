"""Training curves: scores and answer lengths of evaluated checkpoints (the paper's Figures 4 and 9 to 14)."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from reset import checkpoint_names
from reset.files.metrics import Metrics
from reset.files.tables import Row
from reset.objectives import kind
from reset.report.tables import resting
from reset.report.words import label

Summaries = Mapping[str, Row]


def overview(
    metrics: Metrics, summaries: Summaries, points: Sequence[checkpoint_names.Point], macros: Sequence[str]
) -> list[Row]:
    """Return one row per checkpoint: its step, the averages in `macros`, and mean answer length over data sets."""
    marks = resting(summaries)
    return [
        {
            **where,
            **{label(score, score in marks): summary["macro"].get(score, {}).get("mean") for score in macros},
            "tokens": round(fmean(figures["tokens"] for figures in summary["datasets"].values()), 2),
        }
        for where, summary in _steps(metrics, summaries, points)
    ]


def scores(metrics: Metrics, summaries: Summaries, points: Sequence[checkpoint_names.Point]) -> list[Row]:
    """Figures 9 to 14: one row per checkpoint, data set and objective; `panel` and `series` name its plot and line."""
    return [
        {
            **where,
            "panel": label(f"{where['training']}: {_panel(name, figures['task'])}", interval.get("stand_in")),
            "series": dataset,
            **{key: interval[key] for key in ("mean", "low", "high")},
        }
        for where, summary in _steps(metrics, summaries, points)
        for dataset, figures in summary["datasets"].items()
        for name, interval in figures["scores"].items()
        if interval["mean"] is not None
    ]


def _panel(objective: str, task: str) -> str:
    return objective.replace("_", " ") + ("" if kind(task) == "instruction" else f", {kind(task)}")


def lengths(metrics: Metrics, summaries: Summaries, points: Sequence[checkpoint_names.Point]) -> list[Row]:
    """Figure 4: mean answer length in tokens, per checkpoint and data set."""
    return [
        {**where, "panel": where["training"], "series": dataset, "tokens": figures["tokens"]}
        for where, summary in _steps(metrics, summaries, points)
        for dataset, figures in summary["datasets"].items()
    ]


def _steps(
    metrics: Metrics, summaries: Summaries, points: Sequence[checkpoint_names.Point]
) -> Iterator[tuple[Row, Row]]:
    """Yield each evaluated checkpoint's training, system, name and step, with its summary."""
    for point in points:
        training = metrics.read(f"train/{point.training}")
        if point.evaluated in summaries and training:
            step, name = _step_and_name(point.share, training["steps"], training["best_step"])
            where = {"training": point.training, "system": point.evaluated, "checkpoint": name, "step": step}
            yield where, summaries[point.evaluated]


def _step_and_name(share: float | None, steps: int, best: int) -> tuple[int, str]:
    """The step of a checkpoint and its name; `share` is None for the model of the lowest dev loss."""
    if share is None:
        return best, "lowest dev loss" + (", last" if best == steps else "")
    if share == 0.0:
        return 0, "start"
    return checkpoint_names.step(share, steps), "last" if share == 1.0 else f"{100 * share:g} %"
