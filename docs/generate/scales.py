"""What each scale of conf/ sets: the values of params.yaml, composed as `dvc exp run -S scale=...` composes them."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from docs.generate.keys import ROW, Key


def compose(conf: Path) -> dict[str, dict[str, Any]]:
    """Return the composed params.yaml of each scale, the default one (`micro`) first."""
    from dvc.utils.hydra import compose_and_dump  # takes a second to import

    names = sorted((path.stem for path in (conf / "scale").glob("*.yaml")), key=lambda name: (name != "micro", name))
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            path = Path(folder) / f"{name}.yaml"
            compose_and_dump(path, str(conf.resolve()), None, "config", None, [f"scale={name}"])
            made[name] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return made


def value(key: Key, composed: Any) -> str:
    """Return what a scale sets for `key`; of a table each distinct value with the rows that have it, "" if none has."""
    found = list(_values(key.path, composed, key.only))
    if ROW not in key.path:
        return _flow(found[0][1]) if found else ""
    rows: dict[str, list[str]] = {}
    for row, one in found:
        rows.setdefault(_flow(one), []).append(row)
    if len(rows) == 1:
        return next(iter(rows))
    return "; ".join(f"{one} ({', '.join(names)})" for one, names in rows.items())


def _values(path: Sequence[str], tree: Any, only: Any, row: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values at a path with the rows that they stand in."""
    if not path:
        yield row, tree
    elif isinstance(tree, dict) and path[0] == ROW:
        for name, one in tree.items():
            if not only or any(one.get(tag) == given for tag, given in only):
                yield from _values(path[1:], one, only, name)
    elif isinstance(tree, dict) and path[0] in tree:
        yield from _values(path[1:], tree[path[0]], only, row)


def _flow(one: Any) -> str:
    """A value as YAML in one line, set as code."""
    text = yaml.safe_dump(one, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return f"`{text.removesuffix('...' + chr(10)).strip()}`"
