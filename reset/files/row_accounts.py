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
        self.set_aside: Counter[str] = Counter()
        self.where: dict[str, list[str]] = {}  # reason -> locations of its first rows

    def keep(self, rows: int = 1) -> None:
        """Count rows that came in and are passed on."""
        self.rows_in += rows
        self.rows_out += rows

    def leave(self, reason: str, rows: int = 1, where: str = "") -> None:
        """Count rows that came in and are set aside for `reason`; the first locations `where` are kept."""
        self.rows_in += rows
        self.set_aside[reason] += rows
        if where and len(locations := self.where.setdefault(reason, [])) < SHOWN:
            locations.append(where)

    def add(self, other: "Account") -> None:
        """Add the counts of another account."""
        self.rows_in, self.rows_out = self.rows_in + other.rows_in, self.rows_out + other.rows_out
        self.set_aside += other.set_aside

    def as_dict(self) -> dict[str, Any]:
        """The three counts, for a metrics file."""
        aside = dict(sorted(self.set_aside.items()))
        return {"rows_in": self.rows_in, "rows_out": self.rows_out, "set_aside": aside}

    def write(self, path: Path, **more: Any) -> None:
        """Write the counts, the locations and the figures in `more` to a metrics file."""
        where = {"where": self.where} if self.where else {}
        tables.write_json(path, {**self.as_dict(), **where, **more})

    def __str__(self) -> str:
        aside = ", ".join(f"{count} {reason}" for reason, count in self.set_aside.most_common())
        return f"{self.rows_in} rows in, {self.rows_out} out" + (f"; set aside: {aside}" if aside else "")
