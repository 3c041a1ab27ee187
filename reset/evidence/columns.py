"""Columns of the tables that pass from stage to stage, with their meanings: the comments of `reset.files.schemas`."""

import inspect
import io
import re
import tokenize
from dataclasses import dataclass

import pyarrow as pa

from reset.files import schemas


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    kind: str
    null: bool
    meaning: str


def every_table() -> dict[str, list[Column]]:
    """Return the columns of each schema; one that a schema takes from another has that one's meaning."""
    known: dict[str, str] = {}
    made = {}
    for name, schema in vars(schemas).items():
        if isinstance(schema, pa.Schema):
            own = _said(name)
            known = {column.name: own.get(column.name) or known.get(column.name, "") for column in schema} | known | own
            made[name] = [
                Column(one.name, str(one.type), one.nullable, own.get(one.name) or known[one.name]) for one in schema
            ]
    return made


def line_comments(text: str) -> dict[int, str]:
    """Return the comments of Python source: line number -> what is said at the end of that line."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {one.start[0]: one.string.lstrip("# ") for one in tokens if one.type == tokenize.COMMENT}


def _said(name: str) -> dict[str, str]:
    """The comments at the columns of one schema's declaration."""
    text = inspect.getsource(schemas)
    lines, said = text.splitlines(), line_comments(text)
    first = next(n for n, line in enumerate(lines) if line.startswith(f"{name} = "))
    last = next((n for n in range(first + 1, len(lines)) if re.match(r"[A-Z_]+ = |#", lines[n])), len(lines))
    pairs = [
        (re.match(r"\s*(?:.*_(?:schema|nullable)\()?(\w+)=(?=pa\.|_TEXT)", lines[n]), said.get(n + 1, ""))
        for n in range(first, last)
    ]
    return {found[1]: text for found, text in pairs if found and text}
