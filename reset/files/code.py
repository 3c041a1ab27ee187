"""Which source files decide the result of a module, read from the source text: nothing is imported.

The files are the module itself and all of this repository that it imports, directly or not. Rooms that decide no
result are left out (`UNWATCHED`): an edit of a progress bar must not discard a week of sampling. dvc.yaml lists the
same files for each stage, room by room; a test compares the two.
"""

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

from reset.files.hashing import file_hash

ROOT = Path(__file__).parents[2]
PACKAGES = ("reset", "stages")
UNWATCHED = (
    "reset",  # the version
    "stages",  # a docstring
    "reset.errors",  # wording
    "reset.registry",  # names of plug-ins; which one is used is a parameter, and its own file is watched
    "reset.files.",  # how rows lie on disk
    "reset.params.",  # checks parameters, whose values DVC watches itself
    "reset.planning.",  # what a run will take
    "reset.runs.",  # how work is spread, resumed and shown: the rows come out the same
    "reset.tracking.",  # on or off, results are the same
    "reset.engines",  # the records and the Protocol between a stage and its plug-ins
    "reset.judges",
)


@cache
def file_of(module: str) -> Path | None:
    """Return the file of a module of `reset` or `stages`, relative to the repository; None for anything else."""
    if module.partition(".")[0] not in PACKAGES:
        return None
    stem = Path(*module.split("."))
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if (ROOT / path).is_file()), None)


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file of the repository."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> frozenset[str]:
    """Return the modules that a file imports, in functions too, with the packages that hold them."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    parents = {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 1)}
    return frozenset(name for name in names | parents if file_of(name))


@cache
def data_files(path: Path) -> tuple[Path, ...]:
    """Return the files beside a module that are not Python and that it names, such as a prompt's text."""
    constants = (node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant))
    named = {value for value in constants if isinstance(value, str)}
    beside = (file for file in (ROOT / path).parent.iterdir() if file.is_file() and file.suffix != ".py")
    return tuple(sorted(file.relative_to(ROOT) for file in beside if file.name in named))


def _has_code(path: Path) -> bool:
    return any(not isinstance(node, ast.Expr) for node in tree(path).body)  # more than a docstring


def watched(module: str) -> bool:
    """Say whether a module may decide a result."""
    inside = any(f"{module}.".startswith(room) for room in UNWATCHED if room.endswith("."))
    return module not in UNWATCHED and not inside


def closure(modules: Iterable[str], without: Collection[str] = ()) -> dict[str, Path]:
    """Return `modules` and everything watched that they import, directly or not: module to file.

    The search neither enters nor passes through the modules `without`.
    """
    found: dict[str, Path] = {}
    todo = list(modules)
    while todo:
        module = todo.pop()
        path = file_of(module)
        if path and module not in found and module not in without and watched(module):
            found[module] = path
            todo += imported(path)
    return {module: path for module, path in found.items() if _has_code(path)}


def deciding(modules: Iterable[str]) -> Iterator[Path]:
    """Yield the files that decide what `modules` do, relative to the repository, in order, each once."""
    paths = set(closure(modules).values())
    yield from sorted(paths.union(*(data_files(path) for path in paths)))


def code_hash(*modules: str) -> str:
    """Return the SHA-256 of the files that decide what `modules` do: the code part of every resume fingerprint."""
    lines = [f"{path} {file_hash(ROOT / path)}" for path in deciding(modules)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
