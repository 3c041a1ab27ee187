"""Comments of Python and YAML files, by the name or key that they stand at."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

Keys = tuple[str, ...]  # of keys, from the top of a file
NAME = re.compile(r"\s*(\w+)\s*[:=]")


def above(text: str, line: int) -> str:
    """Return the whole-line comments directly above `line` (from 1) as one text."""
    lines = text.splitlines()
    said: list[str] = []
    while (line := line - 1) and lines[line - 1].lstrip().startswith("#"):
        said.insert(0, lines[line - 1].lstrip("# "))
    return " ".join(said)


def of_keys(path: Path) -> dict[Keys, str]:
    """Return the comments of a YAML file: key -> what stands above it and at the end of its line.

    A line's last comment belongs to the first key of the line. The head of the file, `@package` and what follows it,
    belongs to no key.
    """
    text = path.read_text(encoding="utf-8")
    found: dict[Keys, str] = {}
    seen: set[int] = set()
    head = _head(text)
    for key, line in _keys(yaml.compose(text)):
        if line not in seen:
            seen.add(line)
            said = [above(text, line) if line > head + 1 else "", _end(text.splitlines()[line - 1])]
            if any(said):
                found[key] = "; ".join(one for one in said if one)
    return found


def _head(text: str) -> int:
    """The number of lines of comment that a file begins with."""
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))


def _keys(node: yaml.Node | None, under: Keys = ()) -> Iterator[tuple[Keys, int]]:
    """Yield the keys of a document with their lines, from 1; what is merged in (`<<`) stands elsewhere."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value != "<<":
                yield (*under, key.value), key.start_mark.line + 1
                yield from _keys(value, (*under, key.value))


def _end(line: str) -> str:
    """The comment at the end of a line of YAML."""
    return "".join(re.findall(r"(?:^|\s)#\s+([^#]*)$", line)).strip()
