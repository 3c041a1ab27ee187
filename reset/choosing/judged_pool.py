"""Read a judged pool: the answers of a pool, the verdicts on them, and the scored candidates of each prompt."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reset.choosing import masking, verdicts
from reset.choosing.candidates import Bars, Candidate, unscored
from reset.choosing.combining import Rule, combined
from reset.choosing.exclusions import excluded
from reset.choosing.masking import Mask, Masked
from reset.errors import ResetError
from reset.files import tables
from reset.files.schemas import GOLD
from reset.objectives import ByTask, Objectives, floors
from reset.objectives import weights as weights_of


@dataclass(frozen=True)
class JudgedPool:
    """A pool of answers and the scores that judges gave them."""

    scores: verdicts.ByAnswer  # of every answer
    candidates: dict[str, list[Candidate]]  # example id -> candidates of the competing sweeps


@dataclass(frozen=True)
class Judged:
    """Answers and their verdicts, before anything chooses among them."""

    rows: dict[str, tables.Row]  # by answer id
    scores: verdicts.ByAnswer
    path: Path  # of the answers, for messages
    masked: dict[str, Masked] = field(default_factory=dict)  # by answer id, what is not trained

    def candidates(
        self,
        *,
        objectives: Objectives,
        speakers: ByTask,
        sweeps: int,
        bars: Bars,
        rule: Rule,
        seed: int = 0,
        gold: bool = False,
    ) -> dict[str, list[Candidate]]:
        """Return the scored candidates of each prompt; only answers of the first `sweeps` sweeps compete.

        With `gold`, the references that the pool has compete too.
        `speakers` are what chooses, by task (`objectives.by_task`); `bars` say what cannot win, besides the floors of
        the objectives; `rule` says how objectives become one order, and `seed` decides ties. Raises `ResetError` for an
        answer to whose task no objective speaks.
        """
        weights = weights_of(objectives)
        pool: dict[str, list[Candidate]] = {}
        for answer_id, row in self.rows.items():
            if row["task"] not in speakers:
                raise ResetError(
                    f"{self.path}: answer '{answer_id}' is of task '{row['task']}', which no objective has"
                )
            if row["sweep"] < sweeps and (gold or row["setting"] != GOLD):
                said = self.scores[answer_id]
                values = {name: speaker.value(said) for name, speaker in speakers[row["task"]].items()}
                pool.setdefault(row["example_id"], []).append(unscored(row, values, weights))
        scored = combined(pool, weights, replace(bars, floor=floors(objectives, bars.floor)), rule)
        marked = {example_id: [*map(self._marked, answers)] for example_id, answers in scored.items()}
        return excluded(marked, self.scores, speakers, weights, bars, seed)

    def _marked(self, one: Candidate) -> Candidate:
        """Return an answer with the sentences that are not trained; it cannot win if that is all of it."""
        masked = self.masked.get(one.row["answer_id"])
        if masked is None:
            return one
        return replace(one, masked=masked, why=masking.WHOLLY if one.can_win and masked.wholly(one.text) else one.why)


def load(answers: Path, verdict_paths: Sequence[Path], mask: Mask | None = None) -> Judged:
    """Read answers and verdicts; raises `ResetError` for those that `reset.choosing.verdicts` refuses.

    With a `mask`, the sentences that are not trained are read too.
    """
    rows = verdicts.answers(answers)
    texts = {answer_id: row["text"] for answer_id, row in rows.items()}
    masked = masking.read(verdict_paths, texts, mask) if mask else {}
    return Judged(rows, verdicts.read(verdict_paths, rows), answers, masked)


def read(
    answers: Path,
    verdict_paths: Sequence[Path],
    *,
    objectives: Objectives,
    speakers: ByTask,
    sweeps: int,
    bars: Bars,
    rule: Rule,
    seed: int = 0,
    gold: bool = False,
) -> JudgedPool:
    """Read a pool and score its candidates: `load`, then `Judged.candidates`."""
    judged = load(answers, verdict_paths, bars.mask)
    candidates = judged.candidates(
        objectives=objectives, speakers=speakers, sweeps=sweeps, bars=bars, rule=rule, seed=seed, gold=gold
    )
    return JudgedPool(judged.scores, candidates)
