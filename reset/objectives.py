"""Objectives: what answers should be, each spoken for by verdicts of judges (params.yaml: objectives).

The value of an objective for an answer is a verdict, or a combination of verdicts, on the answer's task; it lies in
[0, 1], or is null where the judges could not tell. The paper's objectives are `task`, `instruction` and `faithfulness`
(2.2, 5.1). An objective of weight 0 chooses nothing and is only reported.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, pstdev
from typing import Any, Literal

Scores = Mapping[str, float | None]  # verdict name -> score of one answer
Transform = Literal["none", "invert"] | Mapping[str, float]
ByTask = dict[str, dict[str, "Speaker"]]  # task -> objective -> what speaks for it
Measures = dict[str, tuple[str, str | None]]  # title -> (objective, part; None: all its data sets)

KINDS = {"instruction": "instruction", "extractive_qa": "extractive"}  # task -> kind; other tasks are abstractive
ALL = "all"  # the average of an objective over all its data sets
PARTS = ("abstractive", "extractive", "instruction", "seen", "unseen")  # averages over some of them


def kind(task: str) -> str:
    """Return the kind of a task: instruction, extractive or abstractive."""
    return KINDS.get(task, "abstractive")


@dataclass(frozen=True)
class Speaker:
    """The verdicts that speak for an objective on one task, and how they become its value."""

    verdicts: tuple[str, ...]
    take: str = "mean"  # of several verdicts: mean, min, max, median or vote; or how they differ: deviation or dissent
    null_if: str = "any"  # of the verdicts that are null: any or all
    transform: Transform = "none"

    def value(self, scores: Scores) -> float | None:
        """Return the objective's value in [0, 1] from the scores of an answer, or None.

        `vote` is 1 if more than half of the verdicts are 0.5 or more, 0 if fewer than half are, else 0.5.
        `deviation` is their standard deviation, `dissent` the share of them that the smaller side of that vote has: 0
        to 0.5, and None where fewer than two verdicts are known.
        """
        said = [scores.get(name) for name in self.verdicts]
        known = [score for score in said if score is not None]
        if len(known) < (2 if self.take in DIFFERENCES else 1) or (self.null_if == "any" and len(known) < len(said)):
            return None
        return _transformed(known[0] if len(self.verdicts) == 1 else _TAKE[self.take](known), self.transform)


def _vote(scores: Sequence[float]) -> float:
    share = fmean(score >= 0.5 for score in scores)
    return 0.5 if share == 0.5 else float(share > 0.5)


def _dissent(scores: Sequence[float]) -> float:
    share = fmean(score >= 0.5 for score in scores)
    return min(share, 1.0 - share)


DIFFERENCES = ("deviation", "dissent")  # that tell how far several judges disagree
_TAKE: Mapping[str, Callable[[Sequence[float]], float]] = {
    "mean": fmean,
    "min": min,
    "max": max,
    "median": median,
    "vote": _vote,
    "deviation": pstdev,
    "dissent": _dissent,
}


def _transformed(value: float, transform: Transform) -> float:
    if isinstance(transform, Mapping):
        return float(value >= transform["at_least"])
    return 1.0 - value if transform == "invert" else value


@dataclass(frozen=True)
class Objective:
    """One row of `objectives`."""

    verdicts: Mapping[str, Speaker]  # by task
    weight: float = 1.0
    floor: float | None = None  # least value of an answer that can be chosen; None: any
    compare: Sequence[str] = (ALL,)  # averages whose differences between systems are tested: ALL or PARTS

    def kinds(self) -> list[str]:
        """Return the kinds of the tasks that it has, in the order of PARTS."""
        own = {kind(task) for task in self.verdicts}
        return [part for part in PARTS if part in own]

    def in_context(self) -> bool:
        """Whether it has context-dependent tasks: then it has averages over parts of its data sets."""
        return self.kinds() != ["instruction"]


Objectives = Mapping[str, Objective]


def read(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Objective]:
    """Return the objectives that the table `objectives` of a params.yaml declares, in its order."""
    return {
        name: Objective(
            {task: _speaker(verdict, row["transform"]) for task, verdict in row["verdicts"].items()},
            **{key: row[key] for key in ("weight", "floor", "compare")},
        )
        for name, row in rows.items()
    }


def _speaker(verdict: str | Mapping[str, Any], transform: Transform) -> Speaker:
    if isinstance(verdict, str):
        return Speaker((verdict,), transform=transform)
    return Speaker(tuple(verdict["of"]), verdict["take"], verdict["null_if"], transform)


def by_task(objectives: Objectives, rating: str = "rating", without: Collection[str] = ()) -> ByTask:
    """Return what speaks for each objective, per task, with `rating` in place of the verdict "rating".

    What rests on a verdict in `without` is left out; a task of which nothing is left is kept, empty.
    """
    tasks: ByTask = {}
    for name, objective in objectives.items():
        for task, speaker in objective.verdicts.items():
            own = tasks.setdefault(task, {})
            swapped = tuple(rating if verdict == "rating" else verdict for verdict in speaker.verdicts)
            if not {*swapped} & {*without}:
                own[name] = replace(speaker, verdicts=swapped)
    return tasks


def verdicts(speakers: Mapping[str, Speaker]) -> list[str]:
    """Return the names of all verdicts that `speakers` rest on."""
    return list(dict.fromkeys(name for speaker in speakers.values() for name in speaker.verdicts))


def weights(objectives: Objectives) -> dict[str, float]:
    """Return the weight of each objective."""
    return {name: objective.weight for name, objective in objectives.items()}


def floors(objectives: Objectives, own: Mapping[str, float | None]) -> dict[str, float]:
    """Return the floors of the objectives; those in `own` take their place, and None takes one away."""
    general = {name: objective.floor for name, objective in objectives.items()}
    return {name: floor for name, floor in {**general, **own}.items() if floor is not None}


def parts(task: str, group: str) -> set[str]:
    """Return the parts of an objective's averages that a data set counts in."""
    return {kind(task), group}


def macro_name(objective: str, part: str | None) -> str:
    """Return the name of a macro average in the metrics, such as `faithfulness_seen`."""
    return objective if part is None else f"{objective}_{part}"


def measures(objectives: Objectives) -> Measures:
    """Return the averages whose differences are tested, by their titles: `seen faithfulness`, `instruction`."""
    return {
        name if part == ALL else f"{part} {name}": (name, None if part == ALL else part)
        for name, objective in objectives.items()
        for part in objective.compare
    }


def overview(objectives: Objectives) -> list[str]:
    """Return the names of the macro averages that sum up a system: those compared, and of what has parts its kinds."""
    return [name for objective in objectives for name in _summing_up(objective, objectives[objective])]


def _summing_up(name: str, objective: Objective) -> Iterator[str]:
    compared = [part for part in objective.compare if part != ALL]
    if len(compared) < len(objective.compare) or not compared:
        yield name
    if compared:
        yield from dict.fromkeys(macro_name(name, part) for part in [*compared, *objective.kinds()])


def by_kind(objectives: Objectives) -> list[str]:
    """Return the macro averages by kind of task, objectives with context-dependent tasks first."""
    split = [macro_name(name, part) for name, one in objectives.items() if one.in_context() for part in one.kinds()]
    return [*split, *(name for name, one in objectives.items() if not one.in_context())]
