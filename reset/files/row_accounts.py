"""Row accounting: rows in = rows out + rows set aside, always, with the reason of each row left out."""

from collections import Counter
from pathlib import Path
from typing import Any

from reset.files import tables

SHOWN = 5  # places kept per reason


class Account:
    """Counts of one table's way through a stage; `close` refuses a sum that does not balance."""

    def __init__(self) -> None:
        self.rows_in = 0
        self.rows_out = 0
        self.set_aside: Counter[str] = Counter()
        self.where: dict[str, list[str]] = {}  # the first rows of each reason

    def keep(self, rows: int = 1) -> None:
        """Count rows that came in and go on."""
        self.rows_in += rows
        self.rows_out += rows

    def leave(self, reason: str, rows: int = 1, where: str = "") -> None:
        """Count rows that came in and are left out for `reason`; `where` they stand is kept of the first few."""
        self.rows_in += rows
        self.set_aside[reason] += rows
        if where and len(places := self.where.setdefault(reason, [])) < SHOWN:
            places.append(where)

    def add(self, other: "Account") -> None:
        """Count the rows of another table too."""
        self.rows_in, self.rows_out = self.rows_in + other.rows_in, self.rows_out + other.rows_out
        self.set_aside += other.set_aside

    def as_dict(self) -> dict[str, Any]:
        """The three figures, for a metrics file."""
        aside = dict(sorted(self.set_aside.items()))
        return {"rows_in": self.rows_in, "rows_out": self.rows_out, "set_aside": aside}

    def write(self, path: Path, **more: Any) -> None:
        """Write the account, and `more` figures beside it, to a metrics file."""
        where = {"where": self.where} if self.where else {}
        tables.write_json(path, {**self.as_dict(), **where, **more})

    def __str__(self) -> str:
        aside = ", ".join(f"{count} {reason}" for reason, count in self.set_aside.most_common())
        return f"{self.rows_in} rows in, {self.rows_out} out" + (f"; set aside: {aside}" if aside else "")
