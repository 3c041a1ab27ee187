"""Score the candidates of a prompt and choose among them (paper 5.1).

The score of an answer is the weighted sum of its verdicts, one per axis of its task. With the paper's weights it is
task + 2 faithfulness for context-dependent prompts and 2 instruction for instructions, whose task score counts as 0
(docs/choices.md). Ties, and the control `random`, are decided by a hash of the seed and the answer's id: neither row
order nor the rest of the pool matters.

An answer has no score if it is empty, lacks a verdict whose weight is not 0, or no verdict chooses among the answers of
its task. It has a score but cannot win if it was cut off, loops, or is below a floor (`Bars`; the paper has none).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reset.files.tables import Row

Pick = Literal["best", "random"]
Bar = Literal["drop", "keep"]

NO_JUDGE = "no judge chooses"  # every axis of the task has weight 0 or rests on a stand-in
PIECE = 16  # characters; see `loops`
LOWEST = 0.1  # the lowest rating, 1 of 10; other verdicts start at 0


@dataclass(frozen=True)
class Bars:
    """Which scored answers cannot win: those cut off at the limit, those that loop, those below a floor.

    `floor` maps `score`, or an axis, to its least value; an axis that a task does not have is not asked for.
    """

    truncated: Bar = "drop"
    looping: Bar = "drop"
    floor: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """One answer of a pool; `why` is the reason why it cannot win. `score` is None if the answer cannot be scored."""

    row: Row
    axes: Mapping[str, float | None]
    score: float | None
    why: str | None

    @property
    def can_win(self) -> bool:
        """Whether nothing bars the answer."""
        return self.why is None

    @property
    def text(self) -> str:
        """The text of the answer, as used in training."""
        return str(self.row["text"])


Pool = Mapping[str, Sequence[Candidate]]  # example id -> candidates


def draw(seed: int, identity: str) -> str:
    """Return the tie-break key of an id; the smallest key wins."""
    return hashlib.sha256(f"{seed}|{identity}".encode()).hexdigest()


def weigh(
    row: Row, scores: Mapping[str, float | None], axes: Mapping[str, str], weights: Mapping[str, float], bars: Bars
) -> Candidate:
    """Score one answer: `scores` by verdict name, `axes` axis -> verdict name, `weights` axis -> weight."""
    values = {axis: scores.get(name) for axis, name in axes.items()}
    if why := _no_score(row, values, weights):
        return Candidate(row, values, None, why)
    score = round(sum(weights[axis] * value for axis, value in values.items() if value is not None), 9)
    return Candidate(row, values, score, _barred(row, {"score": score, **values}, bars))


def _no_score(row: Row, values: Mapping[str, float | None], weights: Mapping[str, float]) -> str | None:
    """Why an answer cannot be scored, or None."""
    if not row["text"].strip():
        return "empty answer"
    if not any(weights[axis] for axis in values):
        return NO_JUDGE
    lacking = [axis for axis, value in values.items() if value is None and weights[axis]]
    return f"no {lacking[0]} score" if lacking else None


def _barred(row: Row, values: Mapping[str, float | None], bars: Bars) -> str | None:
    """Why a scored answer cannot win, or None; the first reason counts."""
    if bars.truncated == "drop" and row["finish_reason"] == "length":
        return "truncated"
    if bars.looping == "drop" and loops(row["text"]):
        return "looping"
    for axis, least in bars.floor.items():
        if axis in values and (value := values[axis]) is None:
            return f"no {axis} score"
        if axis in values and value is not None and value < least:
            return f"{axis} below {least:g}"
    return None


def loops(text: str) -> bool:
    """Whether more than half of the text's runs of `PIECE` characters have stood in it before.

    The share of repeated n-grams (Welleck et al. 2020, "Neural text generation with unlikelihood training"), of
    characters instead of words, so that no script needs a word splitter. Letter case and the kind of blanks do not
    count. A sentence said three times in a row loops, twice does not.
    """
    plain = " ".join(text.casefold().split())
    pieces = [plain[start : start + PIECE] for start in range(len(plain) - PIECE + 1)]
    return 2 * len(set(pieces)) < len(pieces)


def unwanted(row: Row) -> str | None:
    """Why an answer could not win if its row of `curated` let none in: "truncated", "looping" or None."""
    return _barred(row, {}, Bars())


def at_bottom(candidate: Candidate, weights: Mapping[str, float]) -> bool:
    """Whether no axis that counts is above `LOWEST`: such a winner is the least bad of bad answers."""
    return all(value <= LOWEST for axis, value in candidate.axes.items() if value is not None and weights[axis])


def choose(candidates: Sequence[Candidate], pick: Pick, seed: int) -> Candidate | None:
    """Choose one of the candidates that can win; None if none can."""
    eligible = [candidate for candidate in candidates if candidate.can_win]

    def rank(candidate: Candidate) -> tuple[float, str]:
        score = candidate.score or 0.0
        return (-score if pick == "best" else 0.0, draw(seed, candidate.row["answer_id"]))

    return min(eligible, key=rank, default=None)


def margin(winner: Candidate, candidates: Iterable[Candidate]) -> float | None:
    """Return the winner's score minus that of the best other text that can win; None if there is no other."""
    others = [c.score for c in candidates if c.can_win and c.score is not None and c.text != winner.text]
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
