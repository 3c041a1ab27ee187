"""Running counts of a judge's verdicts: how many have no score, and why.

Verdicts on references that stand beside the answers are counted by themselves: they say nothing of the pool.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reset.errors import ResetError
from reset.files import schemas, tables


@dataclass
class Tally:
    """Number of judged answers, and for each verdict name its counts."""

    answers: int = 0
    expected: Collection[str] = ()  # reasons for which a judge has no score by its nature
    verdicts: Counter[str] = field(default_factory=Counter)
    nulls: Counter[str] = field(default_factory=Counter)  # verdicts without a score
    totals: dict[str, float] = field(default_factory=dict)  # sum of the scores
    reasons: dict[str, Counter[str]] = field(default_factory=dict)  # why there is no score, in full
    gold: dict[str, list[float | None]] = field(default_factory=dict)  # scores of references

    def add(self, rows: Iterable[tables.Row]) -> int:
        """Count the verdicts of a chunk; return how many answers have been judged so far."""
        answers = set()
        for row in rows:
            name = row["name"]
            answers.add(row["answer_id"])
            if schemas.is_gold(row["answer_id"]):
                self.gold.setdefault(name, []).append(row["score"])
                continue
            self.verdicts[name] += 1
            if row["score"] is None:
                self.nulls[name] += 1
                self.reasons.setdefault(name, Counter())[row["reason"] or "no reason given"] += 1
            else:
                self.totals[name] = self.totals.get(name, 0.0) + row["score"]
        self.answers += len(answers)
        return self.answers

    def check(self, judge_name: str, max_null: float, answers: int = 0) -> None:
        """Raise `ResetError` if the share of verdicts without a score exceeds `max_null`.

        With `answers`, the number of all answers to judge, the share is of those: the judge stops as soon as it must
        exceed the limit.
        """
        for name in self.nulls:
            counted = {why: n for why, n in self.reasons[name].items() if why not in self.expected}
            nulls = sum(counted.values())
            if nulls > max_null * max(answers, self.verdicts[name]):
                kind, count = _kinds(counted).most_common(1)[0]
                reason = next(reason for reason in counted if reason.partition(":")[0] == kind)
                raise ResetError(
                    f"judge '{judge_name}' could not score '{name}' for {nulls} of {self.verdicts[name]} answers, more "
                    f"than judge.max_null = {max_null:g} allows; most often ({count}): {reason}"
                )

    def summary(self) -> dict[str, dict[str, Any]]:
        """Number of verdicts, nulls and mean score of each verdict name; if there are nulls, also counts per reason.

        Of a reason, what stands before a colon is counted: behind it are the words of a server, or other details. With
        verdicts on references, `gold` has the same figures of those.
        """
        scored = {name: self.verdicts[name] - self.nulls[name] for name in sorted({*self.verdicts, *self.gold})}
        return {
            name: {
                "n": self.verdicts[name],
                "nulls": self.nulls[name],
                "mean": round(self.totals[name] / count, 6) if count else None,
                **({"null_reasons": dict(sorted(_kinds(self.reasons[name]).items()))} if self.nulls[name] else {}),
                **({"gold": _of_gold(self.gold[name])} if name in self.gold else {}),
            }
            for name, count in scored.items()
        }


def _of_gold(scores: Sequence[float | None]) -> dict[str, Any]:
    known = [score for score in scores if score is not None]
    mean = round(sum(known) / len(known), 6) if known else None
    return {"n": len(scores), "nulls": len(scores) - len(known), "mean": mean}


def _kinds(reasons: Mapping[str, int]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for reason, count in reasons.items():
        counts[reason.partition(":")[0]] += count
    return counts
