"""Which scores go into which macro average (paper 2.2, Table 4): all data sets of an objective, and parts of them."""

from collections.abc import Iterable, Iterator, Mapping

from reset.files.tables import Row
from reset.objectives import PARTS, kind, macro_name, parts

ByObjective = dict[str, list[Row]]


def grouped(rows: Iterable[Row]) -> dict[str, ByObjective]:
    """Return the rows by data set and objective."""
    by_dataset: dict[str, ByObjective] = {}
    for row in rows:
        by_dataset.setdefault(row["dataset"], {}).setdefault(row["objective"], []).append(row)
    return by_dataset


def macros(by_dataset: Mapping[str, ByObjective]) -> Iterator[tuple[str, list[list[Row]]]]:
    """Yield the name of each macro average, and the rows of each data set in it."""
    for name in dict.fromkeys(name for scored in by_dataset.values() for name in scored):
        members = [scored[name] for _, scored in sorted(by_dataset.items()) if name in scored]
        yield name, members
        if any(kind(rows[0]["task"]) != "instruction" for rows in members):
            for part in PARTS:
                if of_part := [rows for rows in members if part in parts(rows[0]["task"], rows[0]["group"])]:
                    yield macro_name(name, part), of_part
