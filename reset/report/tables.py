"""The rows of the report's other tables and plots, from metrics/ and from the scores per prompt."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from reset.errors import ResetError
from reset.files.metrics import Metrics
from reset.files.tables import Row, read
from reset.report.words import label
from reset.scoring.evaluate import EXTRAS, SCORES

BINS = 20
STAGES = (
    "fetch",
    "prepare",
    "screen",
    "mix",
    "draw",
    "sample",
    "judge",
    "select",
    "evaluate",
    "watch",
)  # in the order they run
FOLDERS = {"evaluate": "systems"}  # stage -> folder of metrics, where the names differ


def systems(metrics: Metrics, names: Sequence[str]) -> dict[str, Row]:
    """Read the summaries of those systems among `names` that were evaluated."""
    return {name: figures for name in names if (figures := metrics.read(f"systems/{name}"))}


def resting(summaries: Mapping[str, Row]) -> set[str]:
    """Return the names of the macro averages that rest on a judge that stands in for a real one."""
    macros = [summary["macro"] for summary in summaries.values()]
    return {name for macro in macros for name, figures in macro.items() if figures.get("stand_in")}


def tradeoff(summaries: Mapping[str, Row], pair: Sequence[str]) -> list[Row]:
    """Return two objectives of each system, both macro averages over all data sets.

    `stand_in` names those that rest on a stand-in, if any do.
    """
    marks = resting(summaries)
    means = {
        system: {name: _mean(summary["macro"].get(name)) for name in pair} for system, summary in summaries.items()
    }
    mark = {"stand_in": ", ".join(name for name in pair if name in marks)} if marks & {*pair} else {}
    return [{"system": system, **mean, **mark} for system, mean in means.items() if None not in mean.values()]


def overview(summaries: Mapping[str, Row], macros: Sequence[str]) -> list[Row]:
    """Return each system's averages in `macros` and EXTRAS, mean answer length, and number of null scores."""
    rows, marks = [], resting(summaries)
    for name, summary in summaries.items():
        datasets = summary["datasets"].values()
        tokens = [dataset["tokens"] for dataset in datasets]
        nulls = sum(score["nulls"] for dataset in datasets for score in dataset["scores"].values())
        means = {
            label(score, score in marks): _mean(summary["macro"].get(score))
            for score in dict.fromkeys([*macros, *EXTRAS])
        }
        rows.append({"system": name, **means, "tokens": round(fmean(tokens), 2), "nulls": nulls})
    return rows


def scored(summaries: Mapping[str, Row]) -> list[Row]:
    """Return each system's figures per data set and objective: n counts prompts with a score, nulls those without."""
    return [
        {
            **{"system": system, "dataset": dataset, "group": figures["group"], "objective": name},
            **{"n": figures["n"] - score["nulls"], "nulls": score["nulls"]},
            **{key: score[key] for key in ("mean", "low", "high")},
            "tokens": figures["tokens"],
            **({"stand_in": True} if score.get("stand_in") else {}),
        }
        for system, summary in summaries.items()
        for dataset, figures in summary["datasets"].items()
        for name, score in figures["scores"].items()
    ]


def pipelines(summaries: Mapping[str, Row], declared: Mapping[str, Sequence[str]], macros: Sequence[str]) -> list[Row]:
    """Figures 3 and 6: the averages in `macros` before and after the second stage of each two-stage pipeline.

    `declared` maps the title of a pipeline to the systems before and after.
    """
    marks = resting(summaries)
    return [
        {
            **{"pipeline": title, "stage": stage, "system": system, "score": label(score, score in marks)},
            **{key: summaries[system]["macro"][score][key] for key in ("mean", "low", "high")},
        }
        for title, (first, second) in declared.items()
        if first in summaries and second in summaries
        for score in macros
        for stage, system in (("before", first), ("after", second))
        if score in summaries[system]["macro"]
    ]


def _mean(figures: Mapping[str, Any] | None) -> float | None:
    return figures["mean"] if figures else None


def losses(metrics: Metrics) -> list[Row]:
    """Return training and dev loss per step, from metrics/train/<system>_log.json."""
    return [
        {"system": name, **{key: row.get(key) for key in ("step", "loss", "dev_loss")}}
        for name in metrics.of("train")
        if (path := metrics.folder / f"train/{name}_log.json").is_file()
        for row in _read_list(path)
    ]


def _read_list(path: Path) -> list[Row]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ResetError(f"{path}: not JSON ({error})") from error
    if not isinstance(content, list):
        raise ResetError(f"{path}: must hold a JSON list, holds a {type(content).__name__}")
    return content


def histogram(
    folder: Path, systems: Sequence[str], objectives: Sequence[str], marks: Collection[str] = ()
) -> list[Row]:
    """Count the answers of each system per objective in 20 equal bins of [0, 1]; empty bins are left out.

    The objectives in `marks` rest on a stand-in.
    """
    bins = []
    for system in systems:
        path = folder / f"{system}.parquet"
        rows = [row for row in read(path, SCORES) if row["score"] is not None] if path.is_file() else []
        for name in objectives:
            counts = Counter(min(int(row["score"] * BINS), BINS - 1) for row in rows if row["objective"] == name)
            bins += [
                {"system": system, "objective": label(name, name in marks)}
                | {"low": bin_ / BINS, "high": (bin_ + 1) / BINS}
                | {"answers": counts[bin_], "share": round(counts[bin_] / counts.total(), 4)}
                for bin_ in sorted(counts)
            ]
    return bins


def accounts(metrics: Metrics) -> list[Row]:
    """Return rows in, out and set aside of every metrics file with an account, in the order of STAGES."""
    return [
        {"stage": stage, "name": name, **account(figures)}
        for stage in STAGES
        for name, figures in metrics.of(FOLDERS.get(stage, stage)).items()
        if "rows_in" in figures
    ]


def account(figures: Mapping[str, Any]) -> Row:
    """Return the counts of one metrics file, and its reasons in a sentence."""
    aside = figures["set_aside"]
    reasons = ", ".join([*(f"{count} {reason}" for reason, count in aside.items()), *_null_reasons(figures)])
    counts = {"rows_in": figures["rows_in"], "rows_out": figures["rows_out"]}
    return {**counts, "set_aside": sum(aside.values()), "reasons": reasons}


def _null_reasons(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield why verdicts of a pool, or of a watcher on all pools, have no score."""
    verdicts = figures.get("verdicts")
    for of_pool in [verdicts] if verdicts else figures.get("pools", {}).values():
        for name, counts in of_pool.items():
            yield from (f"{count} without {name}: {why}" for why, count in counts.get("null_reasons", {}).items())
