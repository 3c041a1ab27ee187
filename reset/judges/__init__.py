"""Judges score answers in [0, 1], or give null and a reason where they cannot. Null never counts as zero."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, get_args, runtime_checkable

from pydantic import Field

Task = Literal["instruction", "extractive_qa", "abstractive_qa", "summarization"]
Grounded = Literal["extractive_qa", "abstractive_qa", "summarization"]
TASKS: tuple[str, ...] = get_args(Task)
Tasks = Annotated[Sequence[Task], Field(min_length=1)]  # a row's option `tasks`
GroundedTasks = Annotated[Sequence[Grounded], Field(min_length=1)]  # the same, of a judge that reads the passages
PROMPTS = Path("conf/judge_prompts")  # prompt files: what LLM judges are asked in the user's own words


def prompt_path(name: str) -> Path:
    """Return the prompt file `name`, relative to the repository."""
    return PROMPTS / f"{name}.md"


def chosen_tasks(options: Mapping[str, Any], own: Collection[str]) -> frozenset[str]:
    """Return the tasks that the option `tasks` of a row names, or `own`, those of its kind.

    Unknown ones are left out: options are checked where the judge is built.
    """
    chosen = options.get("tasks")
    return frozenset(task for task in TASKS if task in (chosen if isinstance(chosen, Collection) else own))


def answerable(checks: Mapping[str, Any] | None) -> bool:
    """Whether the passages of an example hold its answer; `checks` is its column, read from JSON."""
    return bool((checks or {}).get("answerable", True))


@dataclass(frozen=True)
class Read:
    """What something reads of a judge's verdicts on a pool; a paid judge is asked for nothing else."""

    sweeps: Mapping[str, int]  # verdict -> how many sweeps have answers whose verdict is read
    gold: Collection[str] = ()  # verdicts that are read of the references

    def wants(self, verdict: str, sweep: int, gold: bool) -> bool:
        """Whether `verdict` is read of an answer of this sweep, or of a reference (`gold`)."""
        return verdict in self.gold if gold else sweep < self.sweeps.get(verdict, 0)

    def wants_any(self, sweep: int, gold: bool) -> bool:
        """Whether any verdict is."""
        return any(self.wants(verdict, sweep, gold) for verdict in (*self.sweeps, *self.gold))


@dataclass(frozen=True)
class Verdict:
    """One judge's score of one answer, under a name; `detail` holds evidence for the report."""

    answer_id: str
    name: str
    score: float | None
    reason: str | None = None
    detail: dict[str, Any] | None = None


@dataclass(frozen=True)
class Answer:
    """An answer and its example, as judges see them."""

    answer_id: str
    text: str
    task: str
    split: str
    instruction: str
    question: str
    passages: Sequence[str]
    references: Sequence[str]
    checks: dict[str, Any] | None
    sweep: int = 0
    example_id: str = ""  # what it answers; all answers of the pool to one example are judged together
    copies: int = 1  # sampled answers of the pool to the example that have this text; 0: only the reference has it
    gold: bool = False  # whether it is the example's own reference, which no model sampled


class Judge(Protocol):
    """Constructed with keyword arguments: `name`, and from its row in params.yaml `model` (if set) and `options`.

    Answers to unanswerable prompts are judged only by a judge with `unanswerable = True`: what another one compares
    them with is not there.

    A judge may have `expected_nulls`, a set of reasons: verdicts that are null for these do not count against
    `judge.max_null`.

    Verdicts on an answer are kept and used again wherever the same answer to the same example is judged. A class whose
    verdicts depend on the other answers to the prompt says so: `compares_answers = True`. To such a class a reference
    that stands beside the answers (`gold`) is no other answer: its `copies` are 0.
    """

    tasks: frozenset[str]  # answers of other tasks are not judged

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield at least one verdict per answer; a judge that measures several things yields several names."""
        ...


@dataclass
class LazyJudge:
    """Loads its judge at the first call, so that only the workers of a cluster load the model."""

    tasks: frozenset[str]
    load: Callable[[], Judge]
    loaded: Judge | None = None

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield the verdicts of the loaded judge."""
        self.loaded = self.loaded or self.load()
        return self.loaded.verdicts(answers)


@runtime_checkable
class Paid(Judge, Protocol):
    """A judge that costs money and can estimate the cost of a pool in advance."""

    def estimate(self, answers: Iterable[Answer], pool: str, read: Read | None = None) -> Any:
        """Return requests, tokens and cost of judging `answers`, without sending or charging anything."""
        ...

    def prepare(self, answers: Iterable[Answer], pool: str, read: Read | None = None) -> str:
        """Charge `pool`, and pay only for what is in `read`, from now on; return one line with requests and cost."""
        ...
