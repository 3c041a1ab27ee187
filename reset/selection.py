"""Make training rows of the judged answers to each prompt (paper 5.1: of the best), and say what the choice did."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import comb
from pathlib import Path
from statistics import fmean
from typing import Any

from reset import agreement, curation, tables, verdicts
from reset.accounts import Account
from reset.candidates import Candidate, choose, thin, weigh
from reset.candidates import margin as over
from reset.curation import Pick
from reset.errors import ResetError
from reset.mixtures import training_row

AXES = ("task", "instruction", "faithfulness")
Scores = Mapping[str, Mapping[str, str]]  # task -> axis -> verdict name
Pool = Mapping[str, Sequence[Candidate]]  # example id -> the candidates among its answers


def names(scores: Scores, rating: str) -> dict[str, dict[str, str]]:
    """Name the verdict of each axis per task; the rating `rating` speaks for instructions."""
    swap = {"rating": rating}
    return {task: {axis: swap.get(name, name) for axis, name in axes.items()} for task, axes in scores.items()}


def keep_best(
    answers: Path,
    verdict_paths: Sequence[Path],
    prompts: Path,
    into: Path,
    *,
    scores: Scores,
    weights: Mapping[str, float],
    sweeps: int,
    pick: Pick,
    share: float,
    seed: int,
    template: str,
    rating: str,
    margin: float = 0.0,
    temperature: float = 1.0,
) -> tuple[Account, dict[str, Any]]:
    """Write the rows that `pick` makes of each prompt's answers to `into`, in the order of `prompts`.

    The schema is that of `curation.SCHEMAS`; `margin` and `temperature` are for the kinds of rows that have one. Only
    answers of the first `sweeps` sweeps compete. Returns the account of the prompts and figures on the choice.
    """
    axes = names(scores, rating)
    rows_of = verdicts.answers(answers)
    said = verdicts.read(verdict_paths, rows_of)
    pool = gather(answers, rows_of, said, axes, weights, sweeps)
    taken = {
        example_id: curation.take(candidates, pick, seed, least=margin, temperature=temperature)
        for example_id, candidates in pool.items()
    }
    winners = _winners(pool, taken, pick, seed)
    kept = thin(winners, share, curation.order(pick), seed)
    account = Account()

    def rows(example: tables.Row) -> Iterator[tables.Row]:
        example_id = example["example_id"]
        if example_id in kept:
            account.keep()
            yield from _curated(example, taken[example_id], pool[example_id], template)
        elif example_id in winners:
            account.leave("outside the kept share")
        else:
            account.leave(_reason(pool.get(example_id, [])))

    strangers = set(pool)
    with tables.Writer(into, curation.SCHEMAS[pick]) as writer:
        for example in tables.read(prompts, tables.EXAMPLES):
            strangers.discard(example["example_id"])
            for row in rows(example):
                writer.write(row)
        if strangers:
            raise ResetError(f"{answers}: answers example '{min(strangers)}', which {prompts} does not hold")
    won = {example_id: winners[example_id] for example_id in winners if example_id in kept}
    figures = {"rows": writer.rows, **_figures(pool, won), "judges": on_judges(pool, won, said, axes, weights)}
    return account, figures


def _winners(pool: Pool, taken: Mapping[str, curation.Taken], pick: Pick, seed: int) -> dict[str, Candidate]:
    """The answer that speaks for each prompt of whose answers rows are made."""
    order = curation.order(pick)
    chosen = {example_id: choose(pool[example_id], order, seed) for example_id in pool if taken[example_id]}
    return {example_id: winner for example_id, winner in chosen.items() if winner is not None}


def gather(
    answers: Path,
    rows: Mapping[str, tables.Row],
    said: verdicts.ByAnswer,
    axes: Mapping[str, Mapping[str, str]],
    weights: Mapping[str, float],
    sweeps: int,
) -> dict[str, list[Candidate]]:
    """Score the candidates of each prompt, by example id; `rows` and what was `said` of them are those of `answers`.

    Raises `ResetError` for an answer of a task that `axes` does not name.
    """
    pool: dict[str, list[Candidate]] = {}
    for answer_id, row in rows.items():
        if row["task"] not in axes:
            raise ResetError(
                f"{answers}: answer '{answer_id}' is of task '{row['task']}', for which no score is declared"
            )
        if row["sweep"] < sweeps:
            candidate = weigh(row, said[answer_id], axes[row["task"]], weights)
            pool.setdefault(row["example_id"], []).append(candidate)
    return pool


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


def _curated(
    example: tables.Row, taken: curation.Taken, candidates: Sequence[Candidate], template: str
) -> Iterator[tables.Row]:
    for number, (answer, columns) in enumerate(taken):
        yield {
            **training_row(example, template, repeat=number, response=answer.text),
            **{key: answer.row[key] for key in ("answer_id", "setting", "sweep")},
            "score": answer.score,
            "candidates": len(candidates),
            "margin": over(answer, candidates),
            **{f"{axis}_score": answer.axes.get(axis) for axis in AXES},
            **columns,
        }


def _reason(candidates: Sequence[Candidate]) -> str:
    """Why no row was made of a prompt's answers."""
    if not candidates:
        return "no answer in the pool"
    return "no answers far enough apart" if curation.able(candidates) else "no answer can win"


def _figures(pool: Pool, kept: Mapping[str, Candidate]) -> dict[str, Any]:
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


def best_of(pools: Sequence[Sequence[float]]) -> list[float]:
    """Mean over prompts of the best score among n candidates drawn at random, for n = 1 to the smallest pool's size.

    Exact, without drawing: of k scores in order, the i-th is the best of n in C(i - 1, n - 1) of C(k, n) draws. The
    first value is that of a random choice.
    """
    return [fmean(_expected_best(sorted(scores), n) for scores in pools) for n in range(1, min(map(len, pools)) + 1)]


def _expected_best(ordered: Sequence[float], n: int) -> float:
    return sum(score * comb(i, n - 1) for i, score in enumerate(ordered)) / comb(len(ordered), n)
