"""Which files of the repository a module's work depends on, read from the source text: nothing is imported."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.support import ROOT

PLUG_IN = re.compile(r"((?:reset|stages)(?:\.\w+)+):\w+")


@cache
def file_of(module: str) -> Path | None:
    """The file of a module of `reset` or `stages`, relative to the repository; None for anything else."""
    if module.partition(".")[0] not in ("reset", "stages"):
        return None
    stem = Path(*module.split("."))
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if (ROOT / path).is_file()), None)


def module_of(plug_in: str) -> str:
    """The module of a plug-in table's "module:Class"."""
    return plug_in.partition(":")[0]


@cache
def tree(path: Path) -> ast.Module:
    """The syntax of a file of the repository."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@cache
def texts(path: Path) -> set[str]:
    """The string constants of a module."""
    found = (node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant))
    return {value for value in found if isinstance(value, str)}


@cache
def imported(path: Path) -> set[str]:
    """What a module imports, in functions too, with the packages these are in."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    parents = {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 1)}
    return {name for name in names | parents if file_of(name)}


def plug_ins(path: Path) -> set[str]:
    """The modules that a module's own plug-in tables name."""
    return {match[1] for text in texts(path) if (match := PLUG_IN.fullmatch(text))}


def registered(path: Path) -> set[str]:
    """The tables of `reset.registry` that a module takes plug-ins from."""
    nodes = (node for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute) and node.attr.isupper())
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "registry"}


@cache
def data_files(path: Path) -> list[Path]:
    """Files beside a module that are no Python and that it names."""
    beside = (file for file in (ROOT / path).parent.iterdir() if file.is_file() and file.suffix != ".py")
    return [file.relative_to(ROOT) for file in beside if file.name in texts(path)]


@cache
def closure(modules: tuple[str, ...], *, without: frozenset[str]) -> dict[str, Path]:
    """`modules` and all that they import, directly or not; neither into nor through `without`."""
    found: dict[str, Path] = {}
    todo = list(modules)
    while todo:
        module = todo.pop()
        path = file_of(module)
        if path and module not in found and module not in without:
            found[module] = path
            todo += imported(path)
    return found
