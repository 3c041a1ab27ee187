"""The page on the tables that pass from stage to stage: their columns by `reset.files.schemas`, with its comments."""

import inspect

from docs.generate import comments
from docs.generate.keys import sentence
from docs.generate.markdown import page, prose, table
from reset.evidence.columns import every_table
from reset.files import schemas


def pages() -> dict[str, str]:
    """Return the page by its path in the site."""
    parts = []
    for name, columns in every_table().items():
        rows = [[f"`{one.name}`", one.kind, "yes" if one.null else "no", prose(one.meaning)] for one in columns]
        parts += [f"## `{name}`", prose(about(name)), table(["column", "type", "may be null", "meaning"], rows)]
    return {"reference/tables.md": page("Tables", prose(schemas.__doc__ or ""), *(part for part in parts if part))}


def about(name: str) -> str:
    """Return the comment above a schema."""
    text = inspect.getsource(schemas)
    line = next(n for n, line in enumerate(text.splitlines(), start=1) if line.startswith(f"{name} = "))
    said = comments.above(text, line)
    return sentence(said) if said else ""
