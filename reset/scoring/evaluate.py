"""Score one system on its test answers: per data set, and as the paper's macro averages (2.2, Table 4).

A macro average is the plain mean over data sets. Null scores are left out of means and counted. Intervals come from
`reset.scoring.bootstrap`. A figure that rests on the verdicts of a stand-in says so: `stand_in: true`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import correlation, fmean
from typing import Any

import pyarrow as pa

from reset.choosing import verdicts
from reset.errors import ResetError, nearest
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.scoring.bootstrap import interval

# verdicts that are axes of their own if given: coverage (the paper's Figures 9 and 10), the micro world's oracle
EXTRAS = ("unigram_coverage", "bigram_coverage", "oracle")
FEWEST_PAIRS = 10  # answers below which no correlation is given
SCORES = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("example_id", "dataset", "task", "group", "axis")),
        pa.field("score", pa.float64()),
        pa.field("tokens", pa.int32(), nullable=False),  # of the answer
        pa.field("words", pa.int32(), nullable=False),  # of the answer, split at whitespace
        pa.field("reference_words", pa.int32()),  # of the first reference; null if there is none
    ]
)

Scores = Mapping[str, Mapping[str, str]]  # task -> axis -> verdict name
ByAxis = dict[str, list[tables.Row]]
Axes = Collection[tuple[str, str]]  # (task, axis)


def evaluate(
    answers: Path,
    verdict_paths: Sequence[Path],
    prompts: Path,
    into: Path,
    *,
    scores: Scores,
    groups: Mapping[str, str],
    bootstrap: int,
    seed: int,
    stand_ins: Collection[str] = (),
) -> tuple[Account, dict[str, Any]]:
    """Write the score of each prompt and axis to `into` (schema SCORES); return the account and the summary.

    `groups` maps each data set to seen, unseen or instruction; `bootstrap` is the number of resamples, `stand_ins` are
    the verdicts of judges that stand in for a real one. Raises `ResetError` if answers and prompts do not match one to
    one, or a task or data set is not declared.
    """
    account = Account()
    by_id = verdicts.answers(answers)
    judged = verdicts.read(
        verdict_paths, by_id, {*EXTRAS, *(name for axes in scores.values() for name in axes.values())}
    )
    by_example = _by_example(answers, by_id.values())
    rows: list[tables.Row] = []
    for example in tables.read(prompts, schemas.EXAMPLES):
        answer = by_example.pop(example["example_id"], None)
        if answer is None:
            raise ResetError(f"{answers}: no answer to example '{example['example_id']}' of {prompts}")
        account.keep()
        rows += _scored(example, answer, judged[answer["answer_id"]], scores, groups)
    if by_example:
        raise ResetError(f"{answers}: answers example '{next(iter(by_example))}', which is not in {prompts}")
    tables.write(into, SCORES, rows)
    resting = {(task, axis) for task, axes in scores.items() for axis, name in _axes(axes).items() if name in stand_ins}
    return account, summarise(rows, bootstrap=bootstrap, seed=seed, resting=resting)


def _axes(axes: Mapping[str, str]) -> dict[str, str]:
    return {**axes, **{name: name for name in EXTRAS}}  # all axes that a task may have -> verdict name


def _by_example(path: Path, answers: Iterable[tables.Row]) -> dict[str, tables.Row]:
    by_example: dict[str, tables.Row] = {}
    for answer in answers:
        if by_example.setdefault(answer["example_id"], answer) is not answer:
            raise ResetError(
                f"{path}: two answers to example '{answer['example_id']}'; a test pool holds one per prompt"
            )
    return by_example


def _scored(
    example: tables.Row,
    answer: tables.Row,
    judged: Mapping[str, float | None],
    scores: Scores,
    groups: Mapping[str, str],
) -> Iterator[tables.Row]:
    """Yield one row per axis of the example's task; `judged` maps verdict name -> score."""
    dataset, task = example["dataset"], example["task"]
    if dataset not in groups:
        raise ResetError(f"data set '{dataset}' is in no group. {nearest(dataset, groups)}")
    if task not in scores:
        raise ResetError(f"no score is declared for task '{task}'. {nearest(task, scores)}")
    axes = {axis: name for axis, name in _axes(scores[task]).items() if axis in scores[task] or name in judged}
    for axis, name in axes.items():
        yield {
            "example_id": example["example_id"],
            "dataset": dataset,
            "task": task,
            "group": groups[dataset],
            "axis": axis,
            "score": judged.get(name),
            "tokens": answer["tokens"],
            "words": len(answer["text"].split()),
            "reference_words": len(example["references"][0].split()) if example["references"] else None,
        }


def summarise(rows: Sequence[tables.Row], *, bootstrap: int, seed: int, resting: Axes = ()) -> dict[str, Any]:
    """Return figures per data set and axis, macro averages and the oracle correlation, rounded to four digits.

    The axes in `resting` rest on a stand-in.
    """
    by_dataset: dict[str, ByAxis] = {}
    for row in rows:
        by_dataset.setdefault(row["dataset"], {}).setdefault(row["axis"], []).append(row)

    def figures(strata: Sequence[Sequence[float]]) -> dict[str, float | None]:
        mean_low_high = asdict(interval(strata, resamples=bootstrap, seed=seed))
        return {name: None if value is None else round(value, 4) for name, value in mean_low_high.items()}

    datasets = {name: _of_dataset(axes, figures, resting) for name, axes in sorted(by_dataset.items())}
    macro = {
        name: {
            **figures([non_null(axes[axis]) for axes in members]),
            "datasets": len(members),
            **_mark((axes[axis] for axes in members), resting),
        }
        for name, axis, members in macros(by_dataset)
    }
    return {"datasets": datasets, "macro": macro, "oracle_correlation": oracle_correlation(rows)}


def oracle_correlation(rows: Iterable[tables.Row]) -> float | None:
    """Pearson correlation of faithfulness with the oracle; None if undefined, or of fewer than `FEWEST_PAIRS`."""
    pairs: dict[str, dict[str, float]] = {}
    for row in rows:
        if row["axis"] in ("faithfulness", "oracle") and row["score"] is not None:
            pairs.setdefault(row["example_id"], {})[row["axis"]] = row["score"]
    both = [(pair["faithfulness"], pair["oracle"]) for pair in pairs.values() if len(pair) == 2]
    if len(both) < FEWEST_PAIRS or any(len(set(side)) < 2 for side in zip(*both, strict=True)):
        return None
    return round(correlation(*zip(*both, strict=True)), 4)


def non_null(rows: Iterable[tables.Row]) -> list[float]:
    """Return the scores that are not null."""
    return [row["score"] for row in rows if row["score"] is not None]


def _mark(axes: Iterable[Sequence[tables.Row]], resting: Axes) -> dict[str, bool]:
    """`stand_in` if one of `axes`, each the rows of a data set, rests on a stand-in; else nothing."""
    return {"stand_in": True} if any((rows[0]["task"], rows[0]["axis"]) in resting for rows in axes) else {}


def _of_dataset(axes: ByAxis, figures: Any, resting: Axes) -> dict[str, Any]:
    rows = next(iter(axes.values()))
    return {
        "task": rows[0]["task"],
        "group": rows[0]["group"],
        "n": len(rows),
        "tokens": round(fmean(row["tokens"] for row in rows), 2),
        "scores": {
            axis: {
                **figures([non_null(of_axis)]),
                "nulls": sum(row["score"] is None for row in of_axis),
                **_mark([of_axis], resting),
            }
            for axis, of_axis in axes.items()
        },
    }


def macros(by_dataset: Mapping[str, ByAxis]) -> Iterator[tuple[str, str, list[ByAxis]]]:
    """Yield name, axis and data sets of each macro average: overall, abstractive and extractive, seen and unseen."""
    for axis in ("instruction", "faithfulness", "task", *EXTRAS):
        members = [(axes, axes[axis][0]) for _, axes in sorted(by_dataset.items()) if axis in axes]
        parts = {axis: [axes for axes, _ in members]}
        if axis != "instruction":
            for part in ("abstractive", "extractive", "seen", "unseen"):
                parts[f"{axis}_{part}"] = [axes for axes, first in members if part in _parts(first)]
        yield from ((name, axis, datasets) for name, datasets in parts.items() if datasets)


def _parts(row: tables.Row) -> tuple[str, str]:
    return ("extractive" if row["task"] == "extractive_qa" else "abstractive"), row["group"]
