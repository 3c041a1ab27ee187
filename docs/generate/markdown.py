"""Pieces of Markdown."""

import re
from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; bars inside cells are escaped."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def prose(text: str) -> str:
    """Return text of a docstring or comment so that nothing outside its code spans is taken for HTML or a link."""
    parts = re.split(r"(`+[^`]*`+|^    [^\n]*$)", text, flags=re.MULTILINE)
    return "".join(part if n % 2 else _escaped(part) for n, part in enumerate(parts))


def block(text: str) -> str:
    """Return text as it is, in a block."""
    return f"```text\n{text.rstrip()}\n```\n"


def page(title: str, *parts: str) -> str:
    """Return a page; the parts are set apart by empty lines."""
    return "\n\n".join([f"# {title}", *(part.strip("\n") for part in parts)]) + "\n"


def _escaped(text: str) -> str:
    return re.sub(r"([<\[*_])", r"\\\1", text)
