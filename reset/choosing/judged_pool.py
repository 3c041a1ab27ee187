"""Read a judged pool: the answers of a pool, the verdicts on them, and the scored candidates of each prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reset.choosing import verdicts
from reset.choosing.candidates import Bars, Candidate, weigh
from reset.errors import ResetError


@dataclass(frozen=True)
class JudgedPool:
    """A pool of answers and the scores that judges gave them."""

    scores: verdicts.ByAnswer  # of every answer
    candidates: dict[str, list[Candidate]]  # example id -> candidates of the competing sweeps


def read(
    answers: Path,
    verdict_paths: Sequence[Path],
    *,
    axes: Mapping[str, Mapping[str, str]],
    weights: Mapping[str, float],
    sweeps: int,
    bars: Bars,
) -> JudgedPool:
    """Read a pool and score its candidates; only answers of the first `sweeps` sweeps compete.

    `axes` maps task -> axis -> verdict name, `weights` maps axis -> weight; `bars` say what cannot win. Raises
    `ResetError` for an answer whose task is not in `axes`, and for answers or verdicts that
    `reset.choosing.verdicts` refuses.
    """
    rows = verdicts.answers(answers)
    scores = verdicts.read(verdict_paths, rows)
    candidates: dict[str, list[Candidate]] = {}
    for answer_id, row in rows.items():
        if row["task"] not in axes:
            raise ResetError(
                f"{answers}: answer '{answer_id}' is of task '{row['task']}', for which no score is declared"
            )
        if row["sweep"] < sweeps:
            candidate = weigh(row, scores[answer_id], axes[row["task"]], weights, bars)
            candidates.setdefault(row["example_id"], []).append(candidate)
    return JudgedPool(scores, candidates)
