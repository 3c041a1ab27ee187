"""Row accounting: rows in = rows out + rows set aside, counted by the reason why they are set aside."""

from collections import Counter
from pathlib import Path
from typing import Any

from reset.files import tables

SHOWN = 5  # row locations kept per reason


class Account:
    """Counts of the rows that pass through a stage."""

    def __init__(self) -> None:
        self.rows_in = 0
        self.rows_out = 0
        self.kept_by: Counter[str] = Counter()  # rows out by the rule that kept them, where a stage has several
        self.set_aside: Counter[str] = Counter()
        self.where: dict[str, list[str]] = {}  # reason -> locations of its first rows

    def keep(self, rows: int = 1, by: str = "") -> None:
        """Count rows that came in and are passed on, `by` a rule that is worth telling."""
        self.rows_in += rows
        self.rows_out += rows
        if by:
            self.kept_by[by] += rows

    def leave(self, reason: str, rows: int = 1, where: str = "") -> None:
        """Count rows that came in and are set aside for `reason`; the first locations `where` are kept."""
        self.rows_in += rows
        self.set_aside[reason] += rows
        if where and len(locations := self.where.setdefault(reason, [])) < SHOWN:
            locations.append(where)

    def add(self, other: "Account") -> None:
        """Add the counts of another account, and the first locations of its rows."""
        self.rows_in, self.rows_out = self.rows_in + other.rows_in, self.rows_out + other.rows_out
        self.kept_by += other.kept_by
        self.set_aside += other.set_aside
        for reason, locations in other.where.items():
            self.where[reason] = [*self.where.get(reason, ()), *locations][:SHOWN]

    def as_dict(self) -> dict[str, Any]:
        """The three counts, for a metrics file."""
        aside = dict(sorted(self.set_aside.items()))
        return {"rows_in": self.rows_in, "rows_out": self.rows_out, "set_aside": aside}

    def write(self, path: Path, **more: Any) -> None:
        """Write the counts, the rules, the locations and the figures in `more` to a metrics file."""
        kept_by = {"kept_by": dict(sorted(self.kept_by.items()))} if self.kept_by else {}
        where = {"where": self.where} if self.where else {}
        tables.write_json(path, {**self.as_dict(), **kept_by, **where, **more})

    def __str__(self) -> str:
        kept, aside = (
            ", ".join(f"{count} {name}" for name, count in counts.most_common())
            for counts in (self.kept_by, self.set_aside)
        )
        whole = f"{self.rows_in} rows in, {self.rows_out} out" + (f" ({kept})" if kept else "")
        return whole + (f"; set aside: {aside}" if aside else "")
