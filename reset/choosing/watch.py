"""Watchers: judges that take no part in any choice and say afterwards whether those that do can be trusted.

A watcher judges every pool; beside what the judges said, its verdicts tell of each curated set whether they agree
within prompts, and whether it rose with the judges that chose or fell while they rose.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reset.choosing import agreement, effects, select, verdicts
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.judges import Answer, Judge, Verdict


class Watcher:
    """The judge `by` under the name of a watcher: its verdicts are called `<watcher>:<verdict>`.

    `only` names those that count; without, all do. Raises `ResetError` where it says none of them of an answer.
    """

    def __init__(self, name: str, by: Judge, only: Sequence[str] | None) -> None:
        self.tasks, self._name, self._by, self._only = by.tasks, name, by, only

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield the verdicts that count."""
        silent = {answer.answer_id for answer in answers}
        for verdict in self._by.verdicts(answers):
            if self._only is None or verdict.name in self._only:
                silent.discard(verdict.answer_id)
                name = verdict.name if verdict.name == self._name else f"{self._name}:{verdict.name}"
                yield replace(verdict, name=name)
        if silent:
            only = ", ".join(self._only or ())
            raise ResetError(f"watchers.{self._name}.verdicts: of answer '{min(silent)}' it says none of: {only}")


def choice(
    answers: Path,
    curated: Path,
    judged: Sequence[Path],
    watched: Path,
    *,
    axes: Mapping[str, Mapping[str, str]],
    sweeps: int,
) -> dict[str, Any]:
    """Per task: a watcher's gammas with the judges and with length, its means before and after, and its warnings.

    `judged` are the verdicts that the choice `curated` among `answers` was made by, `watched` those of the watcher.
    """
    rows, weights = verdicts.answers(answers), dict.fromkeys(select.AXES, 1.0)  # no figure here depends on them
    own = verdicts.read([watched], rows)
    said = verdicts.read([*judged, watched], rows)
    pool = select.gather(answers, rows, said, axes, weights, sweeps)
    kept = {row["answer_id"] for row in tables.read(curated, schemas.CURATED)}
    winners = {one: c for one, group in pool.items() for c in group if c.row["answer_id"] in kept}
    names = {name for told in own.values() for name in told}
    figures = effects.on_judges(pool, winners, said, axes, weights)
    return {task: _of(found, names, axes[task]) for task, found in figures.items() if names & found["means"].keys()}


def _of(figures: Mapping[str, Any], names: set[str], axes: Mapping[str, str]) -> dict[str, Any]:
    """What of the `figures` on all judges is about the verdicts `names`."""
    shown = {name: said for name, said in figures["means"].items() if name in names}
    chosen = {name: said for name, said in figures["means"].items() if name in axes.values()}
    return {
        "agreement": {pair: said for pair, said in figures["agreement"].items() if names & {*pair.split("|")}},
        "means": shown,
        "warnings": agreement.warnings(shown | chosen, axes.values()),
    }
