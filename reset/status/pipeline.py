"""The stages of dvc.yaml, resolved against params.yaml without DVC, which takes seconds for some hundred stages.

The subset of DVC's templating that our dvc.yaml uses: `foreach` and `matrix` over tables or lists, and `${...}` with
dots. A test compares the result with DVC's own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from reset.errors import ResetError
from reset.files import fast_yaml

_HOLE = re.compile(r"\$\{([^}]+)\}")
Context = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """One stage: `params` are keys of params.yaml; paths are relative to the project."""

    name: str
    cmd: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    params: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Its name in dvc.yaml, without the row."""
        return self.name.partition("@")[0]


def load_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file. Raises `ResetError` if it is missing or holds no mapping."""
    try:
        content = fast_yaml.load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResetError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ResetError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise ResetError(f"{path}: holds no table")
    return content


def stages(definition: Mapping[str, Any], params: Context) -> list[Stage]:
    """Return the stages of `definition`, the content of dvc.yaml, in its order. Raises `ResetError` for odd content."""
    return [stage for name, entry in definition["stages"].items() for stage in _expanded(name, entry, params)]


def _expanded(name: str, entry: Mapping[str, Any], params: Context) -> Iterator[Stage]:
    if "foreach" in entry:
        rows = _resolved(entry["foreach"], params)
        pairs = rows.items() if isinstance(rows, Mapping) else ((row, row) for row in rows)
        for key, item in pairs:
            yield _stage(f"{name}@{key}", entry["do"], {**params, "key": key, "item": item})
    elif "matrix" in entry:
        axes = {axis: list(_resolved(rows, params)) for axis, rows in entry["matrix"].items()}
        for values in product(*axes.values()):
            item = dict(zip(axes, values, strict=True))
            yield _stage(f"{name}@{'-'.join(map(str, values))}", entry, {**params, "item": item})
    else:
        yield _stage(name, entry, params)


def _stage(name: str, entry: Mapping[str, Any], context: Context) -> Stage:
    def paths(*keys: str) -> tuple[str, ...]:
        listed = (one for key in keys for one in entry.get(key, ()))
        names = (next(iter(one)) if isinstance(one, Mapping) else one for one in listed)
        return tuple(str(_resolved(one, context)) for one in names)

    cmd = " ".join(str(_resolved(entry["cmd"], context)).split())
    return Stage(name, cmd, paths("deps"), paths("outs", "metrics", "plots"), paths("params"))


def _resolved(text: Any, context: Context) -> Any:
    """Fill the holes of `text`; a hole alone gives the value itself."""
    if not isinstance(text, str):
        return text
    if whole := _HOLE.fullmatch(text):
        return value(context, whole[1])
    return _HOLE.sub(lambda hole: str(value(context, hole[1])), text)


def value(content: Context, key: str) -> Any:
    """Return the value under the dotted `key`. Raises `ResetError` if there is none."""
    found: Any = content
    for part in key.strip().split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise ResetError(f"dvc.yaml: params.yaml has no '{key}'")
        found = found[part]
    return found
