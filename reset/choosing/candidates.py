"""The candidates of a prompt: what bars an answer from winning, ties, and the choice among them (paper 5.1).

A reference may stand among the answers (setting `gold`). It is judged and barred like them, and wins only if it is
better: of the same rank, a sampled answer goes before it.

An answer has a value for each objective of its task, and a score and a rank by `reset.choosing.combining`. Ties, and
the control `random`, are decided by a hash of the seed and the answer's id: neither row order nor the rest of the pool
matters.

An answer has no score if it is empty, lacks an objective whose weight is not 0, or nothing chooses among the answers of
its task. It has a score but cannot win if it was cut off, loops, or is below a floor (`Bars`; the paper has none).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from reset.choosing.masking import Mask, Masked
from reset.files.schemas import GOLD
from reset.files.tables import Row
from reset.looping import loops
from reset.normalise import comparable
from reset.thoughts import without_thoughts

Pick = Literal["best", "random"]
Bar = Literal["drop", "keep"]

NO_JUDGE = "no judge chooses"  # every objective of the task has weight 0 or rests on a stand-in
LOWEST = 0.1  # the lowest rating, 1 of 10; other verdicts start at 0


@dataclass(frozen=True)
class Bars:
    """Which scored answers cannot win: those cut off at the limit, those that loop, those below a floor.

    `floor` maps `score`, or an objective, to its least value; what a task does not have is not asked for.
    """

    truncated: Bar = "drop"
    looping: Bar = "drop"
    floor: Mapping[str, float] = field(default_factory=dict)
    near_identical: float | None = None  # see `reset.choosing.exclusions`, as for the next
    disagreement: float | None = None
    mask: Mask | None = None  # see `reset.choosing.masking`: bars the answers of which nothing would be trained


def bars_of(row: Mapping[str, Any]) -> Bars:
    """Return what a row of `curated` says cannot win; a key that it lacks bars nothing."""
    told = {"truncated": "keep", "looping": "keep", **row}
    told["mask"] = Mask(**told["mask"]) if told.get("mask") else None
    return Bars(**{one.name: told[one.name] for one in fields(Bars) if one.name in told})


@dataclass(frozen=True)
class Candidate:
    """One answer of a pool; `why` is the reason why it cannot win. `score` is None if the answer cannot be scored."""

    row: Row
    values: Mapping[str, float | None]  # by objective
    score: float | None
    why: str | None
    rank: tuple[float, ...] = ()  # the highest wins
    scaled: Mapping[str, float | None] = field(default_factory=dict)  # the values, normalised
    terms: Mapping[str, float] = field(default_factory=dict)  # the score is their weighted sum
    masked: Masked | None = None  # sentences that are not trained; None: not judged by sentence

    @property
    def can_win(self) -> bool:
        """Whether nothing bars the answer."""
        return self.why is None

    @property
    def is_gold(self) -> bool:
        """Whether this is the prompt's own reference."""
        return bool(self.row.get("setting") == GOLD)

    @property
    def text(self) -> str:
        """The text of the answer, as used in training."""
        return str(self.row["text"])


Pool = Mapping[str, Sequence[Candidate]]  # example id -> candidates
Key = tuple[float, ...]


def best_first(candidate: Candidate) -> Key:
    """Return a sort key that puts the candidate of the highest rank first, and of a tie the reference last."""
    return (*(-part for part in candidate.rank), float(candidate.is_gold))


def draw(seed: int, identity: str) -> str:
    """Return the tie-break key of an id; the smallest key wins."""
    return hashlib.sha256(f"{seed}|{identity}".encode()).hexdigest()


def unscored(row: Row, values: Mapping[str, float | None], weights: Mapping[str, float]) -> Candidate:
    """Return an answer with its `values` by objective, before it is scored."""
    return Candidate(row, values, None, _no_score(row, values, weights), scaled=values)


def _no_score(row: Row, values: Mapping[str, float | None], weights: Mapping[str, float]) -> str | None:
    """Why an answer cannot be scored, or None."""
    if not comparable(row["text"]):
        return "empty answer"
    if not any(weights[name] for name in values):
        return NO_JUDGE
    lacking = [name for name, value in values.items() if value is None and weights[name]]
    return f"no {lacking[0]} score" if lacking else None


def barred(row: Row, values: Mapping[str, float | None], bars: Bars) -> str | None:
    """Return why a scored answer cannot win, or None; the first reason counts."""
    if bars.truncated == "drop" and row["finish_reason"] == "length":
        return "truncated"
    if bars.truncated == "drop" and without_thoughts(row["text"]) is None:
        return "ends within a thought"
    if bars.looping == "drop" and loops(row["text"]):
        return "looping"
    for name, least in bars.floor.items():
        if name in values and (value := values[name]) is None:
            return f"no {name} score"
        if name in values and value is not None and value < least:
            return f"{name} below {least:g}"
    return None


def unwanted(row: Row) -> str | None:
    """Why an answer could not win if its row of `curated` let none in, or None."""
    return barred(row, {}, Bars())


def at_bottom(candidate: Candidate, weights: Mapping[str, float]) -> bool:
    """Whether no objective that counts is above `LOWEST`: such a winner is the least bad of bad answers."""
    return all(value <= LOWEST for name, value in candidate.values.items() if value is not None and weights[name])


def choose(candidates: Sequence[Candidate], pick: Pick, seed: int) -> Candidate | None:
    """Choose one of the candidates that can win; None if none can."""
    eligible = [candidate for candidate in candidates if candidate.can_win]

    def key(candidate: Candidate) -> tuple[Key, str]:
        return (best_first(candidate) if pick == "best" else (), draw(seed, candidate.row["answer_id"]))

    return min(eligible, key=key, default=None)


def margin(winner: Candidate, candidates: Iterable[Candidate]) -> float | None:
    """Return the winner's score minus that of the best other text that can win; None if there is no other."""
    others = [c.score for c in candidates if c.can_win and c.score is not None and c.text != winner.text]
    return None if winner.score is None or not others else round(winner.score - max(others), 9)


def best_overall(
    taken: Mapping[str, Sequence[Candidate]], able: Mapping[str, int], share: float, seed: int
) -> set[str]:
    """Return the ids of the best of all answers in `taken` (by prompt), whatever their prompt, per data set.

    They are `share` of the answers of the data set that can win, of which `able` is the number; fewer if `taken` has no
    more.
    """
    by_dataset: dict[str, list[Candidate]] = {}
    for answers in taken.values():
        for answer in answers:
            by_dataset.setdefault(answer.row["dataset"], []).append(answer)

    def key(answer: Candidate) -> tuple[Key, str]:
        return (best_first(answer), draw(seed, answer.row["answer_id"]))

    return {
        answer.row["answer_id"]
        for dataset, answers in by_dataset.items()
        for answer in sorted(answers, key=key)[: round(share * able[dataset])]
    }


def thin(winners: Mapping[str, Candidate], share: float, pick: Pick, seed: int) -> set[str]:
    """Return the example ids of the best `share` of each data set's winners; a random share if `pick` is random."""
    by_dataset: dict[str, list[str]] = {}
    for example_id, winner in winners.items():
        by_dataset.setdefault(winner.row["dataset"], []).append(example_id)

    def key(example_id: str) -> tuple[Key, str]:
        return (best_first(winners[example_id]) if pick == "best" else (), draw(seed, example_id))

    return {name for ids in by_dataset.values() for name in sorted(ids, key=key)[: round(share * len(ids))]}
