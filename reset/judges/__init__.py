"""Judges: each says of an answer a score in [0, 1], or null with a reason when it cannot tell. Null is never zero."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True)
class Verdict:
    """What one judge said of one answer under one name; `detail` is evidence for the report."""

    answer_id: str
    name: str
    score: float | None
    reason: str | None = None
    detail: dict[str, Any] | None = None


@dataclass(frozen=True)
class Answer:
    """An answer with the example it answers: what a judge gets to see."""

    answer_id: str
    text: str
    task: str
    split: str
    instruction: str
    question: str
    passages: Sequence[str]
    references: Sequence[str]
    checks: dict[str, Any] | None


class Judge(Protocol):
    """Constructed with the keyword arguments of its row in params.yaml (`judges.<name>`, without `kind`)."""

    tasks: frozenset[str]  # answers of other tasks are not put before it

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield the verdicts on `answers`, at least one each; several names where a judge measures several things."""
        ...


@dataclass
class Elsewhere:
    """A judge that is loaded when it is first asked: by the worker of a cluster that it has been sent to."""

    tasks: frozenset[str]
    load: Callable[[], Judge]
    loaded: Judge | None = None

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield the verdicts of the judge itself."""
        self.loaded = self.loaded or self.load()
        return self.loaded.verdicts(answers)


@runtime_checkable
class Paid(Judge, Protocol):
    """A judge whose verdicts cost money says what a pool will take before it is asked."""

    def estimate(self, answers: Iterable[Answer], pool: str) -> Any:
        """Requests, tokens and cost of `answers`, without asking or charging anybody."""
        ...

    def prepare(self, answers: Iterable[Answer], pool: str) -> str:
        """Charge `pool` from now on; return one line on requests, tokens and cost."""
        ...
