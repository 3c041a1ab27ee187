"""Read a judged pool: the answers of a pool, the verdicts on them, and the scored candidates of each prompt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reset.choosing import verdicts
from reset.choosing.candidates import Bars, Candidate, unscored
from reset.choosing.combining import Rule, combined
from reset.errors import ResetError
from reset.objectives import ByTask, Objectives, floors
from reset.objectives import weights as weights_of


@dataclass(frozen=True)
class JudgedPool:
    """A pool of answers and the scores that judges gave them."""

    scores: verdicts.ByAnswer  # of every answer
    candidates: dict[str, list[Candidate]]  # example id -> candidates of the competing sweeps


def read(
    answers: Path,
    verdict_paths: Sequence[Path],
    *,
    objectives: Objectives,
    speakers: ByTask,
    sweeps: int,
    bars: Bars,
    rule: Rule,
) -> JudgedPool:
    """Read a pool and score its candidates; only answers of the first `sweeps` sweeps compete.

    `speakers` are what chooses, by task (`objectives.by_task`); `bars` say what cannot win, besides the floors of the
    objectives; `rule` says how objectives become one order. Raises `ResetError` for an answer to whose task no
    objective speaks, and for answers or verdicts that `reset.choosing.verdicts` refuses.
    """
    rows = verdicts.answers(answers)
    scores = verdicts.read(verdict_paths, rows)
    weights = weights_of(objectives)
    pool: dict[str, list[Candidate]] = {}
    for answer_id, row in rows.items():
        if row["task"] not in speakers:
            raise ResetError(f"{answers}: answer '{answer_id}' is of task '{row['task']}', which no objective has")
        if row["sweep"] < sweeps:
            values = {name: speaker.value(scores[answer_id]) for name, speaker in speakers[row["task"]].items()}
            pool.setdefault(row["example_id"], []).append(unscored(row, values, weights))
    all_bars = replace(bars, floor=floors(objectives, bars.floor))
    return JudgedPool(scores, combined(pool, weights, all_bars, rule))
