"""Make training rows of the judged answers to each prompt (paper 5.1: of the best), and say what the choice did."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reset.choosing import curated_rows, effects, verdicts
from reset.choosing.candidates import Candidate, Pool, choose, thin, weigh
from reset.choosing.candidates import margin as over
from reset.choosing.curated_rows import Pick
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.model.training_rows import training_row

AXES = ("task", "instruction", "faithfulness")
Scores = Mapping[str, Mapping[str, str]]  # task -> axis -> verdict name


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
        example_id: curated_rows.take(candidates, pick, seed, least=margin, temperature=temperature)
        for example_id, candidates in pool.items()
    }
    winners = _winners(pool, taken, pick, seed)
    kept = thin(winners, share, curated_rows.order(pick), seed)
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
    with tables.Writer(into, curated_rows.SCHEMAS[pick]) as writer:
        for example in tables.read(prompts, schemas.EXAMPLES):
            strangers.discard(example["example_id"])
            for row in rows(example):
                writer.write(row)
        if strangers:
            raise ResetError(f"{answers}: answers example '{min(strangers)}', which {prompts} does not hold")
    won = {example_id: winners[example_id] for example_id in winners if example_id in kept}
    judged = effects.on_judges(pool, won, said, axes, weights)
    return account, {"rows": writer.rows, **effects.figures(pool, won), "judges": judged}


def _winners(pool: Pool, taken: Mapping[str, curated_rows.Taken], pick: Pick, seed: int) -> dict[str, Candidate]:
    """The answer that speaks for each prompt of whose answers rows are made."""
    order = curated_rows.order(pick)
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


def _curated(
    example: tables.Row, taken: curated_rows.Taken, candidates: Sequence[Candidate], template: str
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
    return "no answers far enough apart" if curated_rows.able(candidates) else "no answer can win"
