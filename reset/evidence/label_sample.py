"""A stratified sample of a run's answers, for people to label.

The strata are combinations of the data set, the system, and how far the judges of an answer disagree: the standard
deviation of its percentile ranks within its data set, over the verdicts on it, in thirds. Ranks make verdicts of
different scales comparable. Strata take turns, so a rare one has as many answers as a common one; the sample is not
representative of the pool, and figures of it are of the sample. Equal texts to the same prompt are drawn once. Which
answers come, and in which order, is decided by a hash of the seed and their ids.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from reset.choosing import verdicts
from reset.choosing.candidates import draw as key_of
from reset.errors import ResetError, nearest
from reset.evidence.revisions import Run
from reset.files import schemas
from reset.files.tables import Row

STRATA = ("dataset", "system", "disagreement")
LEVELS = ("low", "middle", "high")
UNKNOWN = "unknown"  # disagreement where fewer than two verdicts are known


@dataclass(frozen=True)
class JudgedAnswers:
    """Answers of a pool, all verdicts on them, and the examples that they answer."""

    answers: dict[str, Row]  # by answer id
    scores: verdicts.ByAnswer
    examples: dict[str, Row]  # by example id

    def example(self, answer_id: str) -> Row:
        """Return the example that an answer answers."""
        return self.examples[self.answers[answer_id]["example_id"]]


@dataclass(frozen=True)
class Drawn:
    """An answer of the sample; its stratum has a value for each name that was asked for."""

    pool: str
    answer: Row
    example: Row
    stratum: tuple[str, ...]


def load(run: Run, params: Mapping[str, Any], name: str) -> JudgedAnswers:
    """Read a pool of `run`; `ResetError` if it is unknown, has no answers yet, or its prompts are not there."""
    pools = params.get("pools", {})
    if name not in pools:
        raise ResetError(f"Unknown pool '{name}' (params.yaml: pools). {nearest(name, pools)}")
    answers, prompts = run.path(f"data/answers/{name}.parquet"), f"data/prompts/{pools[name]['prompts']}.parquet"
    if answers is None or run.path(prompts) is None:
        lacks = prompts if answers else f"data/answers/{name}.parquet"
        raise ResetError(f"'{run.name}' has no {lacks}; run stage `sample` first")
    rows = verdicts.answers(answers)
    judged = [path for file in run.files(f"data/verdicts/{name}") if (path := run.path(file))]
    examples = {row["example_id"]: row for row in run.rows(prompts, schemas.EXAMPLES)}
    return JudgedAnswers(rows, verdicts.read(judged, rows), examples)


def draw(pools: Mapping[str, JudgedAnswers], *, size: int, seed: int, by: Sequence[str] = STRATA) -> list[Drawn]:
    """Return `size` answers of the pools, or all if there are no more; empty and failed answers are left out."""
    strata: dict[tuple[str, ...], list[Drawn]] = {}
    for name, pool in pools.items():
        levels = _levels(pool) if "disagreement" in by else {}
        for answer_id, row in pool.answers.items():
            if row["text"].strip() and row["finish_reason"] in ("stop", "length"):
                told = {"dataset": row["dataset"], "system": row["system"], "disagreement": levels.get(answer_id, "")}
                one = Drawn(name, row, pool.example(answer_id), tuple(told[part] for part in by))
                strata.setdefault(one.stratum, []).append(one)
    queues = sorted(
        (sorted(rows, key=lambda one: _key(seed, one)) for rows in strata.values()),
        key=lambda rows: _key(seed, rows[0]),
    )
    return sorted(_in_turn(queues, size), key=lambda one: _key(seed + 1, one))


def _key(seed: int, one: Drawn) -> str:
    return key_of(seed, f"{one.pool}|{one.answer['answer_id']}")


def _in_turn(queues: Sequence[Sequence[Drawn]], size: int) -> list[Drawn]:
    """One new text of each queue in turn, until there are `size`."""
    seen: set[tuple[str, str]] = set()
    fresh = [_fresh(queue, seen) for queue in queues]
    taken: list[Drawn] = []
    while fresh and len(taken) < size:
        found = [(queue, one) for queue in fresh if (one := next(queue, None)) is not None]
        taken += [one for _, one in found]
        fresh = [queue for queue, _ in found]
    return taken[:size]


def _fresh(queue: Sequence[Drawn], seen: set[tuple[str, str]]) -> Iterator[Drawn]:
    for one in queue:
        text = (one.answer["example_id"], one.answer["text"].strip())
        if text not in seen:
            seen.add(text)
            yield one


def _levels(pool: JudgedAnswers) -> dict[str, str]:
    """The third of its data set's answers that an answer is in, by the disagreement of its judges."""
    by_dataset: dict[str, list[str]] = {}
    for answer_id, row in pool.answers.items():
        by_dataset.setdefault(row["dataset"], []).append(answer_id)
    levels = {}
    for ids in by_dataset.values():
        spread = disagreements([pool.scores[one] for one in ids])
        known = spread[~np.isnan(spread)]
        cuts = np.quantile(known, [1 / 3, 2 / 3]) if len(known) else np.zeros(2)
        for answer_id, value in zip(ids, spread.tolist(), strict=True):
            levels[answer_id] = UNKNOWN if value != value else LEVELS[int((value > cuts).sum())]
    return levels


def disagreements(scores: Sequence[Mapping[str, float | None]]) -> np.ndarray:
    """Return how far the verdicts on each answer disagree, in [0, 0.5]; NaN where fewer than two are known."""
    names = sorted({name for said in scores for name in said})
    table = np.array([[np.nan if said.get(name) is None else said[name] for name in names] for said in scores], float)
    known = ~np.isnan(table)
    ranks = np.full(table.shape, np.nan)
    for column, some in enumerate(known.T):
        ranks[some, column] = rankdata(table[some, column]) / max(some.sum(), 1)
    count = known.sum(axis=1)
    mean = np.divide(np.nansum(ranks, axis=1), count, out=np.full(len(scores), np.nan), where=count > 0)
    spread = np.nansum((ranks - mean[:, None]) ** 2, axis=1)
    result: np.ndarray = np.sqrt(np.divide(spread, count, out=np.full(len(scores), np.nan), where=count > 1))
    return result
