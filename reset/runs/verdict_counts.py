"""What a judge has said so far, counted: how often it could not tell, and why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from reset.errors import ResetError
from reset.files import tables


@dataclass
class Tally:
    """What has been said so far, of how many answers, under each verdict name."""

    answers: int = 0
    said: Counter[str] = field(default_factory=Counter)
    nulls: Counter[str] = field(default_factory=Counter)
    totals: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, rows: Iterable[tables.Row]) -> int:
        """Count the verdicts of a chunk; return how many answers have been judged so far."""
        answers = set()
        for row in rows:
            name = row["name"]
            answers.add(row["answer_id"])
            self.said[name] += 1
            if row["score"] is None:
                self.nulls[name] += 1
                self.reasons.setdefault(name, Counter())[row["reason"] or "no reason given"] += 1
            else:
                self.totals[name] = self.totals.get(name, 0.0) + row["score"]
        self.answers += len(answers)
        return self.answers

    def check(self, judge_name: str, max_null: float, answers: int = 0) -> None:
        """Stop where too many of a name's verdicts are null, or will be even if the rest of `answers` are not."""
        for name, nulls in self.nulls.items():
            if nulls > max_null * max(answers, self.said[name]):
                reason, count = self.reasons[name].most_common(1)[0]
                raise ResetError(
                    f"judge '{judge_name}' could not tell '{name}' of {nulls} of {self.said[name]} answers, more than "
                    f"judge.max_null = {max_null:g} allows; most often ({count}): {reason}"
                )

    def summary(self) -> dict[str, dict[str, float | None]]:
        """Count, nulls and mean of each verdict name."""
        told = {name: self.said[name] - self.nulls[name] for name in sorted(self.said)}
        return {
            name: {
                "n": self.said[name],
                "nulls": self.nulls[name],
                "mean": round(self.totals[name] / count, 6) if count else None,
            }
            for name, count in told.items()
        }
