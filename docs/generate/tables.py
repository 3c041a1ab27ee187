"""The page on the tables that pass from stage to stage: their columns by `reset.files.schemas`, with its comments."""

import inspect
import re
from dataclasses import dataclass

import pyarrow as pa

from docs.generate import comments
from docs.generate.keys import sentence
from docs.generate.markdown import page, prose, table
from reset.files import schemas


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    kind: str
    null: bool
    meaning: str


def pages() -> dict[str, str]:
    """Return the page by its path in the site."""
    parts = []
    for name, columns in every_table().items():
        rows = [[f"`{one.name}`", one.kind, "yes" if one.null else "no", prose(one.meaning)] for one in columns]
        parts += [f"## `{name}`", prose(about(name)), table(["column", "type", "may be null", "meaning"], rows)]
    return {"reference/tables.md": page("Tables", prose(schemas.__doc__ or ""), *(part for part in parts if part))}


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


def about(name: str) -> str:
    """Return the comment above a schema."""
    text = inspect.getsource(schemas)
    line = next(n for n, line in enumerate(text.splitlines(), start=1) if line.startswith(f"{name} = "))
    said = comments.above(text, line)
    return sentence(said) if said else ""


def _said(name: str) -> dict[str, str]:
    """The comments at the columns of one schema's declaration."""
    text = inspect.getsource(schemas)
    lines, said = text.splitlines(), comments.of_names(text)
    first = next(n for n, line in enumerate(lines) if line.startswith(f"{name} = "))
    last = next((n for n in range(first + 1, len(lines)) if re.match(r"[A-Z_]+ = |#", lines[n])), len(lines))
    pairs = [
        (re.match(r"\s*(?:.*_(?:schema|nullable)\()?(\w+)=(?=pa\.|_TEXT)", lines[n]), said.get(n + 1, ""))
        for n in range(first, last)
    ]
    return {found[1]: text for found, text in pairs if found and text}
