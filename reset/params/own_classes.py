"""Checks of rows of judges whose kind is a class of the user's own: does DVC watch all that decides its verdicts?"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reset import registry

if TYPE_CHECKING:
    from reset.params.document import Params

WATCHED = ("reset", "stages")  # packages whose code every judge's identity hashes


def problems(p: "Params") -> Iterator[str]:
    """Yield a line for each class that would get a model, or of whose files `needs` does not name all."""
    for table, rows in (("judges", p.judges), ("watchers", p.watchers)):
        for name, row in rows.items():
            if not registry.is_own(row.kind):
                continue
            if row.model is not None:
                mend = "name its files in the options, and in `needs` a folder that holds them and the class"
                yield f"{table}.{name}.model is '{row.model}', but a class of your own gets none: {mend}"
            if file := _file(Path(), row.kind.partition(":")[0]):
                yield from _unwatched(f"{table}.{name}.needs", Path(row.needs), file)


def _unwatched(key: str, needs: Path, file: Path) -> Iterator[str]:
    if needs not in (file, *file.parents[:-1]):
        yield f"{key} is '{needs}', must be the file of its class, '{file}', or its folder"
        return
    for other in sorted(_imports(file)):
        if needs not in (other, *other.parents):
            mend = "put both into a folder and name that, or an edit there judges nothing anew"
            yield f"{key} is '{needs}', but the class imports '{other}': {mend}"


def _file(folder: Path, module: str) -> Path | None:
    """Return the file of a module below `folder`, or None."""
    if not all(part.isidentifier() for part in module.split(".")):
        return None
    stem = folder.joinpath(*module.split("."))
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()), None)


def _imports(file: Path) -> set[Path]:
    """Return the files of the working folder that a file imports, also through others; not those of this project."""
    found: set[Path] = set()
    todo = [file]
    while todo:
        new = set(_imported(todo.pop())) - found - {file}
        found |= new
        todo += new
    return found


def _imported(file: Path) -> Iterator[Path]:
    try:
        nodes = [*ast.walk(ast.parse(file.read_bytes()))]
    except (SyntaxError, ValueError, OSError):  # said where the class is loaded
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            modules, folder = [alias.name for alias in node.names], Path()
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or "", *(".".join(filter(None, (node.module, alias.name))) for alias in node.names)]
            folder = [Path(), *file.parents][node.level] if node.level <= len(file.parents) else Path()
        else:
            continue
        for module in modules:
            if module and module.partition(".")[0] not in WATCHED and (other := _file(folder, module)):
                yield other
