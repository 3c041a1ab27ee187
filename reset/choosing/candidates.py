"""Score the candidates of a prompt and choose among them (paper 5.1).

Score of an answer: the sum over its task's axes of weight times verdict. The paper's is task + 2 faithfulness for
context-dependent prompts and 2 instruction for instructions, whose task score counts as 0 (docs/choices.md). A
candidate that lacks a verdict with a weight, or says nothing, cannot win. Ties, and the `random` control, go by a hash
of the seed and the answer's id, so that neither the order of rows nor the rest of the pool decides.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from reset.files.tables import Row

Pick = Literal["best", "random"]


@dataclass(frozen=True)
class Candidate:
    """One answer of a pool. `score` is None where it cannot win, and `why` says why."""

    row: Row
    axes: Mapping[str, float | None]
    score: float | None
    why: str | None

    @property
    def text(self) -> str:
        """The answer as it would be trained on."""
        return str(self.row["text"])


Pool = Mapping[str, Sequence[Candidate]]  # example id -> the candidates among its answers


def draw(seed: int, identity: str) -> str:
    """Rank an id among ties: smallest first."""
    return hashlib.sha256(f"{seed}|{identity}".encode()).hexdigest()


def weigh(
    row: Row, said: Mapping[str, float | None], axes: Mapping[str, str], weights: Mapping[str, float]
) -> Candidate:
    """Score one answer by what the judges `said` of it."""
    values = {axis: said.get(name) for axis, name in axes.items()}
    known = [weights[axis] * value for axis, value in values.items() if value is not None]
    why = None
    if not row["text"].strip():
        why = "empty answer"
    elif lacking := [axis for axis, value in values.items() if value is None and weights[axis]]:
        why = f"no {lacking[0]} score"
    return Candidate(row, values, None if why else round(sum(known), 9), why)


def choose(candidates: Sequence[Candidate], pick: Pick, seed: int) -> Candidate | None:
    """Choose among the candidates that can win; None where there is none."""
    able = [candidate for candidate in candidates if candidate.score is not None]

    def rank(candidate: Candidate) -> tuple[float, str]:
        score = candidate.score or 0.0
        return (-score if pick == "best" else 0.0, draw(seed, candidate.row["answer_id"]))

    return min(able, key=rank, default=None)


def margin(winner: Candidate, candidates: Iterable[Candidate]) -> float | None:
    """How far the winner is above the best answer of another text; None where there is no other."""
    others = [c.score for c in candidates if c.score is not None and c.text != winner.text]
    return None if winner.score is None or not others else round(winner.score - max(others), 9)


def thin(winners: Mapping[str, Candidate], share: float, pick: Pick, seed: int) -> set[str]:
    """Keep the example ids of the best `share` of each data set's winners; a seeded share where the pick is random."""
    by_dataset: dict[str, list[str]] = {}
    for example_id, winner in winners.items():
        by_dataset.setdefault(winner.row["dataset"], []).append(example_id)

    def rank(example_id: str) -> tuple[float, str]:
        score = winners[example_id].score or 0.0
        return (-score if pick == "best" else 0.0, draw(seed, example_id))

    return {name for ids in by_dataset.values() for name in sorted(ids, key=rank)[: round(share * len(ids))]}
