"""Find the source files that decide a module's result, by parsing source text; nothing is imported.

The files are the module itself and everything in this repository that it imports, directly or indirectly. Modules that
cannot change a result are left out (`UNWATCHED`): editing a progress bar must not discard a week of sampling. dvc.yaml
lists the same files for each stage, folder by folder; a test compares the two.
"""

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from reset.files.hashing import file_hash, fingerprint

ROOT = Path(__file__).parents[2]
PACKAGES = ("reset", "stages")
UNWATCHED = (
    "reset",  # only the version
    "stages",  # only a docstring
    "reset.errors",  # wording of messages
    "reset.registry",  # names of plug-ins; which one is used is a parameter, and its own file is watched
    "reset.files.",  # how rows are stored on disk
    "reset.params.",  # checks of parameters; DVC watches the values itself
    "reset.planning.",  # estimates before a run
    "reset.runs.",  # how work is distributed, resumed and displayed; the rows are the same
    "reset.tracking.",  # MLflow records; results are the same without them
    "reset.engines",  # the Protocol between a stage and its engines, and its record types
    "reset.judges",  # the same for judges
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
    """Return the modules that a file imports, also inside functions, and their parent packages."""
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
    """Return the non-Python files in the module's folder that it names, such as a prompt's text."""
    constants = (node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant))
    named = {value for value in constants if isinstance(value, str)}
    beside = (file for file in (ROOT / path).parent.iterdir() if file.is_file() and file.suffix != ".py")
    return tuple(sorted(file.relative_to(ROOT) for file in beside if file.name in named))


def _has_code(path: Path) -> bool:
    """Whether a file holds more than a docstring."""
    return any(not isinstance(node, ast.Expr) for node in tree(path).body)


def watched(module: str) -> bool:
    """Whether a module can change a result."""
    in_unwatched_package = any(f"{module}.".startswith(package) for package in UNWATCHED if package.endswith("."))
    return module not in UNWATCHED and not in_unwatched_package


def closure(modules: Iterable[str], without: Collection[str] = ()) -> dict[str, Path]:
    """Return `modules` and all watched modules that they import, directly or indirectly: module to file.

    The search does not enter the modules in `without`.
    """
    reached: dict[str, Path] = {}
    todo = list(modules)
    while todo:
        module = todo.pop()
        path = file_of(module)
        if path and module not in reached and module not in without and watched(module):
            reached[module] = path
            todo += imported(path)
    return {module: path for module, path in reached.items() if _has_code(path)}


def deciding(modules: Iterable[str], without: Collection[str] = ()) -> Iterator[Path]:
    """Yield the files that decide what `modules` do: relative to the repository, sorted, each once.

    What is imported through the modules in `without` alone is not among them.
    """
    paths = set(closure(modules, without).values())
    yield from sorted(paths.union(*(data_files(path) for path in paths)))


def mark(*modules: str, without: Collection[str] = (), **parts: Any) -> str:
    """Return the fingerprint under which `modules` find their earlier work: a hash of `parts` and of the code.

    The code of the modules in `without` decides only which work there is.
    """
    return fingerprint(**parts, code=code_hash(*modules, without=without))


def code_hash(*modules: str, without: Collection[str] = ()) -> str:
    """Return a SHA-256 of the files that decide what `modules` do: the code part of every fingerprint."""
    lines = [f"{path} {file_hash(ROOT / path)}" for path in deciding(modules, without)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
