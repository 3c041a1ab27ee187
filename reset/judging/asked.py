"""Which answers of a pool a judge is asked about, and why not about the others."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from reset.files import schemas, tables
from reset.judges import Judge, Read, answerable

NOT_ASKED, FAILED, UNREAD = "not for this judge", "no answer to judge", "nothing reads its verdict"
UNANSWERABLE = "the prompt is unanswerable"


@dataclass(frozen=True)
class Asked:
    """The tasks of a judge, what is read of its verdicts (None: all), and the prompts that it does not see."""

    tasks: frozenset[str]
    read: Read | None
    without: frozenset[str]

    @classmethod
    def of(cls, by: Judge, read: Read | None, prompts: Path) -> Self:
        """Return what `by` is asked about; only a judge for them sees the unanswerable ones of `prompts`."""
        every = () if getattr(by, "unanswerable", False) else tables.read(prompts, schemas.EXAMPLES)
        checked = ((row["example_id"], row["checks"]) for row in every if row["checks"])
        return cls(by.tasks, read, frozenset(name for name, checks in checked if not answerable(json.loads(checks))))

    def why_not(self, row: tables.Row) -> str | None:
        """Return why an answer is not judged; None if it is."""
        if row["task"] not in self.tasks:
            return NOT_ASKED
        if row["example_id"] in self.without:
            return UNANSWERABLE
        if row["finish_reason"].startswith("error"):
            return FAILED
        wanted = self.read is None or self.read.wants_any(row["sweep"], row["setting"] == schemas.GOLD)
        return None if wanted else UNREAD
