"""Compare a table in two runs: rows added, gone and changed, matched by id, not by position."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from reset.evidence.revisions import Run
from reset.files import schemas

# folder -> (schema, columns that identify a row)
KEYS: Mapping[str, tuple[pa.Schema, tuple[str, ...]]] = {
    "data/examples": (schemas.EXAMPLES, ("example_id",)),
    "data/mixtures": (schemas.MIXTURES, ("example_id", "repeat")),
    "data/prompts": (schemas.EXAMPLES, ("example_id",)),
    "data/answers": (schemas.ANSWERS, ("answer_id",)),
    "data/verdicts": (schemas.VERDICTS, ("answer_id", "name")),
    "data/curated": (schemas.CURATED, ("example_id", "repeat")),
}
SHOWN = 5  # ids listed per kind of change

Pair = tuple[str | None, str | None]  # a table's name in A and in B; None if a run lacks it


def pairs(a: Run, b: Run) -> list[Pair]:
    """Pair the tables of both runs by name."""
    paired: list[Pair] = []
    for folder in KEYS:
        in_a, in_b = (
            {name for name in run.files(folder) if name.endswith(".parquet") and not Path(name).name.startswith(".")}
            for run in (a, b)
        )
        paired += [(n if n in in_a else None, n if n in in_b else None) for n in sorted(in_a | in_b)]
    return paired


def compare(a: Run, b: Run, pair: Pair) -> dict[str, Any]:
    """Count the rows of a table in A and in B, those added, gone and changed, and the changes per column.

    Tables with equal hashes in dvc.lock are not read.
    """
    before, after = pair
    names: dict[str, Any] = {"table": after or before, "was": before, "is": after, "equal": False}
    marks = [run.mark(name) if name else None for run, name in ((a, before), (b, after))]
    if marks[0] is not None and marks[0] == marks[1]:
        return {**names, "equal": True}
    shared = _shared_columns(pair)
    old, new = (dict(_rows(run, name, shared)) if name else {} for run, name in ((a, before), (b, after)))
    added, gone = [key for key in new if key not in old], [key for key in old if key not in new]
    changed = [key for key in new if key in old and old[key] != new[key]]
    columns = Counter(name for key in changed for name, x, y in zip(shared, old[key], new[key], strict=True) if x != y)
    kinds = {"added": added, "gone": gone, "changed": changed}
    return {
        **names,
        "equal": not (added or gone or changed) and None not in pair,
        "rows_a": len(old) if before else None,
        "rows_b": len(new) if after else None,
        **{kind: len(keys) for kind, keys in kinds.items()},
        "columns": dict(columns.most_common()),
        "ids": {kind: ["|".join(map(str, key)) for key in keys[:SHOWN]] for kind, keys in kinds.items()},
    }


def _table(name: str) -> tuple[pa.Schema, tuple[str, ...]]:
    """Return the schema and the key of the tables in the folder of `name`."""
    return KEYS["/".join(name.split("/")[:2])]


def _shared_columns(pair: Pair) -> list[str]:
    """Return the columns that both tables have; a system's rows may be those of a mixture and of a curated set."""
    first, *others = [_table(name)[0].names for name in pair if name]
    return [name for name in first if all(name in other for other in others)]


def _rows(run: Run, name: str, columns: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], tuple[int, ...]]]:
    """Yield the key of each row and a hash per column, to save memory."""
    schema, keys = _table(name)
    for row in run.rows(name, schema):
        yield tuple(row[key] for key in keys), tuple(hash(repr(row[column])) for column in columns)
