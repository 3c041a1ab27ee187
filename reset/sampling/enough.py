"""When a prompt has enough answers (`pools.*.until`): asked after each sweep, without a model or a server.

An answer is acceptable if it says something after its thoughts (`reset.thoughts`), the engine ended it (it did not
fail, nor was it cut off at `sample.max_tokens`) and it does not loop (`reset.looping`); with `f1`, if it also has that
F1 with a reference, except where the prompt is an instruction or has no reference. Answers that are equal after
`reset.normalise` count once.

F1 is SQuAD's (evaluate-v1.1.py, `f1_score`): words in common, each as often as it stands in both, over those of either
text; normalised as `reset.normalise.comparable` does, the best over the references, in [0, 1].
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from reset.files.tables import Row
from reset.looping import loops
from reset.normalise import comparable
from reset.thoughts import without_thoughts


@dataclass(frozen=True)
class Until:
    """How many acceptable, different answers are enough, and the least F1 of one (None: any)."""

    answers: int
    f1: float | None = None

    def met(self, example: Row, answers: Iterable[Row]) -> bool:
        """Whether the prompt `example` has enough acceptable answers."""
        return len({comparable(one["text"]) for one in answers if self.accepts(example, one)}) >= self.answers

    def accepts(self, example: Row, answer: Row) -> bool:
        """Whether an answer, with columns `text` and `finish_reason`, is acceptable."""
        text = answer["text"]
        if answer["finish_reason"] != "stop" or not (without_thoughts(text) or "").strip() or loops(text):
            return False
        asked = self.f1 is not None and example["task"] != "instruction" and bool(example["references"])
        return not asked or token_f1(text, example["references"]) >= (self.f1 or 0.0)


def token_f1(text: str, references: Sequence[str]) -> float:
    """Return the best F1 of the words of `text` with those of a reference, in [0, 1]."""
    own = Counter(comparable(text).split())
    others = [Counter(comparable(reference).split()) for reference in references]
    return max(2 * (own & other).total() / max(own.total() + other.total(), 1) for other in others)


@dataclass
class Stops:
    """Counts prompts by the sweep after which they had enough; `examples` are all prompts, by id."""

    until: Until
    examples: Mapping[str, Row]
    after: Counter[int] = field(default_factory=Counter)  # prompts by the number of sweeps that were enough
    short: int = 0  # prompts that do not have enough after all sweeps
    sampled: int = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Count rows of the answers table; all answers to a prompt stand together, in the order of their sweeps."""
        self.sampled += len(rows)
        for example_id, answers in _by_prompt(rows):
            if self.until.met(self.examples[example_id], answers):
                self.after[answers[-1]["sweep"] + 1] += 1
            else:
                self.short += 1

    def figures(self, planned: int) -> dict[str, Any]:
        """Return the figures for a metrics file; `planned` are the answers that a full pool has."""
        enough = {str(sweep): count for sweep, count in sorted(self.after.items())}
        return {"sampled": self.sampled, "full_pool": planned, "enough_after_sweep": enough, "short": self.short}


def told(figures: Mapping[str, Any]) -> str:
    """Return what `Stops.figures` counted as a part of a line."""
    enough = ", ".join(f"{count:,} after sweep {sweep}" for sweep, count in figures["enough_after_sweep"].items())
    return (
        f"sampled {figures['sampled']:,} of the {figures['full_pool']:,} answers of a full pool; prompts with enough: "
        f"{enough or 'none'}, never: {figures['short']:,}"
    )


def _by_prompt(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    for example_id, answers in groupby(rows, lambda row: row["example_id"]):
        yield str(example_id), list(answers)
