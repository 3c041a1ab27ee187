"""Score the candidates of a prompt and choose among them (paper 5.1).

The score of an answer is the weighted sum of its verdicts, one per axis of its task. With the paper's weights it is
task + 2 faithfulness for context-dependent prompts and 2 instruction for instructions, whose task score counts as 0
(docs/choices.md). An answer that is empty, or lacks a verdict whose weight is not 0, cannot win. Ties, and the control
`random`, are decided by a hash of the seed and the answer's id: neither row order nor the rest of the pool matters.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from reset.files.tables import Row

Pick = Literal["best", "random"]


@dataclass(frozen=True)
class Candidate:
    """One answer of a pool. `score` is None if it cannot win; `why` is then the reason."""

    row: Row
    axes: Mapping[str, float | None]
    score: float | None
    why: str | None

    @property
    def text(self) -> str:
        """The text of the answer, as used in training."""
        return str(self.row["text"])


Pool = Mapping[str, Sequence[Candidate]]  # example id -> candidates


def draw(seed: int, identity: str) -> str:
    """Return the tie-break key of an id; the smallest key wins."""
    return hashlib.sha256(f"{seed}|{identity}".encode()).hexdigest()


def weigh(
    row: Row, scores: Mapping[str, float | None], axes: Mapping[str, str], weights: Mapping[str, float]
) -> Candidate:
    """Score one answer: `scores` by verdict name, `axes` axis -> verdict name, `weights` axis -> weight."""
    values = {axis: scores.get(name) for axis, name in axes.items()}
    weighted = [weights[axis] * value for axis, value in values.items() if value is not None]
    why = None
    if not row["text"].strip():
        why = "empty answer"
    elif lacking := [axis for axis, value in values.items() if value is None and weights[axis]]:
        why = f"no {lacking[0]} score"
    return Candidate(row, values, None if why else round(sum(weighted), 9), why)


def choose(candidates: Sequence[Candidate], pick: Pick, seed: int) -> Candidate | None:
    """Choose one of the candidates that can win; None if none can."""
    eligible = [candidate for candidate in candidates if candidate.score is not None]

    def rank(candidate: Candidate) -> tuple[float, str]:
        score = candidate.score or 0.0
        return (-score if pick == "best" else 0.0, draw(seed, candidate.row["answer_id"]))

    return min(eligible, key=rank, default=None)


def margin(winner: Candidate, candidates: Iterable[Candidate]) -> float | None:
    """Return the winner's score minus the best score of an answer with another text; None if there is no other."""
    others = [c.score for c in candidates if c.score is not None and c.text != winner.text]
    return None if winner.score is None or not others else round(winner.score - max(others), 9)


def thin(winners: Mapping[str, Candidate], share: float, pick: Pick, seed: int) -> set[str]:
    """Return the example ids of the best `share` of each data set's winners; a random share if `pick` is random."""
    by_dataset: dict[str, list[str]] = {}
    for example_id, winner in winners.items():
        by_dataset.setdefault(winner.row["dataset"], []).append(example_id)

    def rank(example_id: str) -> tuple[float, str]:
        score = winners[example_id].score or 0.0
        return (-score if pick == "best" else 0.0, draw(seed, example_id))

    return {name for ids in by_dataset.values() for name in sorted(ids, key=rank)[: round(share * len(ids))]}
