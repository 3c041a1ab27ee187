"""The page on plug-ins and their options, read from their source: some import libraries that may not be installed."""

import ast
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from docs.generate.markdown import page, prose, table
from reset import registry

TABLES: Mapping[str, Mapping[str, str]] = {
    "Sources: `datasets.<name>.source`": registry.SOURCES,
    "Kinds of starting models: `base.<name>.kind`": registry.BASES,
    "Engines: `sample.engine`": registry.ENGINES,
    "Kinds of judges: `judges.<name>.kind`": registry.JUDGES,
    "Methods: `recipes.<name>.method`": registry.METHODS,
}
GIVEN = {  # by the stage, so that they are no options
    "reset.bases": {"needs", "seed"},
    "reset.engines": {"model"},
    "reset.judges": {"name"},
}
Option = tuple[str, str, str]  # name, annotation, default


def pages() -> dict[str, str]:
    """Return the page by its path in the site."""
    parts = [part for title, known in TABLES.items() for part in _table(title, known)]
    said = "What may stand in place of a kind, and the `options` that it takes, made of the code."
    return {"reference/plug-ins.md": page("Plug-ins", said, *parts)}


def _table(title: str, known: Mapping[str, str]) -> Iterator[str]:
    yield f"## {title}"
    for name, plug_in in known.items():
        module, _, attribute = plug_in.partition(":")
        yield f"### `{name}`"
        yield from (prose(text) for text in documentation(module, attribute))
        rows = [
            [f"`{option}`", f"`{kind}`", f"`{default}`" if default else "must be set"]
            for option, kind, default in options(module, attribute)
        ]
        if rows:
            yield table(["option", "type", "default"], rows)


def documentation(module: str, name: str) -> list[str]:
    """Return the docstrings of a plug-in's module and of the plug-in."""
    found = _tree(module)
    return [text for text in (ast.get_docstring(found), ast.get_docstring(_named(found, name))) if text]


def options(module: str, name: str) -> list[Option]:
    """Return the options of a class, those of a base class in reset/ first; a function has none."""
    node = _named(_tree(module), name)
    if not isinstance(node, ast.ClassDef):
        return []
    made = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
    inherited = [] if made else [option for base in node.bases for option in _inherited(module, ast.unparse(base))]
    given = GIVEN.get(".".join(module.split(".")[:2]), set())
    return [one for one in [*inherited, *(_arguments(made[0]) if made else _fields(node))] if one[0] not in given]


def _arguments(made: ast.FunctionDef) -> list[Option]:
    each = zip(made.args.kwonlyargs, made.args.kw_defaults, strict=True)
    return [
        (one.arg, ast.unparse(one.annotation) if one.annotation else "", ast.unparse(default) if default else "")
        for one, default in each
    ]


def _fields(node: ast.ClassDef) -> list[Option]:
    """The fields of a dataclass; those that `ClassVar` marks, or that the constructor does not take, are no options."""
    fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
    return [
        (ast.unparse(one.target), ast.unparse(one.annotation), _default(one.value))
        for one in fields
        if "ClassVar" not in ast.unparse(one.annotation) and "init=False" not in _default(one.value)
    ]


def _default(value: ast.expr | None) -> str:
    """A field's default: `field(default_factory=dict)` is `dict()`."""
    text = ast.unparse(value) if value else ""
    return text.removeprefix("field(default_factory=").removesuffix(")") + "()" if text.startswith("field(") else text


def _inherited(module: str, base: str) -> list[Option]:
    """The options of a base class that the module imports from reset/."""
    imported = [node for node in _tree(module).body if isinstance(node, ast.ImportFrom)]
    for node in imported:
        if (node.module or "").startswith("reset") and base in (alias.name for alias in node.names):
            return options(str(node.module), base)
    return []


def _tree(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec and spec.origin
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def _named(tree: ast.Module, name: str) -> ast.ClassDef | ast.FunctionDef:
    return next(node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name)
