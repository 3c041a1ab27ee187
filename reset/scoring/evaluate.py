"""Score one system on its test answers: per data set, and as macro averages (paper 2.2, Table 4).

A macro average is the plain mean over data sets. An objective that has context-dependent tasks has one over all its
data sets and one over each part of them: abstractive and extractive, seen and unseen. Null scores are left out of means
and counted. Intervals come from `reset.scoring.bootstrap`. A figure that rests on the verdicts of a stand-in says so:
`stand_in: true`.
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
from reset.objectives import Objectives, Speaker, by_task
from reset.objectives import verdicts as names
from reset.scoring.averages import ByObjective, grouped, macros
from reset.scoring.bootstrap import interval

# verdicts scored as if they were objectives, where they are given: coverage (the paper's Figures 9 and 10), and the
# micro world's oracle
EXTRAS = ("unigram_coverage", "bigram_coverage", "oracle")
ORACLE, ORACLE_OF = "oracle", "faithfulness"  # the micro world's verdict, and the objective that it tells exactly
ABILITY, ABILITY_REASON = "ability", "general ability, beside the averages"  # a group of data sets: not scored here
FEWEST_PAIRS = 10  # answers below which no correlation is given
_KEYS = ("example_id", "dataset", "task", "group", "objective")
SCORES = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in _KEYS),
        pa.field("score", pa.float64()),
        pa.field("tokens", pa.int32(), nullable=False),  # of the answer
        pa.field("words", pa.int32(), nullable=False),  # of the answer, split at whitespace
        pa.field("reference_words", pa.int32()),  # of the first reference; null if there is none
    ]
)

Pairs = Collection[tuple[str, str]]  # (task, objective)


def evaluate(
    answers: Path,
    verdict_paths: Sequence[Path],
    prompts: Path,
    into: Path,
    *,
    objectives: Objectives,
    groups: Mapping[str, str],
    bootstrap: int,
    seed: int,
    stand_ins: Collection[str] = (),
) -> tuple[Account, dict[str, Any]]:
    """Write the score of each prompt and objective to `into` (schema SCORES); return the account and the summary.

    `groups` maps each data set to seen, unseen, instruction or ability, which is not scored here; `bootstrap` is the
    number of resamples, `stand_ins` are the verdicts of judges that stand in for a real one. Raises `ResetError` if
    answers and prompts do not match one to one, if no objective has the task of a prompt, and if a data set is in no
    group.
    """
    account = Account()
    by_id = verdicts.answers(answers)
    speakers = {task: _with_extras(own) for task, own in by_task(objectives).items()}
    judged = verdicts.read(verdict_paths, by_id, {name for own in speakers.values() for name in names(own)})
    by_example = _by_example(answers, by_id.values())
    rows: list[tables.Row] = []
    for example in tables.read(prompts, schemas.EXAMPLES):
        answer = by_example.pop(example["example_id"], None)
        if answer is None:
            raise ResetError(f"{answers}: no answer to example '{example['example_id']}' of {prompts}")
        if groups.get(example["dataset"]) == ABILITY:
            account.leave(ABILITY_REASON)
            continue
        account.keep()
        rows += _scored(example, answer, judged[answer["answer_id"]], speakers, groups)
    if by_example:
        raise ResetError(f"{answers}: answers example '{next(iter(by_example))}', which is not in {prompts}")
    tables.write(into, SCORES, rows)
    resting = {
        (task, name)
        for task, own in speakers.items()
        for name, speaker in own.items()
        if {*speaker.verdicts} & {*stand_ins}
    }
    return account, summarise(rows, bootstrap=bootstrap, seed=seed, resting=resting)


def _with_extras(speakers: Mapping[str, Speaker]) -> dict[str, Speaker]:
    return {**speakers, **{name: Speaker((name,)) for name in EXTRAS if name not in speakers}}


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
    speakers: Mapping[str, Mapping[str, Speaker]],
    groups: Mapping[str, str],
) -> Iterator[tables.Row]:
    """Yield one row per objective of the example's task; `judged` maps verdict name -> score."""
    dataset, task = example["dataset"], example["task"]
    if dataset not in groups:
        raise ResetError(f"data set '{dataset}' is in no group. {nearest(dataset, groups)}")
    if task not in speakers:
        raise ResetError(f"no objective has the task '{task}'. {nearest(task, speakers)}")
    for name, speaker in speakers[task].items():
        if name not in EXTRAS or name in judged:
            yield {
                "example_id": example["example_id"],
                "dataset": dataset,
                "task": task,
                "group": groups[dataset],
                "objective": name,
                "score": speaker.value(judged),
                "tokens": answer["tokens"],
                "words": len(answer["text"].split()),
                "reference_words": len(example["references"][0].split()) if example["references"] else None,
            }


def summarise(rows: Sequence[tables.Row], *, bootstrap: int, seed: int, resting: Pairs = ()) -> dict[str, Any]:
    """Return figures per data set and objective, macro averages and the oracle correlation, rounded to four digits.

    The pairs of task and objective in `resting` rest on a stand-in.
    """
    by_dataset = grouped(rows)

    def figures(strata: Sequence[Sequence[float]]) -> dict[str, float | None]:
        mean_low_high = asdict(interval(strata, resamples=bootstrap, seed=seed))
        return {name: None if value is None else round(value, 4) for name, value in mean_low_high.items()}

    datasets = {name: _of_dataset(scored, figures, resting) for name, scored in sorted(by_dataset.items())}
    macro = {
        name: {
            **figures([non_null(scored) for scored in members]),
            "datasets": len(members),
            **_mark(members, resting),
        }
        for name, members in macros(by_dataset)
    }
    return {"datasets": datasets, "macro": macro, "oracle_correlation": oracle_correlation(rows)}


def oracle_correlation(rows: Iterable[tables.Row]) -> float | None:
    """Pearson correlation of faithfulness with the oracle; None if undefined, or of fewer than `FEWEST_PAIRS`."""
    pairs: dict[str, dict[str, float]] = {}
    for row in rows:
        if row["objective"] in (ORACLE_OF, ORACLE) and row["score"] is not None:
            pairs.setdefault(row["example_id"], {})[row["objective"]] = row["score"]
    both = [(pair[ORACLE_OF], pair[ORACLE]) for pair in pairs.values() if len(pair) == 2]
    if len(both) < FEWEST_PAIRS or any(len(set(side)) < 2 for side in zip(*both, strict=True)):
        return None
    return round(correlation(*zip(*both, strict=True)), 4)


def non_null(rows: Iterable[tables.Row]) -> list[float]:
    """Return the scores that are not null."""
    return [row["score"] for row in rows if row["score"] is not None]


def _mark(members: Iterable[Sequence[tables.Row]], resting: Pairs) -> dict[str, bool]:
    """`stand_in` if one of `members`, each the rows of a data set, rests on a stand-in; else nothing."""
    return {"stand_in": True} if any((rows[0]["task"], rows[0]["objective"]) in resting for rows in members) else {}


def _of_dataset(scored: ByObjective, figures: Any, resting: Pairs) -> dict[str, Any]:
    rows = next(iter(scored.values()))
    return {
        "task": rows[0]["task"],
        "group": rows[0]["group"],
        "n": len(rows),
        "tokens": round(fmean(row["tokens"] for row in rows), 2),
        "scores": {
            name: {
                **figures([non_null(own)]),
                "nulls": sum(row["score"] is None for row in own),
                **_mark([own], resting),
            }
            for name, own in scored.items()
        },
    }
