"""Turn the judged answers to each prompt into training rows (paper 5.1: the best answer), with selection statistics."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from reset.choosing import curated_rows, effects, judged_pool, masking
from reset.choosing.candidates import Bars, Candidate, Pool, best_overall, choose, thin
from reset.choosing.candidates import margin as score_margin
from reset.choosing.combining import Rule
from reset.choosing.curated_rows import Pick
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.model.training_rows import training_row
from reset.objectives import ByTask, Objectives, by_task, verdicts
from reset.objectives import weights as weights_of


@dataclass(frozen=True)
class _Choice:
    """What was chosen from a pool, by example id."""

    taken: Mapping[str, curated_rows.Taken]  # answers that become rows; empty where a prompt yields none
    winners: Mapping[str, Candidate]  # the first choice of each prompt that yields rows
    kept: Mapping[str, Candidate]  # the winners within the share


def keep_best(
    answers: Path,
    verdict_paths: Sequence[Path],
    prompts: Path,
    into: Path,
    *,
    objectives: Objectives,
    sweeps: int,
    pick: Pick,
    share: float,
    seed: int,
    template: str,
    rating: str,
    bars: Bars,
    rule: Rule,
    stand_ins: Collection[str] = (),
    stand_ins_choose: bool = False,
    margin: float = 0.0,
    temperature: float = 1.0,
    per_prompt: int = 1,
    gold: bool = False,
    counted_below: float = 0.5,
) -> tuple[Account, dict[str, Any]]:
    """Choose among the answers to each prompt; write the training rows to `into`, in the order of `prompts`.

    The schema is `curated_rows.schema`, with a column `untrained` if `bars` has a mask; `margin`, `temperature` and
    `per_prompt` are those of `curated_rows.take`. Only the first `sweeps` sweeps compete, with `gold` the references
    too; `bars` and the floors of the `objectives` say what cannot win, `rule` how these become one order. `rating`
    takes the place of the verdict "rating". What rests on the verdicts in `stand_ins` chooses only if
    `stand_ins_choose`. Returns the account of the prompts and the selection statistics, which count winners below
    `counted_below`. Raises `ResetError` for answers to a prompt that `prompts` lacks, if no prompt yields a row, and as
    `judged_pool.read` does.
    """
    speakers = by_task(objectives, rating, () if stand_ins_choose else stand_ins)
    pool = judged_pool.read(
        answers,
        verdict_paths,
        objectives=objectives,
        speakers=speakers,
        sweeps=sweeps,
        bars=bars,
        rule=rule,
        seed=seed,
        gold=gold,
    )
    take = partial(
        curated_rows.take, pick=pick, seed=seed, least=margin, temperature=temperature, per_prompt=per_prompt
    )
    taken = {example_id: take(candidates) for example_id, candidates in pool.candidates.items()}
    choice = _choose(pool.candidates, taken, pick, share, seed)
    account = Account()
    examples, masked = _known_examples(prompts, answers, pool.candidates), bars.mask is not None
    rows = _rows(examples, pool.candidates, choice, account, template=template, masked=masked)
    written = _write(into, curated_rows.schema(pick, masked=masked), rows, account)
    shown = effects.figures(pool.candidates, choice.kept, weights_of(objectives), counted_below)
    figures = _figures(pool, choice, objectives, speakers, stand_ins)
    if pick == "pairs" and per_prompt > 1:  # of one pair a prompt, the account of the prompts tells all
        figures["pairs"] = curated_rows.count_pairs(pool.candidates, choice.taken, choice.kept, seed, least=margin)
    if bars.mask:
        figures["mask"] = masking.figures(
            bars.mask, [one.masked for key in choice.kept for one, _ in choice.taken[key]]
        )
    return account, {"rows": written, **rule.told(), **shown, **figures}


def _write(into: Path, schema: pa.Schema, rows: Iterable[tables.Row], account: Account) -> int:
    """Write the rows that `account` counts; return their number. Raises `ResetError` if there is none."""
    written = tables.write(into, schema, rows)
    if not written:
        raise ResetError(f"{into}: no row to train on ({account}); params.yaml: curated says what cannot win")
    return written


def zeros(figures: Mapping[str, Any]) -> Counter[str]:
    """Return how many winners have the value 0, per objective, from the statistics of `keep_best`."""
    total: Counter[str] = Counter()
    for of_dataset in figures["datasets"].values():
        total.update({name: low["zero"] for name, low in of_dataset["low"].items() if low["zero"]})
    return total


def remarks(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the stage's last line says of references that won, and of prompts with unequal numbers of sweeps."""
    if gold := figures.get("gold"):
        tasks = ", ".join(f"{task} {one['winners']} of {one['prompts']}" for task, one in gold["tasks"].items())
        yield f"; references that won: {gold['winners']} of {gold['candidates']} ({tasks})"
    if uneven := figures.get("prompts_by_sweeps"):
        counts = ", ".join(f"{count} of {sweeps}" for sweeps, count in uneven.items())
        yield f"; prompts by sweeps: {counts}, so what is said of the pool is of its first sweep"


def _figures(
    pool: judged_pool.JudgedPool,
    choice: _Choice,
    objectives: Objectives,
    speakers: ByTask,
    stand_ins: Collection[str],
) -> dict[str, Any]:
    chose = {name for of_task in speakers.values() for name in verdicts(of_task) if name in stand_ins}
    weights = weights_of(objectives)
    return {
        **({"stand_ins_chose": sorted(chose)} if chose else {}),
        "judges": effects.on_judges(pool.candidates, choice.kept, pool.scores, speakers, weights, stand_ins),
    }


def _choose(pool: Pool, taken: Mapping[str, curated_rows.Taken], pick: Pick, share: float, seed: int) -> _Choice:
    """Find the winner of each prompt that yields rows, and keep the best `share` of them."""
    order = curated_rows.order(pick)
    chosen = {example_id: choose(pool[example_id], order, seed) for example_id in pool if taken[example_id]}
    winners = {example_id: winner for example_id, winner in chosen.items() if winner is not None}
    if pick == "best_overall":
        taken = _best_overall(pool, taken, share, seed)
        return _Choice(taken, winners, {key: taken[key][0][0] for key in winners if taken[key]})
    kept = thin(winners, share, order, seed)
    return _Choice(taken, winners, {key: winner for key, winner in winners.items() if key in kept})


def _best_overall(
    pool: Pool, taken: Mapping[str, curated_rows.Taken], share: float, seed: int
) -> dict[str, curated_rows.Taken]:
    """Of the answers taken, the best ones whatever their prompt: `share` of all that can win, per data set."""
    able = Counter(one.row["dataset"] for answers in pool.values() for one in answers if one.can_win)
    answers = {example_id: [answer for answer, _ in own] for example_id, own in taken.items()}
    kept = best_overall(answers, able, share, seed)
    return {key: [one for one in own if one[0].row["answer_id"] in kept] for key, own in taken.items()}


def _known_examples(prompts: Path, answers: Path, pool: Pool) -> Iterator[tables.Row]:
    """Yield the examples of `prompts`, then raise `ResetError` if the pool answers one that is not among them."""
    unknown = set(pool)
    for example in tables.read(prompts, schemas.EXAMPLES):
        unknown.discard(example["example_id"])
        yield example
    if unknown:
        raise ResetError(f"{answers}: answers example '{min(unknown)}', which is not in {prompts}")


def _rows(
    examples: Iterator[tables.Row], pool: Pool, choice: _Choice, account: Account, *, template: str, masked: bool
) -> Iterator[tables.Row]:
    """Yield the training rows of each prompt; count the prompts in `account`."""
    for example in examples:
        example_id = example["example_id"]
        if example_id in choice.kept:
            account.keep()
            yield from _curated(example, choice.taken[example_id], pool[example_id], template=template, masked=masked)
        elif example_id in choice.winners:
            account.leave("outside the kept share")
        else:
            account.leave(_reason(pool.get(example_id, [])))


def _curated(
    example: tables.Row, taken: curated_rows.Taken, candidates: Sequence[Candidate], *, template: str, masked: bool
) -> Iterator[tables.Row]:
    """Yield one training row per taken answer, with the columns of CURATED and of its own schema."""
    for number, (answer, columns) in enumerate(taken):
        yield {
            **training_row(example, template, repeat=number, response=answer.text),
            **{key: answer.row[key] for key in ("answer_id", "setting", "sweep")},
            "score": answer.score,
            "candidates": len(candidates),
            "margin": score_margin(answer, candidates),
            "objectives": {name: value for name, value in answer.values.items() if value is not None},
            **columns,
            **({"untrained": answer.masked.spans if answer.masked else []} if masked else {}),
        }


def _reason(candidates: Sequence[Candidate]) -> str:
    """Why a prompt yields no row."""
    if not candidates:
        return "no answer in the pool"
    if curated_rows.eligible(candidates):
        return "no answers far enough apart"
    return f"no answer can win: {', '.join(sorted({candidate.why or '' for candidate in candidates}))}"
