"""Watchers: judges that do not select, used to check the judges that do.

A watcher judges every pool. For each curated set, its verdicts show whether it agrees with the selecting judges within
prompts, and whether its mean rose or fell with the selection.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reset.choosing import agreement, effects, judged_pool, verdicts
from reset.choosing.candidates import Bars
from reset.choosing.combining import Rule
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.judges import Answer, Judge, Verdict, verdict_names
from reset.objectives import ByTask, Objectives, weights
from reset.objectives import verdicts as verdicts_of


class Watcher:
    """The judge `by` as a watcher: its verdicts are renamed to `<watcher>:<verdict>`.

    Only verdicts named in `only` are used; all if it is None. Raises `ResetError` for an answer without any of them.
    """

    def __init__(self, name: str, by: Judge, only: Sequence[str] | None) -> None:
        self.tasks, self._name, self._by, self._only = by.tasks, name, by, only
        self.unanswerable = getattr(by, "unanswerable", False)
        self.expected_nulls: Collection[str] = getattr(by, "expected_nulls", frozenset())

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield the verdicts that are used, under their new names."""
        without_verdict = {answer.answer_id for answer in answers}
        for verdict in self._by.verdicts(answers):
            if self._only is None or verdict.name in self._only:
                without_verdict.discard(verdict.answer_id)
                yield replace(verdict, name=verdict_names.watched(self._name, verdict.name))
        if without_verdict:
            only = ", ".join(self._only or ())
            raise ResetError(f"watchers.{self._name}.verdicts: answer '{min(without_verdict)}' got none of: {only}")


def choice(
    answers: Path,
    curated: Path,
    judged: Sequence[Path],
    watched: Path,
    *,
    objectives: Objectives,
    speakers: ByTask,
    sweeps: int,
    gold: bool = False,
    stand_ins: Collection[str] = (),
) -> dict[str, Any]:
    """Return, per task, a watcher's gammas with the judges and with length, how the choice moved it, its warnings.

    `judged` are the verdicts by which `curated` was chosen among `answers`, by the `speakers` of each task;
    `watched` are the watcher's verdicts.
    With `gold` a reference may have won. `stand_ins` are the verdicts of judges that stand in for a real one.
    """
    # no figure here depends on weights, on the order of the answers, nor on what cannot win
    plain = {name: replace(objective, weight=1.0, floor=None) for name, objective in objectives.items()}
    pool = judged_pool.read(
        answers,
        [*judged, watched],
        objectives=plain,
        speakers=speakers,
        sweeps=sweeps,
        bars=Bars("keep", "keep"),
        rule=Rule(),
        gold=gold,
    )
    names = {name for scores in verdicts.read([watched], pool.scores).values() for name in scores}
    kept = {row["answer_id"] for row in tables.read(curated, schemas.CURATED) if not row["repeat"]}
    winners = {
        example_id: candidate
        for example_id, candidates in pool.candidates.items()
        for candidate in candidates
        if candidate.row["answer_id"] in kept
    }
    by_task = effects.on_judges(pool.candidates, winners, pool.scores, speakers, weights(plain))
    return {
        task: _of_watcher(figures, names, verdicts_of(speakers[task]), stand_ins)
        for task, figures in by_task.items()
        if names & figures["means"].keys()
    }


def _of_watcher(
    figures: Mapping[str, Any], names: set[str], choosing: Collection[str], stand_ins: Collection[str]
) -> dict[str, Any]:
    """The part of `figures` that concerns the watcher's verdicts `names`; the verdicts `choosing` chose."""
    watched = {name: means for name, means in figures["means"].items() if name in names}
    selecting = {name: means for name, means in figures["means"].items() if name in choosing}
    return {
        "agreement": {pair: gamma for pair, gamma in figures["agreement"].items() if names & {*pair.split("|")}},
        "means": watched,
        "warnings": agreement.warnings(watched | selecting, choosing, stand_ins),
    }
