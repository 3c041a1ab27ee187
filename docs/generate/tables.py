"""The page on the tables that pass from stage to stage: their columns by `reset.files.schemas`, with its comments."""

import inspect
import re
from collections.abc import Iterator
from types import ModuleType

from docs.generate import comments
from docs.generate.keys import sentence
from docs.generate.markdown import page, prose, table
from reset.evidence.columns import Column, every_table, line_comments
from reset.files import schemas
from reset.scoring import evaluate

FILES = {  # schema -> where its tables lie
    "EXAMPLES": "`data/examples/<dataset>/<split>.parquet`, `data/prompts/<prompts>.parquet`, "
    "`data/asked/<pool>.parquet`",
    "SCREENED": "`data/screen.parquet`",
    "MIXTURES": "`data/mixtures/<mixture>.parquet`",
    "CURATED": "`data/curated/<name>.parquet`, with pick `best` or `random`",
    "PAIRS": "`data/curated/<name>.parquet`, with pick `pairs`",
    "LABELLED": "`data/curated/<name>.parquet`, with pick `labelled`",
    "WEIGHTED": "`data/curated/<name>.parquet`, with pick `weighted`",
    "UNTRAINED": "one more column of `data/curated/<name>.parquet`, with `mask`",
    "ANSWERS": "`data/answers/<pool>.parquet`",
    "VERDICTS": "`data/verdicts/<pool>/<judge>.parquet`, `data/watched/<watcher>/<pool>.parquet`",
    "SCORES": "`data/scores/<system>.parquet`",
}
SCORED = {  # columns of SCORES that no other table has
    "group": "seen, unseen or instruction, by `evaluate.groups`",
    "objective": "a row of `objectives`, or one of the verdicts that are scored besides",
    "score": "in [0, 1]; null if no verdict tells",
}


def pages() -> dict[str, str]:
    """Return the page by its path in the site."""
    parts = []
    for name, columns in all_tables().items():
        rows = [[f"`{one.name}`", one.kind, "yes" if one.null else "no", prose(one.meaning)] for one in columns]
        parts += [
            f"## `{name}`",
            FILES[name],
            prose(about(name)),
            table(["column", "type", "may be null", "meaning"], rows),
        ]
    return {"reference/tables.md": page("Tables", prose(schemas.__doc__ or ""), *(part for part in parts if part))}


def all_tables() -> dict[str, list[Column]]:
    """Return the tables that pass from stage to stage, then the scores of `evaluate`."""
    made = every_table()
    said = line_comments(inspect.getsource(evaluate))
    own = {found[1]: text for text, found in _named(evaluate, said) if found}
    known = {one.name: one.meaning for one in made["EXAMPLES"]} | own | SCORED
    scores = [Column(one.name, str(one.type), one.nullable, known[one.name]) for one in evaluate.SCORES]
    return {**made, "SCORES": scores}


def _named(module: ModuleType, said: dict[int, str]) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Yield the comments at fields that a module declares one by one."""
    lines = inspect.getsource(module).splitlines()
    for number, text in said.items():
        yield text, re.match(r'\s*pa\.field\("(\w+)"', lines[number - 1])


def about(name: str) -> str:
    """Return the comment above a schema of `reset.files.schemas`."""
    text = inspect.getsource(schemas)
    if f"\n{name} = " not in text:
        return ""
    line = next(n for n, line in enumerate(text.splitlines(), start=1) if line.startswith(f"{name} = "))
    said = comments.above(text, line)
    return sentence(said) if said else ""
