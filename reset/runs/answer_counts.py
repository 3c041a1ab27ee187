"""Counts of a pool's answers while they are sampled: rows, tokens, finish reasons, distinct answers per prompt.

References that stand beside the answers (setting `gold`) are counted as rows alone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reset.errors import ResetError
from reset.files import tables
from reset.files.row_accounts import Account
from reset.files.schemas import GOLD


@dataclass
class Counts:
    """Running counts of the answers to the prompts seen so far."""

    account: Account = field(default_factory=Account)
    finished: Counter[str] = field(default_factory=Counter)  # answers by finish reason
    prompts: Counter[str] = field(default_factory=Counter)  # answered prompts by task
    texts: Counter[str] = field(default_factory=Counter)  # distinct answers to a prompt, summed by task
    tokens: int = 0
    cut: int = 0  # prompts whose context was cut
    answers: int = 0  # without references
    repeats: int = 0  # answers at temperature 0 beyond the first of a prompt: they are computed once

    def sampled(self, rows: Iterable[tables.Row]) -> list[tables.Row]:
        """Return the rows that a model sampled; the references among `rows` are counted."""
        found = []
        for row in rows:
            if row["setting"] == GOLD:
                self.account.keep(by=GOLD)
            else:
                found.append(row)
        return found

    def add(self, rows: Sequence[tables.Row]) -> None:
        """Count rows; all answers to one prompt must be in the same call."""
        greedy = Counter(row["example_id"] for row in rows if row["temperature"] == 0)
        self.answers, self.repeats = self.answers + len(rows), self.repeats + greedy.total() - len(greedy)
        for row in rows:
            if row["finish_reason"].startswith("error"):
                self.account.leave(row["finish_reason"])
            else:
                self.account.keep()
                self.finished[row["finish_reason"]] += 1
                self.tokens += row["tokens"]
        answered = [row for row in rows if not row["finish_reason"].startswith("error")]
        self.prompts.update(dict({row["example_id"]: row["task"] for row in answered}).values())
        self.texts.update(task for task, *_ in {(row["task"], row["example_id"], row["text"]) for row in answered})
        self.cut += len({row["example_id"] for row in rows if row["cut"]})

    def check(self, name: str, planned: int, max_failed: float) -> None:
        """Raise `ResetError` if more than the share `max_failed` of the `planned` answers failed."""
        failed = sum(self.account.set_aside.values())
        if failed > max_failed * planned:
            main_reason = self.account.set_aside.most_common(1)[0][0]
            raise ResetError(
                f"{name}: {failed} of {planned} answers failed so far, more than sample.max_failed "
                f"({max_failed:g}) of them; most often: {main_reason}"
            )

    def figures(self) -> dict[str, Any]:
        """The figures for a metrics file, without those of the account."""
        distinct = {task: self.texts[task] / count for task, count in sorted(self.prompts.items())}
        finished = dict(sorted(self.finished.items()))
        counts = {"tokens": self.tokens, "finished": finished, "cut_prompts": self.cut}
        return {**counts, "distinct_per_prompt": distinct, "saved_answers": self.repeats}
