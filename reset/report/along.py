"""What a training does on its way, by the models kept along it: the paper's Figures 4 and 9 to 14."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from reset import checkpoint_names
from reset.files.tables import Row, read_json

Summaries = Mapping[str, Row]
MACROS = (
    *("faithfulness_abstractive", "faithfulness_extractive"),
    *("task_abstractive", "task_extractive", "instruction"),
)
KINDS = {"instruction": "instructions", "extractive_qa": "extractive"}  # task -> kind; all others are abstractive


def overview(metrics: Path, summaries: Summaries, points: Sequence[checkpoint_names.Point]) -> list[Row]:
    """Each point of each training with its step, macro averages and mean answer length over data sets."""
    return [
        {
            **where,
            **{score: summary["macro"].get(score, {}).get("mean") for score in MACROS},
            "tokens": round(fmean(figures["tokens"] for figures in summary["datasets"].values()), 2),
        }
        for where, summary in _steps(metrics, summaries, points)
    ]


def scores(metrics: Path, summaries: Summaries, points: Sequence[checkpoint_names.Point]) -> list[Row]:
    """Figures 9 to 14: each point's mean per data set and axis; `panel` and `series` say where it is drawn."""
    return [
        {
            **where,
            "panel": f"{where['training']}: {axis.replace('_', ' ')}"
            + (f", {kind}" if (kind := KINDS.get(figures["task"], "abstractive")) != "instructions" else ""),
            "series": dataset,
            **{key: said[key] for key in ("mean", "low", "high")},
        }
        for where, summary in _steps(metrics, summaries, points)
        for dataset, figures in summary["datasets"].items()
        for axis, said in figures["scores"].items()
        if said["mean"] is not None
    ]


def lengths(metrics: Path, summaries: Summaries, points: Sequence[checkpoint_names.Point]) -> list[Row]:
    """Figure 4: each point's mean answer length per data set, in tokens."""
    return [
        {**where, "panel": where["training"], "series": dataset, "tokens": figures["tokens"]}
        for where, summary in _steps(metrics, summaries, points)
        for dataset, figures in summary["datasets"].items()
    ]


def _steps(metrics: Path, summaries: Summaries, points: Sequence[checkpoint_names.Point]) -> Iterator[tuple[Row, Row]]:
    """Where each evaluated point stands in its training, and its summary."""
    for point in points:
        path = metrics / "train" / f"{point.training}.json"
        if point.evaluated in summaries and path.is_file():
            done = read_json(path)
            step, name = _place(point.share, done["steps"], done["best_step"])
            where = {"training": point.training, "system": point.evaluated, "checkpoint": name, "step": step}
            yield where, summaries[point.evaluated]


def _place(share: float | None, steps: int, best: int) -> tuple[int, str]:
    """The step of a point and what it is called."""
    if share is None:
        return best, "lowest dev loss" + (", last" if best == steps else "")
    if share == 0.0:
        return 0, "start"
    return checkpoint_names.step(share, steps), "last" if share == 1.0 else f"{100 * share:g} %"
